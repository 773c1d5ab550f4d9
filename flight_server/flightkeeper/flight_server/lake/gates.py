"""The gates of a lake: locked files beside SQLite's, advisory locks in PostgreSQL."""

from contextlib import suppress

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake.location import Backend, Location
from flightkeeper.flight_server.lake.turns import FileGate, Gate, GateBroken


def gate(location: Location, database: Database) -> Gate:
    """The gate of who writes to a lake that a database has attached."""
    if location.backend is Backend.SQLITE:
        return FileGate(lake.lock_file(location))
    return _ServerGate(database, lake.WRITING)


def upkeep_gate(location: Location, database: Database) -> Gate:
    """The gate of who puts it in order."""
    if location.backend is Backend.SQLITE:
        return FileGate(lake.upkeep_file(location))
    return _ServerGate(database, lake.UPKEEP)


class _ServerGate:
    """An advisory lock of a transaction of its own, which ends with its connection."""

    def __init__(self, database: Database, key: int) -> None:
        self._database = database
        self._key = key
        self._connection: Connection | None = None

    def try_enter(self, within_s: float = 0.0) -> bool:
        try:
            if self._connection is None:
                self._connection = self._database.connect()
            self._connection.begin()
            if lake.try_lock(self._connection, self._key, within_s):
                return True
            # Who goes without a turn leaves nothing open.
            self._connection.rollback()
        except NodeError as exc:
            self._drop()
            raise GateBroken(str(exc)) from exc
        return False

    def leave(self) -> None:
        if self._connection is None:
            return
        try:
            self._connection.commit()
        except NodeError:
            self._drop()

    def _drop(self) -> None:
        """Give it back with the connection; the next one gets a new one."""
        if self._connection is not None:
            with suppress(NodeError):
                self._connection.close()
        self._connection = None
