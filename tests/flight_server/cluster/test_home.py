"""Where the cluster's tables are in a node."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.cluster.home import Home, home
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions


@pytest.fixture(params=["memory", "file", "read-only file"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    path = ":memory:" if request.param == "memory" else str(tmp_path / "own.db")
    if read_only := request.param == "read-only file":
        Database(DatabaseOptions(path=path)).close()
    database = Database(DatabaseOptions(path=path, read_only=read_only))
    made = database.connect()
    yield made
    made.close()
    database.close()


def test_a_node_in_memory_has_them_in_its_own_database(connection: Connection) -> None:
    in_memory = connection.rows("SELECT current_catalog()") == [("memory",)]
    place = home(connection, in_memory=in_memory)
    assert place == home(connection, in_memory=in_memory)
    assert place.catalog == ("memory" if in_memory else "cluster")
    connection.command(f"CREATE TABLE {place.hidden('geo.t')} AS SELECT 1 AS a")
    assert connection.rows(f'FROM {place.catalog}._reference."geo.t"') == [(1,)]


def test_names_are_quoted() -> None:
    place = Home('c"at')
    assert place.table("a b.select") == '"c""at"."a b"."select"'
    assert place.schema("a b.select") == '"c""at"."a b"'
    assert place.hidden("a b.select") == '"c""at"."_reference"."a b.select"'
