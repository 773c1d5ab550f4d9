"""The client: connect to a service of many nodes as if it were one database, and agree with them.

>>> import flightkeeper.client
>>> with flightkeeper.client.connect("flightsql+dir:///srv/registry") as connection:
...     table = connection.query("SELECT 42 AS answer").read_all()
"""

from typing import TYPE_CHECKING

from flightkeeper.client.cluster import Cluster, open_cluster
from flightkeeper.client.connection import Connection, connect
from flightkeeper.client.control import Control
from flightkeeper.client.errors import (
    AuthenticationFailed,
    ConnectionClosed,
    FlightkeeperError,
    InvalidUrl,
    NoNodeAvailable,
    OutcomeUnknown,
    PermissionDenied,
    SessionLost,
    StatementCancelled,
    StatementConflict,
    StatementFailed,
    StatementTimeout,
    StreamInterrupted,
    TransactionUndone,
)
from flightkeeper.client.result import Result
from flightkeeper.client.router import NodeStatus
from flightkeeper.client.session import Session
from flightkeeper.client.transaction import Transaction
from flightkeeper.discovery.locks import Hold, LockLost, LockTimeout

if TYPE_CHECKING:
    from flightkeeper.client.asynchronous import AsyncConnection, AsyncResult, connect_async

__all__ = [
    "AsyncConnection",
    "AsyncResult",
    "AuthenticationFailed",
    "Cluster",
    "Connection",
    "ConnectionClosed",
    "Control",
    "FlightkeeperError",
    "Hold",
    "InvalidUrl",
    "LockLost",
    "LockTimeout",
    "NoNodeAvailable",
    "NodeStatus",
    "OutcomeUnknown",
    "PermissionDenied",
    "Result",
    "Session",
    "SessionLost",
    "StatementCancelled",
    "StatementConflict",
    "StatementFailed",
    "StatementTimeout",
    "StreamInterrupted",
    "Transaction",
    "TransactionUndone",
    "connect",
    "connect_async",
    "open_cluster",
]

_ASYNCHRONOUS = frozenset({"AsyncConnection", "AsyncResult", "connect_async"})


def __getattr__(name: str) -> object:
    """Loads asyncio for those who use it, and for nobody else."""
    if name not in _ASYNCHRONOUS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from flightkeeper.client import asynchronous  # noqa: PLC0415

    return getattr(asynchronous, name)
