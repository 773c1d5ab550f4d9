"""Queries as trees: parsed, put together, and changed so that they bind without a part of them.

Pure. Every parameter has a `$name`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlglot import Expr, exp

from flightkeeper.flight_server.engine.placeholders import replaced
from flightkeeper.flight_server.sql.reading import sources, tree

DIALECT = "duckdb"

Columns = Callable[[str], Sequence[tuple[str, str]]]
"""Names and types of the columns of what may stand in a FROM; none if they are not known."""

_HOLDERS = (exp.Query, exp.Alias, exp.Tuple, exp.Connector, exp.Where, exp.Having, exp.Qualify)
"""What holds whole expressions, each of which may be NULL."""


def parsed(text: str) -> Expr:
    """The tree of a statement.

    Raises:
        Exception: of any kind, for a text the parser stumbles over.
    """
    # Without the blank, `$a,$` would be taken for the beginning of a quoted text.
    (source,) = sources(replaced(text, lambda name: f"${name} "), DIALECT)
    return tree(source)


def sql(node: Expr) -> str:
    """The text of a tree."""
    return node.sql(DIALECT)


def parameters(whole: Expr) -> Iterator[exp.Placeholder]:
    """The parameters of a statement."""
    return whole.find_all(exp.Placeholder)


def tables(whole: Expr) -> Iterator[exp.Table]:
    """What is read, but for what the statement defines itself."""
    defined = {cte.alias.lower() for cte in whole.find_all(exp.CTE)}
    for table in whole.find_all(exp.Table):
        if table.db or table.name.lower() not in defined:
            yield table


def bare(table: Expr) -> Expr:
    """A table by itself."""
    alone = table.copy()
    for part in ("alias", "joins", "sample", "pivots"):
        alone.set(part, None)
    return alone


def nth_column(query: Expr, position: int) -> Expr:
    """An expression with the type of a query's column; positions count from 0."""
    names = [exp.to_identifier(f"_{index}") for index in range(position + 1)]
    rows = exp.Subquery(
        this=query.copy(), alias=exp.TableAlias(this=exp.to_identifier("_rows"), columns=names)
    )
    return exp.Subquery(
        this=exp.Select(expressions=[exp.column(names[-1].copy())], from_=exp.From(this=rows))
    )


def named(query: Expr, name: str = "") -> Expr:
    """A query as a table."""
    alias = exp.TableAlias(this=exp.to_identifier(name)) if name else None
    return exp.Subquery(this=query.copy(), alias=alias)


def renamed(table: Expr, name: str, width: int = 0) -> Expr:
    """A table under another name, with its first columns called _0, _1 and so on."""
    renamed = table.copy()
    columns = [exp.to_identifier(f"_{index}") for index in range(width)]
    renamed.set("alias", exp.TableAlias(this=exp.to_identifier(name), columns=columns))
    return renamed


def select(said: Iterable[Expr], relations: Sequence[Expr], where: Expr | None = None) -> Expr:
    """A query of these expressions over all pairs of rows."""
    first, *others = [relation.copy() for relation in relations]
    return exp.Select(
        expressions=[expression.copy() for expression in said],
        from_=exp.From(this=first),
        joins=[exp.Join(this=other) for other in others],
        where=where.copy() if where is not None else None,
    )


def isolated(query: str, parameter: str) -> str:
    """The query with NULL for what it selects or demands by other parameters only.

    Raises:
        Exception: of any kind, for a text the parser stumbles over.
    """
    whole = parsed(query)
    for other in list(parameters(whole)):
        item = _item(other)
        if parameter not in {inside.name for inside in parameters(item)}:
            item.replace(exp.null())
    return sql(whole)


def without_tables(query: str, columns: Columns) -> str:
    """The query over rows of the same names and types, in place of tables.

    Raises:
        Exception: of any kind, for a text the parser stumbles over.
    """
    whole = parsed(query)
    for table in list(tables(whole)):
        if not any(parameters(table)):
            _stand_in(table, columns)
    return sql(whole)


def _item(node: Expr) -> Expr:
    """The whole expression it is part of."""
    while node.parent is not None and not isinstance(node.parent, _HOLDERS):
        node = node.parent
    return node


def _stand_in(table: exp.Table, columns: Columns) -> None:
    fields = [
        exp.alias_(f"CAST(NULL AS {kind})", name, quoted=True, dialect=DIALECT)
        for name, kind in columns(sql(bare(table)))
    ]
    if fields:
        rows = named(exp.Select(expressions=fields), table.name)
        rows.set("alias", table.args.get("alias") or rows.args["alias"])
        rows.set("joins", table.args.get("joins"))
        table.replace(rows)
