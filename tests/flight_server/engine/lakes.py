"""Lakes for tests of the engine alone."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.location import Location


@contextmanager
def connected(where: Location) -> Iterator[Connection]:
    """A connection to a lake, which is made if there is none."""
    with (
        closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database,
        closing(database.connect()) as opened,
    ):
        yield opened
