"""DuckDB's errors in our words; the one place where they are translated.

DuckDB begins every message with the kind of error, also where pyarrow carries it out of a running
stream and the exception's class is lost. So the kind is read from the text, not the class.
"""

import re

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.positions import repoint
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    Internal,
    InvalidArgument,
    NodeError,
    PermissionDenied,
    Unavailable,
    Unimplemented,
)
from flightkeeper.flightsql.headers import Reason

ENGINE_ERRORS = (duckdb.Error, pa.ArrowException, OSError)
"""What an error of DuckDB may come as; through a stream, pyarrow carries it."""

_KINDS: dict[str, type[NodeError]] = {
    "INTERRUPT Error": Cancelled,
    "Permission Error": PermissionDenied,
    "Not implemented Error": Unimplemented,
    "Out of Memory Error": EngineFailed,
    "IO Error": EngineFailed,
    "HTTP Error": EngineFailed,
    "TransactionContext Error": EngineFailed,
    "Connection Error": EngineFailed,
    "INTERNAL Error": Internal,
    "FATAL Error": Internal,
}
"""Everything else DuckDB reports is about the statement."""

_AWAY = re.compile(
    r"server closed the connection unexpectedly|no connection to the server|"
    r"terminating connection due to|Failed to execute query \"ROLLBACK\"|database is locked"
)
"""In errors of any kind: a lake's catalog does not answer, which no statement is to blame for."""
_NOT_BEGUN = re.compile(r"(?:[A-Za-z ]+ Error: )?Failed to query most recent snapshot[^\n]*")
"""How they begin where it does not even tell what there is, which comes before all else."""

_FAILED_BEFORE = "database has been invalidated because of a previous fatal error"
"""In what it answers to everything after a defect that it does not survive."""

_INTERNAL_TEXT = "the engine reported a defect of its own; the node's log has the details"
_FAILED_TEXT = "the engine of this node has failed; nothing was run, use another node"
_REASON_LOST = (
    "the statement failed while its rows were produced, and the engine lost the reason; nobody had "
    "stopped it: run it again to see why"
)
_PATH = re.compile(
    r"""(?<=")/[^"\n]+(?=")|(?<=')/[^'\n]+(?=')"""
    r"""|(?<![\w/.:])(?!(?<=<)/\w+>)/(?:[^\s"'/:]+/)*[^\s"'/:,;)]+"""
)
"""What ends an element of XML, as an object store answers, is none."""
_KIND = re.compile(r"[A-Za-z][A-Za-z ]*? Error(?=:)")


def translate(exc: BaseException, sql: str, source: str | None = None) -> NodeError:
    """The answer for an error DuckDB raised, directly or through a stream.

    Args:
        exc: a `duckdb.Error`, or what pyarrow made of one.
        sql: the statement; paths that stand in it may stand in the message.
        source: the client's own text of it, if that is another one; the message points into it.

    Returns: DuckDB's own words with the position, without paths the caller did not name.
    """
    message = str(exc).strip()
    found = _KIND.match(message)
    cause = found.group() if found else ""
    if (not_begun := _NOT_BEGUN.match(message)) is not None:
        # Without its place, which is in a question of the lake's own.
        told = mask_paths(not_begun.group(), sql)
        return Unavailable(f"{told}; nothing was run: try again", reason=Reason.AWAY, cause=cause)
    kind = _KINDS.get(cause, InvalidArgument)
    if kind is InvalidArgument and _AWAY.search(message):
        kind = EngineFailed
    if kind is Internal:
        if _FAILED_BEFORE in message:
            return Unavailable(_FAILED_TEXT, reason=Reason.DRAINING, cause=cause)
        return Internal(_INTERNAL_TEXT)
    return kind(mask_paths(repoint(message, sql, source or sql), sql), cause=cause)


def translate_late(exc: BaseException, sql: str, source: str, *, interrupted: bool) -> NodeError:
    """The answer for an error in the middle of a result.

    DuckDB interrupts the rest of a statement that fails, and of about a hundred late errors it
    tells one as that interrupt; asking it again tells no more. Nobody is to take it for a stop.

    Args:
        interrupted: somebody has stopped the statement.
    """
    error = translate(exc, sql, source)
    if isinstance(error, Cancelled) and not interrupted:
        return EngineFailed(_REASON_LOST)
    return error


def mask_paths(message: str, sql: str) -> str:
    """The message with every absolute path that is not in the statement left out."""
    return _PATH.sub(lambda path: path.group() if path.group() in sql else "(a file)", message)
