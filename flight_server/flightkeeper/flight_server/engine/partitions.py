"""Which statements can be divided by the rows of the table they read, and into what.

Theory. A statement that reads one of DuckDB's own tables row by row, without regard to order, gives
the same rows when it runs once for each range of row ids: DuckDB skips the row groups outside the
range. DuckDB's own parser tells what the statement is made of, and its planner what it reads. The
condition on row ids is put into the text, so that everything else stays as the client wrote it,
names of columns included; that it stands where it should is seen by parsing the outcome.

Owns that judgement. What is not known to be divisible is not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement, words_at
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import NodeError

_Node = Mapping[str, Any]

ROW_GROUP = 122_880
"""Rows of a row group; ranges that begin at one make DuckDB read nothing twice."""
_END = 2**62
"""No row id is beyond it."""

_CLAUSES: Mapping[str, Sequence[Any]] = {
    "modifiers": ([],),
    "cte_map": ({"map": []},),
    "group_expressions": ([],),
    "group_sets": ([],),
    "aggregate_handling": ("STANDARD_HANDLING",),
    "having": (None,),
    "sample": (None,),
    "qualify": (None,),
}
"""Clauses of a SELECT, and what they are when they are not there."""
_SELECT = {"type", "select_list", "from_table", "where_clause", *_CLAUSES}
_BASE_TABLE: Mapping[str, Sequence[Any]] = {
    "type": ("BASE_TABLE",),
    "sample": (None,),
    "column_name_alias": ([],),
    "at_clause": (None,),
}
_ROW_BY_ROW = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLLATE",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
    "STAR",
    "TYPE",
}
"""Classes of expressions that look at one row only; functions are looked at one by one."""
_OF_THE_NODE = {"current_setting"}
"""Functions that DuckDB 1.5 calls constant, although their answer is another one elsewhere."""
_OPERATORS = {"PROJECTION", "FILTER", "SEQ_SCAN"}
_SCAN_TYPE = "Sequential Scan"

# A macro of the user's may have any function's name, so these call as few as can be.
_SYNTAX = "SELECT json_serialize_sql($text::VARCHAR)"
_FUNCTIONS = "SELECT DISTINCT function_name, function_type, stability FROM duckdb_functions()"
_CONSISTENT = ("scalar", "CONSISTENT")
_TABLES = """
    SELECT database_name, schema_name, table_name, table_oid, estimated_size, sql
    FROM duckdb_tables()
    WHERE table_name COLLATE NOCASE = $name AND NOT temporary AND NOT internal"""
_COLUMNS = """
    SELECT column_name FROM duckdb_columns() WHERE database_name = $catalog AND table_oid = $oid"""


@dataclass(frozen=True, slots=True)
class Rows:
    """A range of row ids, without its end."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A statement that reads one table row by row.

    Attributes:
        catalog: where the table is.
        rows: how many there are in the table, about.
    """

    statement: Statement
    catalog: str
    rows: int
    alias: str

    def part(self, rows: Rows) -> str:
        """The text of the statement for some of the rows."""
        return _restricted(self.statement.sql, self.alias, rows)


@dataclass(frozen=True, slots=True)
class Plain:
    """A statement that looks at its one table row by row.

    Attributes:
        select: its syntax tree.
    """

    statement: Statement
    select: _Node

    @property
    def alias(self) -> str:
        """What the table is called in it."""
        table = self.select["from_table"]
        return str(table["alias"] or table["table_name"])

    @property
    def path(self) -> tuple[str, ...]:
        """The table's name."""
        table = self.select["from_table"]
        parts = (table["catalog_name"], table["schema_name"], table["table_name"])
        return tuple(str(part) for part in parts if part)

    @property
    def names(self) -> set[str]:
        """The columns it names without saying of what, lower case."""
        return _names(self.select)

    def where(self, condition: str) -> str:
        """The text with a condition before its own."""
        return _where(self.statement.sql, condition)

    def is_restricted(self, connection: Connection, condition: str) -> bool:
        """Whether that text is the same statement with the condition, and nothing else."""
        found = _parsed(connection, self.where(condition))
        alone = _parsed(connection, f"SELECT 1 WHERE {condition}")
        if found is None or alone is None:
            return False
        own, *others = _conditions(found["where_clause"])
        return (
            own == alone["where_clause"]
            and others == _conditions(self.select["where_clause"])
            and found == {**self.select, "where_clause": found["where_clause"]}
        )


