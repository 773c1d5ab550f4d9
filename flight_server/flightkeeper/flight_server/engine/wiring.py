"""What all connections to a database have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flightkeeper.flight_server.engine.changes import Changes
from flightkeeper.flight_server.engine.file_lists import FileLists
from flightkeeper.flight_server.engine.kept_files import KeptFiles
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.workers import Workers

if TYPE_CHECKING:
    from flightkeeper.flight_server.engine.connection import Connection

Exact = Callable[["Connection", Statement, Any], Statement]
"""From a connection, a statement and its parameters to what is run in the place of it."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What all connections to a database have in common.

    Attributes:
        batch_bytes: the target size of a result's batches.
        changes: counts those of all connections.
        lists: of a lake's files, if somebody may take some out while others read them.
        kept: the files that commits add to a lake, if these may go unanswered.
        workers: the engine's own threads, if they are still to come.
        exact: finds what is run in the place of a statement; None = all run as they are.
    """

    batch_bytes: int
    changes: Changes = field(default_factory=Changes)
    lists: FileLists | None = None
    kept: KeptFiles | None = None
    workers: Workers | None = None
    exact: Exact | None = None
