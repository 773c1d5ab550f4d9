"""Reads that meet an outage of the lake's catalog: begun once more, and not blamed for it.

A connection to the catalog's server that has ended is found out by whoever uses it next. So what
meets that and has delivered nothing is tried again at once; and if the server stays away, the
answer says that another node may have better luck. A transaction has lost what it saw, and is told.
"""

from collections.abc import Callable
from typing import TypeVar

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import NodeError, Unavailable
from flightkeeper.flightsql.headers import Reason

_T = TypeVar("_T")

_HIDDEN = "Current transaction is aborted"
"""What DuckLake may say instead: what it asked before has failed, in a transaction that is ours."""


def again(connection: Connection, begin: Callable[[], _T]) -> _T:
    """Begin what changes nothing, and once more if the catalog's server went away meanwhile.

    Args:
        begin: asks on the connection; of what it has begun when it raises, nothing was delivered.

    Raises:
        Unavailable: it went away each time, for what is not in a transaction.
    """
    if connection.in_transaction:
        return begin()
    try:
        return begin()
    except NodeError as exc:
        if not _was_lost(exc):
            raise
    try:
        return begin()
    except NodeError as exc:
        if not _was_lost(exc) or exc.reason is Reason.AWAY:
            raise
        told = f"the lake's catalog went away, and nothing was run: try again. {exc}"
        raise Unavailable(told, reason=Reason.AWAY, cause=exc.cause) from exc


def _was_lost(error: NodeError) -> bool:
    return lake.was_lost(error) or _HIDDEN in str(error)
