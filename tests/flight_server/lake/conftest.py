"""Databases that share a lake in SQLite, as two nodes of one machine do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.location import Location, parse
from tests.flight_server.lake.calls import Node, node


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite")


@pytest.fixture
def here(location: Location) -> Iterator[Database]:
    opened = Database(DatabaseOptions(lake=LakeOptions(location)))
    yield opened
    opened.close()


@pytest.fixture
def there(location: Location, here: Database) -> Iterator[Database]:
    del here  # it makes the lake
    opened = Database(DatabaseOptions(lake=LakeOptions(location)))
    yield opened
    opened.close()


@pytest.fixture
def first(here: Database, location: Location) -> Iterator[Node]:
    with node(here, location, "n1") as made:
        yield made


@pytest.fixture
def second(there: Database, first: Node, location: Location) -> Iterator[Node]:
    """Another one, once the first has made a table."""
    first.write("CREATE TABLE t (i INTEGER)")
    with node(there, location, "n2") as made:
        yield made
