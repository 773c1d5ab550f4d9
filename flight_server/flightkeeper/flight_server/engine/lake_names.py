"""What a query names, by DuckDB's own parse of it, and which of that is in the lake.

Owns how names are looked up there. Who puts something else in the place of a table's name finds
here where it stands in the text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.named import arguments, builtin_functions, is_feed, nodes
from flightkeeper.flight_server.engine.named import tree as syntax_tree
from flightkeeper.flight_server.engine.statement import Statement, parse, words_at
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import InvalidArgument, NodeError

_Node = Mapping[str, Any]

_LOOKED_UP = f"""
    SELECT current_catalog() = '{lake.CATALOG}'
        OR contains(lower(current_setting('search_path')), '{lake.CATALOG}')"""
_ALONE = f"""
    SELECT current_schema() WHERE current_catalog() = '{lake.CATALOG}'
        AND NOT contains(current_setting('search_path'), ',')"""
_OF_ENGINE = {"information_schema", "pg_catalog"}
_ELSEWHERE = re.compile(r"SEQ_SCAN|READ_\w+|PARQUET_SCAN|DUMMY_SCAN")
"""What surely reads no lake."""
BY_NAME = {"query", "query_table"}
"""Functions that read the table whose name they are given."""
PARTS_MAX = 3
"""Of a name: catalog, schema, table."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a query names.

    Attributes:
        path: one to three names, lower case.
        place: the byte of the text that its name begins at.
        alias: it is called otherwise.
        renames: its columns are, too.
        versioned: the query itself says which version of it.
    """

    path: tuple[str, ...]
    place: int
    alias: bool
    renames: bool
    versioned: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What a query names.

    Attributes:
        tables: without those that it defines itself.
        calls: functions, lower case, that DuckDB does not bring along, or that read what they
            are told.
        moving: it asks what was changed between versions that depend on when it runs.
    """

    tables: tuple[Table, ...]
    calls: frozenset[str]
    moving: bool


@lru_cache(2048)
def names(sql: str) -> Names | None:
    """What a query names; None if that cannot be told."""
    tree = parsed(sql)
    if tree is None:
        return None
    found = list(_named(tree))
    calls = {str(node["function_name"]).lower() for node in found if "function_name" in node}
    tables = tuple(_table(node) for node in found if "function_name" not in node)
    moving = any(map(_moves, found))
    return Names(tables, frozenset(calls - builtin_functions() | calls & BY_NAME), moving)


def parsed(sql: str) -> Any:
    """DuckDB's syntax tree of a query; None if it is not one, or nested too deep."""
    try:
        return syntax_tree(sql)
    except (NodeError, RecursionError):
        return None


def _named(tree: Any) -> Iterator[_Node]:
    """The nodes of tables, but for names of CTEs where they mean those, and of calls."""
    left: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while left:
        node, known = left.pop()
        if isinstance(node, list):
            left += [(child, known) for child in node]
        elif isinstance(node, dict):
            for name, query in _ctes(node):
                left.append((query, known))
                known |= {name}
            is_table = node.get("type") == "BASE_TABLE"
            if "function_name" in node or (is_table and not _is_known(node, known)):
                yield node
            inside = known
            if node.get("type") == "RECURSIVE_CTE_NODE":
                inside = known | {str(node["cte_name"]).lower()}
            left += [
                (child, inside if key == "right" else known)
                for key, child in node.items()
                if key != "cte_map"
            ]


def _ctes(node: _Node) -> Iterator[tuple[str, Any]]:
    for entry in (node.get("cte_map") or {}).get("map") or ():
        yield str(entry["key"]).lower(), entry["value"]


def _is_known(table: _Node, known: frozenset[str]) -> bool:
    before = table["catalog_name"] or table["schema_name"]
    return not before and str(table["table_name"]).lower() in known


def _table(node: _Node) -> Table:
    parts = (node["catalog_name"], node["schema_name"], node["table_name"])
    return Table(
        path=tuple(str(part).lower() for part in parts if part),
        place=int(node["query_location"]),
        alias=bool(node["alias"]),
        renames=bool(node["column_name_alias"]),
        versioned=node["at_clause"] is not None,
    )


