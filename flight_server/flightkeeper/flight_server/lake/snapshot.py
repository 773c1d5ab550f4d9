"""A version of a lake that a read sees, as a value, and what is said when it cannot. Pure."""

from dataclasses import dataclass

from flightkeeper.flight_server.errors import InvalidArgument, NodeError, NotFound
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Snapshot as SnapshotBody
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

_GONE = "No snapshot found at"
"""How DuckLake says that it does not keep a version."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of a lake.

    Attributes:
        lake: its own name.
        asked: the client asked for this one; else it was the newest when a statement was planned.
    """

    lake: str
    version: int
    asked: bool = False


def noted(body: StatementBody) -> Snapshot | None:
    """What a ticket says of it."""
    if not body.HasField("snapshot"):
        return None
    told = body.snapshot
    return Snapshot(told.lake, told.version, told.asked)


def note(body: StatementBody, snapshot: Snapshot | None) -> None:
    """Let a ticket say it."""
    if snapshot is None:
        body.ClearField("snapshot")
    else:
        told = SnapshotBody(lake=snapshot.lake, version=snapshot.version, asked=snapshot.asked)
        body.snapshot.CopyFrom(told)


def check_lake(snapshot: Snapshot, lake: str) -> None:
    """Refuse to read another lake's version.

    Raises:
        NotFound: this node has another lake, or none.
    """
    if snapshot.lake != lake:
        raise NotFound(
            "this ticket is for a lake that this node does not have; fetch it from a node of the "
            "service that planned it, or plan the statement again"
        )


def cannot_tell(snapshot: Snapshot) -> NodeError:
    """The error for a statement of which nobody can say how to read it at an older version."""
    return _error(
        snapshot,
        "it calls macros, or reads the lake in a way that an older version cannot be put into",
    )


def failed(snapshot: Snapshot, error: NodeError) -> NodeError:
    """The error for a statement that does not run at an older version."""
    if _GONE in str(error):
        return _error(snapshot, "that version is no longer kept, or never was")
    if isinstance(error, InvalidArgument):
        return _error(snapshot, str(error))
    return error


def not_written(snapshot: Snapshot) -> NodeError:
    """The error for a write of a session that reads an older version."""
    return InvalidArgument(
        f"the session reads version {snapshot.version} of the lake, and writes nothing meanwhile; "
        "nothing was run: RESET snapshot first"
    )


def _error(snapshot: Snapshot, why: str) -> NodeError:
    if snapshot.asked:
        return InvalidArgument(
            f"the statement cannot be read at version {snapshot.version} of the lake, and nothing "
            f"was run: {why}"
        )
    return NotFound(
        f"this result is of version {snapshot.version} of the lake, which others have changed "
        f"since, and it cannot be made again: run the statement again to read the newest ({why})"
    )
