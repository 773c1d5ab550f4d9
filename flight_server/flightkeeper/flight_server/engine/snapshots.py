"""Which version of the lake a query sees, and the same query over another version.

Theory. DuckLake fixes what a transaction sees with its first look at the lake. So the version is
asked in the transaction that the query runs in, which costs the lake's catalog nothing. Another
version is read by an AT clause behind each table; views of the lake hand it on to what they read.
The clause is put into the text, and DuckDB's own parse of the outcome is held against that of the
original.

Owns that judgement. What is not known to read another version alone is not run there.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.named import arguments, builtin_functions, is_feed, nodes
from flightkeeper.flight_server.engine.named import tree as syntax_tree
from flightkeeper.flight_server.engine.statement import Statement, parse, words_at
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import InvalidArgument, NodeError, PermissionDenied
from flightkeeper.flight_server.lake.functions import FEED

_Node = Mapping[str, Any]

_READS = re.compile(r"\b(?:from|table|desc|describe|summarize)\b|\(", re.IGNORECASE)
"""Without any of it nothing is read."""
_NEWEST = f"SELECT id FROM {lake.CATALOG}.current_snapshot()"  # noqa: S608 - ours
_LOOKED_UP = f"""
    SELECT current_catalog() = '{lake.CATALOG}'
        OR contains(lower(current_setting('search_path')), '{lake.CATALOG}')"""
_ALONE = f"""
    SELECT 1 WHERE current_catalog() = '{lake.CATALOG}'
        AND NOT contains(current_setting('search_path'), ',')"""
_KINDS = """
    SELECT count(*) FROM duckdb_functions()
    WHERE lower(function_name) = $name AND function_type NOT IN ('scalar', 'aggregate')"""
_PAST = f"""
    WITH called AS (
        SELECT schema_id, table_id, table_name AS name, end_snapshot, NULL::VARCHAR AS query
        FROM {lake.METADATA}.ducklake_table
        UNION ALL
        SELECT schema_id, view_id, view_name, end_snapshot, sql FROM {lake.METADATA}.ducklake_view
    ), named AS (
        SELECT lower(schema_name) AS place, table_id, query,
            c.end_snapshot IS NULL AND s.end_snapshot IS NULL AS is_there
        FROM called c JOIN {lake.METADATA}.ducklake_schema s USING (schema_id)
        WHERE lower(name) = lower($name) AND coalesce(lower(schema_name) = lower($place), true)
    ), known AS (
        SELECT table_id, column_id, lower(column_name) AS name
        FROM {lake.METADATA}.ducklake_column SEMI JOIN named USING (table_id)
        WHERE parent_column IS NULL
    )
    SELECT NULL FROM named
    GROUP BY place HAVING count(DISTINCT table_id) > 1 OR NOT bool_or(is_there)
    UNION ALL SELECT NULL FROM called SEMI JOIN named USING (table_id)
    GROUP BY table_id HAVING count(DISTINCT lower(name)) > 1
    UNION ALL SELECT NULL FROM known GROUP BY table_id, name HAVING count(DISTINCT column_id) > 1
    UNION ALL SELECT NULL FROM known GROUP BY column_id, table_id HAVING count(DISTINCT name) > 1
    UNION ALL SELECT DISTINCT query FROM named WHERE query IS NOT NULL
    """  # noqa: S608 - ours
"""What the lake knows of the past of a name: the texts of its views, and a NULL for each reason to
say that it has meant more than one thing, or what is no longer there."""
_OF_ENGINE = {"information_schema", "pg_catalog"}
_ELSEWHERE = re.compile(r"SEQ_SCAN|READ_\w+|PARQUET_SCAN|DUMMY_SCAN")
"""What surely reads no lake."""
_BY_NAME = {"query", "query_table"}
"""Functions that read the table whose name they are given."""
_THREE = 3


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


def newest(connection: Connection) -> int:
    """The version that the open transaction sees; the newest one if it is asked outside of one."""
    ((version,),) = connection.rows(_NEWEST)
    return int(version)


@lru_cache(2048)
def names(sql: str) -> Names | None:
    """What a query names; None if that cannot be told."""
    tree = _parsed(sql)
    if tree is None:
        return None
    found = list(_named(tree))
    calls = {str(node["function_name"]).lower() for node in found if "function_name" in node}
    tables = tuple(_table(node) for node in found if "function_name" not in node)
    moving = any(map(_moves, found))
    return Names(tables, frozenset(calls - builtin_functions() | calls & _BY_NAME), moving)


def may_read(connection: Connection, statement: Statement) -> bool:
    """Whether a pure read may read the lake."""
    if statement.kind != "SELECT" or _READS.search(statement.sql) is None:
        return False
    found = names(statement.sql)
    if found is None or found.calls:
        return True
    return any(_may_be_lakes(connection, table) for table in found.tables)


def at(connection: Connection, statement: Statement, version: int) -> Statement | None:
    """The same query over a version of the lake; None if that cannot be told.

    Args:
        connection: one that the statement can run on.
    """
    found = names(statement.sql) if statement.kind == "SELECT" else None
    if found is None or _calls_what_changes(connection, found):
        return None
    put = [t for t in found.tables if not t.versioned and _may_be_lakes(connection, t)]
    if not put:
        return statement
    if any(not _is_lakes(connection, table) for table in put):
        return None
    clause = _clause(version)
    text = _with_clause(statement.sql, put, clause)
    if text is None or not _is_same(statement.sql, text, clause, len(put)):
        return None
    try:
        (other,) = parse(text)
    except (InvalidArgument, ValueError):
        return None
    return replace(statement, sql=other.sql, parsed=other.parsed)


def check_same_names(connection: Connection, statement: Statement) -> None:
    """Refuse older versions of what has not always had its name, since grants are by name.

    Raises:
        PermissionDenied: a name, or one of a column, meant something else before.
    """
    found = names(statement.sql)
    for table in found.tables if found else ():
        check_past(connection, table.path)


def check_past(connection: Connection, path: Sequence[str]) -> None:
    """The same for what one name finds in the lake, and for what a view of that name reads.

    Args:
        path: one to three names, in any case.
    """
    left, seen = [tuple(path)], set[tuple[str, ...]]()
    while left:
        path = left.pop()
        if path in seen or not _may_be_in_lake(path):
            continue
        seen.add(path)
        *_, place, name = (None, *path)
        where = None if place is None or place.lower() == lake.CATALOG else place
        for (query,) in connection.rows(_PAST, {"name": name, "place": where}):
            reads = None if query is None else names(query)
            if reads is None or reads.calls:
                raise _was_otherwise(path)
            left += [table.path for table in reads.tables]


def _was_otherwise(path: Sequence[str]) -> PermissionDenied:
    # A table of another schema may be meant where the name does not say of which.
    hint = "" if len(path) == _THREE else ": write its catalog and schema before it"
    return PermissionDenied(
        f"{'.'.join(path)}, a column of it or what it reads was replaced, renamed or dropped, so "
        "that an older version of it may be something else, which only superusers may read; "
        f"nothing was run{hint}"
    )


def _may_be_in_lake(path: Sequence[str]) -> bool:
    return len(path) < _THREE or path[0].lower() == lake.CATALOG


def plain_names(schema: pa.Schema, version: int) -> pa.Schema:
    """The columns without the clause that `at` has put into texts some are called by."""
    clause = _clause(version)
    if not any(clause in name for name in schema.names):
        return schema
    return pa.schema([field.with_name(field.name.replace(clause, "")) for field in schema])


def _clause(version: int) -> str:
    # As DuckDB writes it.
    return f" AT (VERSION => {version})"


def _parsed(sql: str) -> Any:
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


def _may_be_lakes(connection: Connection, table: Table) -> bool:
    """Whether a name may mean a table of the lake, or what reads one."""
    *before, _ = table.path
    if before and before[0] == lake.CATALOG:
        return True
    if len(table.path) < _THREE and not (before and lake.is_catalog(connection, before[0])):
        if before and before[0] in _OF_ENGINE:
            return False
        if connection.plain:
            return True
        ((looked_up,),) = connection.rows(_LOOKED_UP)
        return bool(looked_up)
    return not _is_elsewhere(connection, table)


def _is_lakes(connection: Connection, table: Table) -> bool:
    """Whether a name that may mean a table of the lake can have a version."""
    *before, name = table.path
    if before:
        return before[0] == lake.CATALOG or not lake.is_catalog(connection, before[0])
    # Who has a table of that name elsewhere has to say which one is meant.
    return bool(connection.rows(_ALONE)) and not lake.hides(connection, name)


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


def _calls_what_changes(connection: Connection, found: Names) -> bool:
    return found.moving or any(_tells_of_now(connection, call) for call in found.calls - FEED)


def _tells_of_now(connection: Connection, call: str) -> bool:
    """Whether a function may tell of the lake as it is now."""
    if call in _BY_NAME:
        return True
    ((others,),) = connection.rows(_KINDS, {"name": call})
    return bool(others)


def _with_clause(sql: str, tables: list[Table], clause: str) -> str | None:
    """The text with a clause behind each of the tables."""
    words = words_at(sql)
    starts = {place: number for number, (place, _) in enumerate(words)}
    text = sql.encode()
    for table in sorted(tables, key=lambda one: one.place, reverse=True):
        number = starts.get(table.place)
        if number is None:
            return None
        after = _after(words, number, table)
        place = words[after][0] if after < len(words) else len(text)
        # On a line of its own: a comment may end before it.
        text = text[:place] + f"\n{clause} ".encode() + text[place:]
    return text.decode()


def _after(words: list[tuple[int, str]], number: int, table: Table) -> int:
    """The word behind a table's name and what it is called."""
    plain = [word for _, word in words]
    number += 1
    while plain[number : number + 1] == ["."]:
        number += 2
    if table.alias:
        number += 2 if plain[number : number + 1] == ["as"] else 1
    if table.renames:
        number = plain.index(")", number) + 1
    return number


def _is_same(sql: str, changed: str, clause: str, count: int) -> bool:
    """Whether a text is another one with so many clauses, and nothing else."""
    before, after, alone = _parsed(sql), _parsed(changed), _parsed(f"FROM t {clause}")
    if before is None or after is None:
        return False
    for node in nodes([before, after, alone]):
        node.pop("query_location", None)
    ours = alone["node"]["from_table"]["at_clause"]
    had, have = _without(before, ours), _without(after, ours)
    return have - had == count and before == after


def _without(tree: Any, clause: Any) -> int:
    """Take a clause out of a tree; how often it stood there."""
    count = 0
    for node in nodes(tree):
        if node.get("at_clause") == clause:
            node["at_clause"], count = None, count + 1
    return count
