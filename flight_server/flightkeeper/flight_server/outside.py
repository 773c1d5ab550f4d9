"""What one call's texts reach besides the engine: the one place where it is all put together."""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.connection import Connection, Parameters
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.lake.outages import again
from flightkeeper.flight_server.lake.reads import Reading

_T = TypeVar("_T")


class Deciding(Protocol):
    """Who knows what a caller may do and has set."""

    def set_option(self, call: Call, name: str, text: str | None) -> None:
        """Set an option of the caller's session; None puts it back to its default."""

    def permitted(self, call: Call, connection: Connection, statement: Statement) -> Statement:
        """What the caller may run in the place of a statement."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What `scripts` knows as the outside of a text."""

    decides: Deciding
    call: Call
    commands: Commands
    reading: Reading

    def set_option(self, name: str, value: str | None) -> None:
        """Set an option of the session; None puts it back to its default."""
        self.decides.set_option(self.call, name, value)

    def permitted(self, connection: Connection, statement: Statement) -> Statement:
        """What is run in the place of a statement."""
        return again(connection, lambda: self.decides.permitted(self.call, connection, statement))

    def read(self, connection: Connection, statement: Statement, parameters: Parameters) -> Result:
        """Run a pure read."""
        return again(connection, lambda: self.reading.run(connection, statement, parameters))

    def command(self, connection: Connection, command: Command) -> pa.Table | None:
        """Run what is asked of the cluster."""
        return self.commands.run(self.call, connection, command)

    def around(self, connection: Connection, change: Change[_T]) -> _T:
        """Run a change."""
        return self.commands.around(self.call, connection, change)