def _moves(node: _Node) -> bool:
    """Whether it is a call that tells of changes between versions that are computed."""
    if "function_name" not in node or not is_feed(node):
        return False
    return any("function_name" in inner for inner in nodes(arguments(node)))


def may_be_lakes(connection: Connection, table: Table) -> bool:
    """Whether a name may mean a table of the lake, or what reads one."""
    *before, _ = table.path
    if before and before[0] == lake.CATALOG:
        return True
    if len(table.path) < PARTS_MAX and not (before and lake.is_catalog(connection, before[0])):
        if before and before[0] in _OF_ENGINE:
            return False
        if connection.plain:
            return True
        ((looked_up,),) = connection.rows(_LOOKED_UP)
        return bool(looked_up)
    return not _is_elsewhere(connection, table)


def is_lakes(connection: Connection, table: Table) -> bool:
    """Whether a name that may mean a table of the lake can have a version."""
    *before, name = table.path
    if before:
        return before[0] == lake.CATALOG or not lake.is_catalog(connection, before[0])
    # Who has a table of that name elsewhere has to say which one is meant.
    return bool(connection.rows(_ALONE)) and not lake.hides(connection, name)


def place(connection: Connection, table: Table) -> tuple[str, str] | None:
    """The schema and the name, lower case, of the only thing in the lake that a name can mean.

    Returns: None if it may mean something else.
    """
    *before, name = table.path
    if not "".join(table.path).isascii():
        # Of other letters DuckDB says only here and there which are the same.
        return None
    if len(before) == PARTS_MAX - 1:
        return (before[1], name) if before[0] == lake.CATALOG else None
    if before and (before[0] == lake.CATALOG or lake.is_catalog(connection, before[0])):
        return None
    if connection.plain:
        return (before[0] if before else "main", name)
    # What is temporary is in a schema of that name, and goes first.
    if before in ([], ["main"]) and lake.hides(connection, name):
        return None
    found = connection.rows(_ALONE)
    return (before[0] if before else str(found[0][0]).lower(), name) if found else None


def _is_elsewhere(connection: Connection, table: Table) -> bool:
    """Whether what has this name surely reads nothing of the lake."""
    text = ".".join(map(quoted, table.path))
    try:
        ((_, told),) = connection.rows(f"EXPLAIN (FORMAT json) FROM {text}")
    except NodeError:
        # Whoever runs it says so.
        return True
    return all(_ELSEWHERE.fullmatch(leaf) for leaf in _leaves(json.loads(told)))


def _leaves(operators: list[dict[str, Any]]) -> Iterator[str]:
    for operator in operators:
        if operator["children"]:
            yield from _leaves(operator["children"])
        else:
            yield operator["name"].strip()


def ends(sql: str, tables: Iterable[Table], *, called: bool) -> Sequence[tuple[Table, int]] | None:
    """Where what comes behind tables begins in a text, as bytes; the last table first.

    Args:
        called: behind what a table is called, too.

    Returns: None if one of them does not stand where it should.
    """
    words = words_at(sql)
    starts = {place: number for number, (place, _) in enumerate(words)}
    found = []
    for table in sorted(tables, key=lambda one: one.place, reverse=True):
        number = starts.get(table.place)
        if number is None:
            return None
        after = _after(words, number, table, called=called)
        found.append((table, words[after][0] if after < len(words) else len(sql.encode())))
    return found


def reworded(statement: Statement, text: str) -> Statement | None:
    """A statement with another text in the place of its own; None if that is not one statement."""
    try:
        (other,) = parse(text)
    except (InvalidArgument, ValueError):
        return None
    return replace(statement, sql=other.sql, parsed=other.parsed)


def _after(words: list[tuple[int, str]], number: int, table: Table, *, called: bool) -> int:
    """The word behind a table's name, and behind what it is called."""
    plain = [word for _, word in words]
    number += 1
    while plain[number : number + 1] == ["."]:
        number += 2
    if called and table.alias:
        number += 2 if plain[number : number + 1] == ["as"] else 1
    if called and table.renames:
        number = plain.index(")", number) + 1
    return number
