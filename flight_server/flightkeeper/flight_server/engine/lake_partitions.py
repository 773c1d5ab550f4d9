"""Which statements can be divided by the files of the lake's table they read, and into what.

Theory. Each row of a table of a lake is in one file, or in a table of the catalog that passes for
one, and DuckLake tells which by the virtual column `filename`. So a statement that reads one table
row by row gives the same rows when it runs once for each class of file names. DuckLake evaluates
such a condition before it opens a file. The last part of a name alone counts, since nodes may
reach the files by different paths.

Owns that judgement; what makes a statement row by row is decided beside it.
"""

import json
from collections.abc import Sequence

from flightkeeper.flight_server.engine import partitions
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import NodeError

FILE = "filename"
"""The column of a table of the lake that says in which file a row is; `*` does not show it."""
_CALLS = {"hash", "parse_filename", "%"}
_SCAN = "DUCKLAKE_SCAN"
_OPERATORS = {"PROJECTION", "FILTER"}
_EXPECTED = 5
"""Of a scan with a condition the planner expects a fifth of the rows."""
_ROWS_MIN = 2 * partitions.ROW_GROUP


def parts(connection: Connection, statement: Statement, count: int) -> Sequence[str]:
    """The texts of a pure read in so many parts; none if it cannot be divided."""
    try:
        return _parts(connection, statement, count)
    except (NodeError, LookupError, RecursionError, ValueError):
        # It does not run, which is told to who runs it; or it is something we do not know.
        return ()


def _parts(connection: Connection, statement: Statement, count: int) -> Sequence[str]:
    plain = partitions.plain(connection, statement, _CALLS)
    if plain is None:
        return ()
    columns = _columns(connection, plain)
    if FILE in columns or plain.alias.lower() in {*columns, FILE} or not plain.names <= columns:
        return ()
    conditions = [_condition(plain.alias, number, count) for number in range(count)]
    if not all(plain.is_restricted(connection, each) for each in conditions):
        return ()
    texts = [plain.where(each) for each in conditions]
    return texts if _scanned_rows(connection, texts[0]) >= _ROWS_MIN else ()


def _columns(connection: Connection, plain: partitions.Plain) -> set[str]:
    name = ".".join(map(quoted, plain.path))
    found = connection.table(f"SELECT * FROM {name} LIMIT 0")  # noqa: S608 - quoted
    return {column.lower() for column in found.column_names}


def _condition(alias: str, number: int, count: int) -> str:
    return f"hash(parse_filename({quoted(alias)}.{FILE})) % {count} = {number}"


def _scanned_rows(connection: Connection, sql: str) -> int:
    """About how many rows the table has that a statement scans, if that is all it does; else 0."""
    ((_, text),) = connection.rows(f"EXPLAIN (FORMAT json) {sql}")
    operators = json.loads(text)
    while len(operators) == 1:
        (operator,) = operators
        name = operator["name"].strip()
        if name == _SCAN:
            return int(operator["extra_info"]["Estimated Cardinality"]) * _EXPECTED
        if name not in _OPERATORS:
            break
        operators = operator["children"]
    return 0
