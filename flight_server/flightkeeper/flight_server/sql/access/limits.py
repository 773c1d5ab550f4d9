"""Limits of grants as SQL: which columns, and which rows.

Owns row filters: what one may be, and how it is put into a statement so that nothing of the
statement runs on the rows it hides, where an error could tell what stands in them.
"""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from flightkeeper.discovery.principals.model import Grant, folded
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import reading
from flightkeeper.flight_server.sql.access.functions import check_called, check_known
from flightkeeper.flight_server.sql.access.trees import Walk
from flightkeeper.flight_server.sql.dialects import DUCKDB

_REFUSED = (exp.Query, exp.Table, exp.AggFunc, exp.Window, exp.Placeholder, exp.Parameter, exp.Star)


def filter_of(text: str, builtin: frozenset[str]) -> str:
    """A row filter as it is kept: one condition over the columns of its own table.

    Args:
        builtin: the functions that DuckDB brings along.

    Raises:
        InvalidArgument: it is something else; nothing was changed.
        PermissionDenied: it calls what reaches beyond the table.
    """
    tree = _condition(text)
    for node in tree.walk():
        qualified = isinstance(node, exp.Column) and len(node.parts) > 1
        if isinstance(node, _REFUSED) or qualified:
            raise InvalidArgument(
                "a row filter is a condition over the table's own columns, without subqueries, "
                "aggregates, parameters or qualified names; nothing was changed"
            )
    walk = Walk()
    walk.query(tree)
    check_known(walk.called, builtin)
    typed = {folded(node.sql_name()) for node in tree.find_all(exp.Func)}
    check_called(walk.called | typed)
    return tree.sql(DUCKDB, comments=False)


def filter_columns(text: str) -> frozenset[str]:
    """The columns that a row filter looks at, folded."""
    return frozenset(folded(column.name) for column in _condition(text).find_all(exp.Column))


def qualified(text: str, table: str) -> str:
    """A row filter where other tables have columns, too."""
    tree = _condition(text)
    for column in list(tree.find_all(exp.Column)):
        column.set("table", exp.to_identifier(table, quoted=True))
    return tree.sql(DUCKDB, comments=False)


def rows_shown(grants: Iterable[Grant]) -> tuple[str, ...]:
    """The filters of which one has to let a row through; none = all rows are shown."""
    rows = [grant.rows for grant in grants]
    return () if None in rows else tuple(dict.fromkeys(filter(None, rows)))


def either(filters: Sequence[str]) -> str:
    """The condition that one of the filters holds."""
    return " OR ".join(f"({one})" for one in filters)


def unlimited(grants: Iterable[Grant]) -> bool:
    """Whether all of a table is shown."""
    return any(grant.columns is None and grant.rows is None for grant in grants)


def visible(grants: Sequence[Grant], table: str, columns: Sequence[str]) -> str | None:
    """A query for what grants show of a table.

    A value is shown if a grant of its column lets its row through; a row, if it has such a value.

    Args:
        grants: of SELECT on the table; at least one.
        table: its name, as it can stand in a statement.
        columns: all it has.

    Returns: None if there is no column left to show.
    """
    rows = rows_shown(grants)
    shown = [shown for name in columns if (shown := _column(grants, name, rows))]
    if not shown:
        return None
    where = f" WHERE {either(rows)}" if rows else ""
    # Without the OFFSET, DuckDB would run conditions of the statement on rows that are hidden.
    barrier = " OFFSET 0" if rows else ""
    return f"SELECT {', '.join(shown)} FROM {table}{where}{barrier}"  # noqa: S608 - quoted


def _column(grants: Sequence[Grant], name: str, rows: Sequence[str]) -> str | None:
    covering = [one for one in grants if one.columns is None or folded(name) in one.columns]
    if not covering:
        return None
    own = rows_shown(covering)
    quoted = _quoted(name)
    if not own or set(own) == set(rows):
        return quoted
    return f"CASE WHEN {either(own)} THEN {quoted} END AS {quoted}"


def _condition(text: str) -> exp.Expr:
    """The condition's tree."""
    sources = list(reading.sources(f"SELECT {text}", DUCKDB))
    if len(sources) != 1:
        raise InvalidArgument("a row filter is one condition; nothing was changed")
    select = reading.tree(sources[0])
    plain = isinstance(select, exp.Select) and {
        name for name, value in select.args.items() if value
    } == {"expressions"}
    if not plain or len(select.expressions) != 1 or isinstance(select.expressions[0], exp.Alias):
        raise InvalidArgument("a row filter is one condition; nothing was changed")
    found: exp.Expr = select.expressions[0]
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
