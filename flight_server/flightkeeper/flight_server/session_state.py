"""What a session and a transaction are on a node: plain records, changed by `sessions` only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flightkeeper.discovery.locks import Hold
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.connection import Connection


@dataclass(slots=True)
class Session:
    """A caller's state on this node.

    Attributes:
        options: fields of `Options` that were set for it; replaced, never edited.
        connection: what its statements share; None while nothing was left behind in the engine.
        namespace: where the connection looks names up, as far as it is known without asking.
        holder: the transaction that runs on the connection now.
        lent: how many of its statements run elsewhere, or stream from there.
        locks: what it holds of the cluster's, by name.
    """

    used_s: float
    options: Mapping[str, Any] = field(default_factory=dict)
    connection: Connection | None = None
    namespace: catalog.Namespace | None = None
    holder: str | None = None
    lent: int = 0
    locks: dict[str, Hold] = field(default_factory=dict)


@dataclass(slots=True)
class Transaction:
    """An open transaction; DuckDB hears of it with its first statement.

    Attributes:
        connection: what it runs on, from its first statement on.
    """

    transaction: str
    session_key: str
    owner: str
    used_s: float
    connection: Connection | None = None