@dataclass(frozen=True, slots=True)
class _Table:
    catalog: str
    rows: int
    columns: frozenset[str]


def scan(connection: Connection, statement: Statement) -> Scan | None:
    """What a pure read reads row by row; None if it may do more than that."""
    try:
        return _scan(connection, statement)
    except (NodeError, LookupError, RecursionError, ValueError):
        # It does not run, which is told to who runs it; or it is something we do not know.
        return None


def ranges(rows: int, parts: int) -> Sequence[Rows]:
    """Ranges of about equal size for a table of about so many rows, at most so many.

    Together they hold every row id there is.
    """
    groups = rows // ROW_GROUP
    parts = max(1, min(parts, groups))
    starts = [groups * number // parts * ROW_GROUP for number in range(parts)]
    return [Rows(start, end) for start, end in pairwise([*starts, _END])]


@lru_cache(2048)
def is_ordered(sql: str) -> bool:
    """Whether a query says in which order its rows are."""
    words = [word for _, word in _outside(sql)]
    return ("order", "by") in pairwise(words)


def _scan(connection: Connection, statement: Statement) -> Scan | None:
    select = _parsed(connection, statement.sql)
    if statement.parameters or select is None or not _is_plain(select):
        return None
    alias = select["from_table"]["alias"] or select["from_table"]["table_name"]
    text = _restricted(statement.sql, alias, Rows(0, _END))
    if not _is_restriction(_parsed(connection, text), select, alias):
        return None
    called = {name.lower() for name in _functions(select)}
    if called & _OF_THE_NODE or not _are_consistent(connection, called):
        return None
    table = _scanned(connection, text, select["from_table"]["table_name"])
    if table is None:
        return None
    names = {*table.columns, "rowid"}
    # A column may hide the row ids, or have the table's name.
    if "rowid" in table.columns or alias.lower() in names or not _names(select) <= names:
        return None
    return Scan(statement, table.catalog, table.rows, alias)


def plain(connection: Connection, statement: Statement, calls: set[str]) -> Plain | None:
    """A statement that is known to look at its table row by row; None if it is not.

    Args:
        calls: functions of a condition that is to be put into it.
    """
    select = _parsed(connection, statement.sql)
    if statement.parameters or select is None or not _is_plain(select):
        return None
    called = {name.lower() for name in _functions(select)} | calls
    if called & _OF_THE_NODE or not _are_consistent(connection, called):
        return None
    return Plain(statement, select)


def _parsed(connection: Connection, sql: str) -> _Node | None:
    """The only SELECT of a text, without the places of its parts."""
    ((text,),) = connection.rows(_SYNTAX, {"text": sql})
    answer = json.loads(text, object_hook=_placeless)
    if answer["error"] or len(answer["statements"]) != 1:
        return None
    node: _Node = answer["statements"][0]["node"]
    return node


def _placeless(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if not key.startswith("query_location")}


def _is_plain(select: _Node) -> bool:
    """Whether it is columns of one table and a condition at most, with nothing unknown to us."""
    return (
        select["type"] == "SELECT_NODE"
        and set(select) == _SELECT
        and _holds(select, _CLAUSES)
        and _holds(select["from_table"], _BASE_TABLE)
        and all(part["class"] in _ROW_BY_ROW for part in _expressions(select))
    )


def _holds(node: _Node, wanted: Mapping[str, Sequence[Any]]) -> bool:
    return all(node.get(key) in values for key, values in wanted.items())


def _expressions(node: Any) -> Iterator[_Node]:
    """All expressions in a part of the syntax tree."""
    if isinstance(node, Mapping):
        if "class" in node:
            yield node
        node = node.values()
    elif not isinstance(node, list):
        return
    for child in node:
        yield from _expressions(child)


def _functions(select: _Node) -> Iterator[str]:
    """The functions it calls, operators included."""
    for part in _expressions(select):
        if part["class"] == "FUNCTION":
            yield part["function_name"]


def _names(select: _Node) -> set[str]:
    """The columns it names without saying of what: DuckDB reads some of them as functions."""
    return {
        part["column_names"][0].lower()
        for part in _expressions(select)
        if part["class"] == "COLUMN_REF" and len(part["column_names"]) == 1
    }


def _are_consistent(connection: Connection, names: set[str]) -> bool:
    """Whether all these functions give the same answer for the same row whenever they are asked."""
    if not names:
        return True
    kinds: dict[str, set[tuple[str, str]]] = {}
    for name, *kind in connection.rows(_FUNCTIONS):
        kinds.setdefault(name.lower(), set()).add(tuple(kind))
    return all(kinds.get(name) == {_CONSISTENT} for name in names)


def _scanned(connection: Connection, sql: str, name: str) -> _Table | None:
    """The table that a statement scans, if that is all it does.

    Args:
        name: what the statement calls it.
    """
    plan = _plan(connection, sql)
    if plan is None:
        return None
    found = [
        (catalog, oid, rows)
        for catalog, schema, table, oid, rows, made in connection.rows(_TABLES, {"name": name})
        if _bare(f"{catalog}.{schema}.{table}") == _bare(plan) and "generated" not in made.lower()
    ]
    if len(found) != 1:
        return None
    ((catalog, oid, rows),) = found
    columns = connection.rows(_COLUMNS, {"catalog": catalog, "oid": oid})
    return _Table(catalog, rows, frozenset(column.lower() for (column,) in columns))


def _bare(name: str) -> str:
    """A name without quotes, which the planner sets where they are needed."""
    return name.replace('"', "")


def _plan(connection: Connection, sql: str) -> str | None:
    """The one table that a statement's plan scans in order, row by row."""
    ((_, text),) = connection.rows(f"EXPLAIN (FORMAT json) {sql}")
    operators = json.loads(text)
    while len(operators) == 1 and operators[0]["name"].strip() in _OPERATORS:
        (operator,) = operators
        operators = operator["children"]
        if not operators and operator["extra_info"].get("Type") == _SCAN_TYPE:
            return str(operator["extra_info"]["Table"])
    return None


def _restricted(sql: str, alias: str, rows: Rows) -> str:
    """A plain SELECT with a condition on row ids before its own."""
    ids = f"{quoted(alias)}.rowid"
    return _where(sql, f"{ids} >= {rows.start} AND {ids} < {rows.end}")


def _where(sql: str, said: str) -> str:
    """A plain SELECT with a condition before its own."""
    text = sql.encode()
    words = _outside(sql)
    if words and words[-1][1] == ";":
        text = text[: words[-1][0]]
    condition = f"WHERE {said}".encode()
    place = next((place for place, word in words if word == "where"), None)
    if place is None:
        return (text + b"\n" + condition).decode()
    before, after = text[:place], text[place + len("where") :]
    return (before + condition + b" AND (" + after + b"\n)").decode()


def _is_restriction(restricted: _Node | None, select: _Node, alias: str) -> bool:
    """Whether it is the same statement with our condition, and with both when it had one."""
    if restricted is None:
        return False
    low, high, *rest = _conditions(restricted["where_clause"])
    ours = {"class": "COLUMN_REF", "column_names": [alias, "rowid"]}
    return (
        restricted == {**select, "where_clause": restricted["where_clause"]}
        and rest == _conditions(select["where_clause"])
        and _holds_all(low["left"], ours)
        and _holds_all(high["left"], ours)
        and (low["type"], high["type"]) == ("COMPARE_GREATERTHANOREQUALTO", "COMPARE_LESSTHAN")
    )


def _holds_all(node: _Node, wanted: _Node) -> bool:
    return _holds(node, {key: (value,) for key, value in wanted.items()})


def _conditions(node: _Node | None) -> list[_Node]:
    """What must be true, all of it."""
    if node is None:
        return []
    if node["type"] != "CONJUNCTION_AND":
        return [node]
    return [condition for child in node["children"] for condition in _conditions(child)]


def _outside(sql: str) -> list[tuple[int, str]]:
    """The words of a text that are in no brackets, and the bytes they begin at."""
    depth = 0
    outside = []
    for place, word in words_at(sql):
        depth += (word in {"(", "[", "{"}) - (word in {")", "]", "}"})
        if not depth:
            outside.append((place, word))
    return outside
