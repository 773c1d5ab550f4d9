"""A reference table in the engine, and back."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.discovery.reference_table import Content
from flightkeeper.flight_server.cluster import reference_copies
from flightkeeper.flight_server.cluster.home import Home, home
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument, NodeError

NAME = "geo.countries"
FIELDS: list[Any] = [pa.field("code", pa.string(), nullable=False), pa.field("n", pa.int64())]
ROWS = pa.table({"code": ["de", "fr"], "n": [84, None]}, schema=pa.schema(FIELDS))


@pytest.fixture
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    yield made
    made.close()
    database.close()


@pytest.fixture
def place(connection: Connection) -> Home:
    return home(connection, in_memory=True)


def test_it_is_read_only_to_the_engine_itself(connection: Connection, place: Home) -> None:
    reference_copies.put(connection, place, NAME, Content(ROWS, ("code",), "it's all"))
    assert connection.rows("FROM geo.countries") == [("de", 84), ("fr", None)]
    with pytest.raises(InvalidArgument, match="not an table"):
        connection.command("INSERT INTO geo.countries VALUES ('x', 1)")
    comment = "SELECT comment FROM duckdb_views() WHERE view_name = 'countries'"
    assert connection.rows(comment) == [("it's all",)]
    reference_copies.put(connection, place, NAME, Content(ROWS.slice(1)))
    assert connection.rows("FROM geo.countries") == [("fr", None)]
    reference_copies.remove(connection, place, NAME)
    reference_copies.remove(connection, place, NAME)
    with pytest.raises(InvalidArgument, match="does not exist"):
        connection.rows("FROM geo.countries")


@pytest.mark.parametrize(
    "content",
    [
        Content(ROWS),
        Content(ROWS, ("code",), "countries"),
        Content(ROWS.schema.empty_table()),
        Content(pa.table({"code": pa.array([], pa.string())})),
    ],
)
def test_it_comes_back_as_it_was(connection: Connection, place: Home, content: Content) -> None:
    connection.begin()
    reference_copies.make_writable(connection, place, NAME, content)
    found = reference_copies.content(connection, place, NAME)
    connection.rollback()
    assert found.rows.schema.remove_metadata() == content.rows.schema.remove_metadata()
    assert found.rows.to_pydict() == content.rows.to_pydict()
    assert (found.primary_key, found.comment) == (content.primary_key, content.comment)


def test_keys_hold_within_the_transaction_that_made_them(
    connection: Connection, place: Home
) -> None:
    connection.begin()
    reference_copies.make_writable(connection, place, NAME, Content(ROWS, ("code",)))
    with pytest.raises(InvalidArgument, match="Constraint Error"):
        connection.command("INSERT INTO geo.countries VALUES ('de', 1)")
    connection.rollback()


def test_what_stands_in_its_way_stays(connection: Connection, place: Home) -> None:
    connection.command("CREATE SCHEMA geo")
    connection.command("CREATE TABLE geo.countries AS SELECT 7 AS own")
    with pytest.raises(NodeError, match=r"Existing object .*countries.* is of type Table"):
        reference_copies.put(connection, place, NAME, Content(ROWS))
    assert not connection.in_transaction
    assert connection.rows("FROM geo.countries") == [(7,)]
