"""The client: connect to a service of many nodes as if it were one database.

>>> import flightkeeper.client
>>> with flightkeeper.client.connect("flightsql+dir:///srv/registry") as connection:
...     table = connection.query("SELECT 42 AS answer").read_all()
"""

from flightkeeper.client.connection import Connection, connect
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
    StatementFailed,
    StatementTimeout,
    StreamInterrupted,
)
from flightkeeper.client.router import NodeStatus
from flightkeeper.client.transaction import Transaction

__all__ = [
    "AuthenticationFailed",
    "Connection",
    "ConnectionClosed",
    "FlightkeeperError",
    "InvalidUrl",
    "NoNodeAvailable",
    "NodeStatus",
    "OutcomeUnknown",
    "PermissionDenied",
    "SessionLost",
    "StatementCancelled",
    "StatementFailed",
    "StatementTimeout",
    "StreamInterrupted",
    "Transaction",
    "connect",
]
