"""Which version of the lake a query sees, and the same query over another version.

Theory. DuckLake fixes what a transaction sees with its first look at the lake. So the version is
asked in the transaction that the query runs in, which costs the lake's catalog nothing. Another
version is read by an AT clause behind each table; views of the lake hand it on to what they read.
The clause is put into the text, and DuckDB's own parse of the outcome is held against that of the
original.

Owns that judgement. What is not known to read another version alone is not run there.
"""

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake_names import (
    BY_NAME,
    PARTS_MAX,
    Names,
    Table,
    ends,
    is_lakes,
    may_be_lakes,
    names,
    parsed,
    reworded,
)
from flightkeeper.flight_server.engine.named import nodes
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.lake.functions import FEED, FUNCTIONS

_READS = re.compile(r"\b(?:from|table|desc|describe|summarize)\b|\(", re.IGNORECASE)
"""Without any of it nothing is read."""
_NEWEST = f"SELECT id FROM {lake.CATALOG}.current_snapshot()"  # noqa: S608 - ours
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


def newest(connection: Connection) -> int:
    """The version that the open transaction sees; the newest one if it is asked outside of one."""
    ((version,),) = connection.rows(_NEWEST)
    return int(version)


def may_read(connection: Connection, statement: Statement) -> bool:
    """Whether a pure read may read the lake."""
    if statement.kind != "SELECT" or _READS.search(statement.sql) is None:
        return False
    found = names(statement.sql)
    if found is None or found.calls:
        return True
    return any(may_be_lakes(connection, table) for table in found.tables)


def at(connection: Connection, statement: Statement, version: int) -> Statement | None:
    """The same query over a version of the lake; None if that cannot be told.

    Args:
        connection: one that the statement can run on.
    """
    found = names(statement.sql) if statement.kind == "SELECT" else None
    if found is None or _calls_what_changes(connection, found):
        return None
    put = [t for t in found.tables if not t.versioned and may_be_lakes(connection, t)]
    if not put:
        return statement
    if any(not is_lakes(connection, table) for table in put):
        return None
    clause = _clause(version)
    text = _with_clause(statement.sql, put, clause)
    if text is None or not _is_same(statement.sql, text, clause, len(put)):
        return None
    return reworded(statement, text)


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
    hint = "" if len(path) == PARTS_MAX else ": write its catalog and schema before it"
    return PermissionDenied(
        f"{'.'.join(path)}, a column of it or what it reads was replaced, renamed or dropped, so "
        "that an older version of it may be something else, which only superusers may read; "
        f"nothing was run{hint}"
    )


def _may_be_in_lake(path: Sequence[str]) -> bool:
    return len(path) < PARTS_MAX or path[0].lower() == lake.CATALOG


def plain_names(schema: pa.Schema, version: int) -> pa.Schema:
    """The columns without the clause that `at` has put into texts some are called by."""
    clause = _clause(version)
    if not any(clause in name for name in schema.names):
        return schema
    return pa.schema([field.with_name(field.name.replace(clause, "")) for field in schema])


def _clause(version: int) -> str:
    # As DuckDB writes it.
    return f" AT (VERSION => {version})"


def _calls_what_changes(connection: Connection, found: Names) -> bool:
    return found.moving or any(_tells_of_now(connection, call) for call in found.calls - FEED)


def _tells_of_now(connection: Connection, call: str) -> bool:
    """Whether a function may tell of the lake as it is now."""
    # DuckDB does not list those that a lake brings along.
    if call in BY_NAME or call in FUNCTIONS:
        return True
    ((others,),) = connection.rows(_KINDS, {"name": call})
    return bool(others)


def _with_clause(sql: str, tables: list[Table], clause: str) -> str | None:
    """The text with a clause behind each of the tables."""
    text = sql.encode()
    found = ends(sql, tables, called=True)
    for _, end in found or ():
        # On a line of its own: a comment may end before it.
        text = text[:end] + f"\n{clause} ".encode() + text[end:]
    return None if found is None else text.decode()


def _is_same(sql: str, changed: str, clause: str, count: int) -> bool:
    """Whether a text is another one with so many clauses, and nothing else."""
    before, after, alone = parsed(sql), parsed(changed), parsed(f"FROM t {clause}")
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
