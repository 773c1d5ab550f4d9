"""Walks a statement's tree and collects what it uses.

A closed list: what is not known to be harmless is refused. Names of CTEs are known only where
DuckDB surely takes them for CTEs; anything else is a table that needs a grant.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from flightkeeper.discovery.principals.model import Privilege, folded
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.lake.functions import FEED, NEWEST
from flightkeeper.flight_server.sql.access.feeds import feed_of, newest_of
from flightkeeper.flight_server.sql.access.functions import (
    HARMLESS_TABLE_FUNCTIONS,
    SETTINGS_SHOWN,
)
from flightkeeper.flight_server.sql.access.shown import FUNCTIONS
from flightkeeper.flight_server.sql.access.uses import EVERY_PRIVILEGE, Prefix, Span, TableUse

Names = frozenset[str]
_PARTS_MAX = 3
_READ = frozenset({Privilege.SELECT})

_NEVER_INSIDE = (
    *(exp.DML, exp.DDL, exp.Command, exp.Copy, exp.Set, exp.Use, exp.Pragma, exp.Attach),
    *(exp.Detach, exp.Show, exp.Summarize, exp.Transaction, exp.Commit, exp.Rollback),
    *(exp.Drop, exp.Alter, exp.TruncateTable, exp.Comment, exp.Analyze, exp.Cache, exp.Kill),
    *(exp.Grant, exp.Revoke, exp.Execute),
)
"""Statements; as a part of another one they would be judged as nothing."""
_SOURCES = (exp.Table, exp.Subquery, exp.Unnest, exp.Values, exp.Lateral, exp.Tuple)
"""What may stand in a FROM."""


def not_understood(what: str) -> PermissionDenied:
    """The refusal of what cannot be judged."""
    return PermissionDenied(
        f"{what} cannot be checked against grants, so only superusers may run it; nothing was run"
    )


class Walk:
    """Collects the tables and functions of one statement.

    Attributes:
        tables: in the order they were met.
        called: names that only a macro or a function of DuckDB's can have.
        named: catalog, schema and name of each table and CTE, as written.
        feeds: catalog, schema and name of each function that tells of a lake's changes or versions,
            and the table's.
        prefixes: of columns that say in which schema their table is.
    """

    def __init__(self, tokens: Sequence[Token] = ()) -> None:
        """Walk a statement of these words."""
        self._tokens = tokens
        self.tables: list[TableUse] = []
        self.called: set[str] = set()
        self.named: list[tuple[str, str, str]] = []
        self.feeds: list[tuple[str, str, str, str]] = []
        self.prefixes: list[Prefix] = []

    def query(self, node: exp.Expr, known: Names = frozenset()) -> None:
        """Walk a part of a statement.

        Args:
            known: CTEs that it can name.
        """
        if isinstance(node, _NEVER_INSIDE) and not isinstance(node, exp.Query):
            raise not_understood(f"{type(node).__name__.upper()} within another statement")
        known = self.ctes(node, known)
        if isinstance(node, exp.From | exp.Join) and not isinstance(node.this, _SOURCES):
            raise not_understood(f"{type(node.this).__name__} as a table")
        visit = _VISITS.get(type(node))
        if visit is not None:
            visit(self, node, known)
        else:
            self.parts(node, known)

    def parts(self, node: exp.Expr, known: Names, *, without: tuple[str, ...] = ()) -> None:
        """Walk what a node is made of."""
        for child in _children(node, ("with_", *without)):
            self.query(child, known)

    def ctes(self, node: exp.Expr, known: Names) -> Names:
        """Walk the CTEs of a node; the names known in the rest of it."""
        with_ = node.args.get("with_")
        if with_ is None:
            return known
        for cte in with_.expressions:
            name = folded(cte.alias)
            if with_.args.get("recursive") and isinstance(cte.this, exp.Union):
                self._recursive(cte.this, known, known | {name})
            else:
                self.query(cte.this, known)
            known |= {name}
        return known

    def _recursive(self, union: exp.Union, known: Names, inside: Names) -> None:
        """DuckDB takes the name for the CTE in the part that is repeated, and only there."""
        known = self.ctes(union, known)
        inside |= known
        self.query(union.this, known)
        self.query(union.expression, inside)
        self.parts(union, inside, without=("this", "expression"))

    def table(self, node: exp.Table, known: Names) -> None:
        """A name in a FROM: a CTE, a table, or a function with rows."""
        self.parts(node, known, without=("this", "db", "catalog", "alias"))
        if isinstance(node.this, exp.Identifier):
            path = path_of(node)
            self.named.append((node.catalog, node.db, node.name))
            if len(path) > 1 or path[0] not in known:
                self.tables.append(use_of(node))
            return
        name = called_as(node.this) if isinstance(node.this, exp.Func) else ""
        if name in FEED:
            self._feed(node, name, known)
            return
        if name == NEWEST:
            self.tables.append(newest_of(node, self._tokens))
            self.feeds.append((node.catalog, node.db, name, ""))
            return
        if not name or node.args.get("db"):
            raise not_understood("this kind of table")
        if name in FUNCTIONS:
            self.tables.append(self._tells(node, name))
        elif name not in HARMLESS_TABLE_FUNCTIONS:
            raise PermissionDenied(
                f"only superusers may read the table function {name or 'of this kind'}; nothing "
                "was run"
            )
        self.query(node.this, known)

    def _feed(self, node: exp.Table, function: str, known: Names) -> None:
        """A table function that tells of changes."""
        self.tables.append(feed_of(node, self._tokens))
        told, *versions = node.this.expressions
        # DuckDB folds the names of functions, and no others.
        self.feeds.append((node.catalog, node.db, function, told.name))
        for version in versions:
            self.query(version, known)

    def _tells(self, table: exp.Table, name: str) -> TableUse:
        """A table function that tells of tables."""
        start = table.this.meta.get("start")
        at = next((n for n, token in enumerate(self._tokens) if token.start == start), -1)
        after = self._tokens[at + 1 : at + 3]
        if at < 0 or [token.token_type for token in after] != [
            TokenType.L_PAREN,
            TokenType.R_PAREN,
        ]:
            raise not_understood(f"{name} with arguments")
        span = Span(self._tokens[at].start, after[-1].end + 1)
        aliased = bool(table.alias)
        return TableUse((name,), frozenset(), span, name, aliased=aliased, function=True)

    def describe(self, node: exp.Describe, known: Names) -> None:
        """A description of a table or query as a table."""
        if not isinstance(node.this, exp.Table):
            self.parts(node, known)
            return
        before = len(self.tables)
        self.table(node.this, known)
        self.tables[before:] = [replace(use, bare=True) for use in self.tables[before:]]

    def lateral(self, node: exp.Lateral, known: Names) -> None:
        """A part of a FROM that sees the others."""
        if isinstance(node.this, exp.Func) and not isinstance(node.this, exp.Unnest):
            name = called_as(node.this)
            if name not in HARMLESS_TABLE_FUNCTIONS:
                raise PermissionDenied(
                    f"only superusers may read the table function {name}; nothing was run"
                )
        self.parts(node, known, without=("alias",))

    def column(self, node: exp.Column, known: Names) -> None:
        """A column, or a field of one."""
        *before, _ = node.parts
        if len(before) > 1 and all("start" in part.meta for part in before):
            path = tuple(folded(part.name) for part in before)
            span = Span(before[0].meta["start"], before[-1].meta["start"])
            self.prefixes.append(Prefix(path, span))
        self.parts(node, known)

    def reference(self, node: exp.Reference, known: Names) -> None:
        """A foreign key tells which keys there are."""
        for table in node.find_all(exp.Table):
            self.tables.append(TableUse(path_of(table), EVERY_PRIVILEGE))
        del known

    def function(self, node: exp.Expr, known: Names) -> None:
        """A call whose name sqlglot has no class for."""
        name = folded(node.name)
        self.called.add(name)
        if name == "current_setting" and not _asks_for_what_is_shown(node):
            raise PermissionDenied(
                "current_setting may be asked only for "
                f"{', '.join(sorted(SETTINGS_SHOWN))} without the superuser role; nothing was run"
            )
        self.parts(node, known)


_VISITS: Mapping[type[exp.Expr], Callable[[Walk, Any, Names], None]] = {
    exp.Table: Walk.table,
    exp.Describe: Walk.describe,
    exp.Lateral: Walk.lateral,
    exp.Column: Walk.column,
    exp.Reference: Walk.reference,
    exp.Anonymous: Walk.function,
    exp.AnonymousAggFunc: Walk.function,
}


def path_of(table: exp.Table) -> tuple[str, ...]:
    """The names of a table, folded.

    Raises:
        PermissionDenied: it is not called by names, or by too many.
    """
    parts = table.parts
    if len(parts) > _PARTS_MAX or not all(isinstance(part, exp.Identifier) for part in parts):
        raise not_understood("this way to name a table")
    return tuple(folded(part.name) for part in parts)


def use_of(table: exp.Table, needs: frozenset[Privilege] = _READ) -> TableUse:
    """A name as the use of a table."""
    # What comes after the name of a table in another state of it cannot follow a query.
    plain = not (table.args.get("when") or table.args.get("version"))
    return TableUse(
        path=path_of(table),
        needs=needs,
        span=_span(table) if plain else None,
        written=table.name,
        aliased=bool(table.alias),
        past=not plain,
    )


def called_as(call: exp.Func) -> str:
    """The name a function was called by, folded."""
    if isinstance(call, exp.Anonymous):
        return folded(call.name)
    if isinstance(call, exp.GenerateSeries):
        return "generate_series"
    return folded(call.sql_name())


def _asks_for_what_is_shown(call: exp.Expr) -> bool:
    asked = call.expressions
    return (
        len(asked) == 1
        and isinstance(asked[0], exp.Literal)
        and folded(asked[0].name) in SETTINGS_SHOWN
    )


def _span(table: exp.Table) -> Span | None:
    first, last = table.parts[0].meta, table.parts[-1].meta
    if "start" not in first or "end" not in last:
        return None
    return Span(first["start"], last["end"] + 1)


def _children(node: exp.Expr, without: tuple[str, ...]) -> Iterator[exp.Expr]:
    for name, value in node.args.items():
        if name in without:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, exp.Expr):
                yield one
