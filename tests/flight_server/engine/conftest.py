"""A database for the tests of a module, and a connection for each of them."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.lake.location import Location
from tests.flight_server.engine.lakes import connected


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    opened = Database(DatabaseOptions(threads=2))
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    made = database.connect()
    yield made
    made.close()


@pytest.fixture
def in_lake(where: Location) -> Iterator[Connection]:
    """A connection to a new lake, in each of the two."""
    with connected(where) as connection:
        yield connection
