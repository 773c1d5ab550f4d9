"""A database for the tests of a module, and a connection for each of them."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions


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
