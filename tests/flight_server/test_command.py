"""A command of the cluster as a statement."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.engine.statement import Shape, of_command


@dataclass(frozen=True, slots=True)
class Show(Command):
    """A command that only looks."""

    schema: ClassVar[pa.Schema | None] = pa.schema([("name", pa.string())])
    read_only: ClassVar[bool] = True


def test_a_command_changes_something_unless_it_says_otherwise() -> None:
    done = of_command(Command(), "DO IT")
    assert (done.shape, done.read_only, done.sql) == (Shape.NOTHING, False, "DO IT")
    shown = of_command(Show(), "SHOW IT")
    assert (shown.shape, shown.read_only, shown.stateful) == (Shape.ROWS, True, False)
    assert shown.command == Show()
