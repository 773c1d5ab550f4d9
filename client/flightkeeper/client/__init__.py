"""The client: connect to a service of many nodes as if it were one database, and agree with them.

>>> import flightkeeper.client
>>> with flightkeeper.client.connect("flightsql+dir:///srv/registry") as connection:
...     table = connection.query("SELECT 42 AS answer").read_all()
"""

from flightkeeper.client.cluster import Cluster, open_cluster
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
from flightkeeper.discovery.locks import Hold, LockLost, LockTimeout

__all__ = [
    "AuthenticationFailed",
    "Cluster",
    "Connection",
    "ConnectionClosed",
    "FlightkeeperError",
    "Hold",
    "InvalidUrl",
    "LockLost",
    "LockTimeout",
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
    "open_cluster",
]
