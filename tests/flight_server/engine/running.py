"""Texts of one statement, run on a connection."""

from typing import Any

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import parse
from tests.flight_server.wire_client import total


def run(connection: Connection, text: str, parameters: Any = ()) -> Result:
    (statement,) = parse(text)
    return connection.run(statement, parameters)


def change(connection: Connection, text: str, parameters: Any = ()) -> int:
    (statement,) = parse(text)
    return connection.change(statement, parameters)


def rows(connection: Connection, text: str, parameters: Any = ()) -> list[dict[str, Any]]:
    return [row for batch in run(connection, text, parameters) for row in batch.to_pylist()]


def summed(result: Result) -> int:
    return sum(total(batch.column(0)) for batch in result)
