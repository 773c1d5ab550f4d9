"""`KILL`, as a value: what it asks for and what it answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import pyarrow as pa

from flightkeeper.flight_server.command import Command


class Target(StrEnum):
    """What is to end."""

    STATEMENT = "statement"
    SESSION = "session"
    EITHER = "either"
    """Whichever has this id."""


@dataclass(frozen=True, slots=True)
class Kill(Command):
    """End a statement, or a session with all its statements, wherever in the cluster it is."""

    schema: ClassVar[pa.Schema | None] = pa.schema(
        [("id", pa.string()), ("outcome", pa.string()), ("notice", pa.string())]
    )
    urgent: ClassVar[bool] = True
    # Of others only superusers end anything.
    public: ClassVar[bool] = True

    target: Target
    id: str
