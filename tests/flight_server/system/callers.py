"""Calls without a server: who calls, for what is decided before anything is run."""

from dataclasses import dataclass, field
from typing import Any

from flightkeeper.flight_server.auth.middleware import CallMiddleware
from flightkeeper.flight_server.auth.tokens import Identity
from flightkeeper.flight_server.call import Call
from flightkeeper.flightsql.cancellation import CancelWatcher


@dataclass
class Context:
    """What gRPC tells of a call."""

    address: str = "ipv4:10.0.0.7:4711"
    asked: int = field(default=0)

    def peer(self) -> str:
        """Where it comes from."""
        self.asked += 1
        return self.address

    def is_cancelled(self) -> bool:
        """Nobody cancels."""
        return False


def caller(principal: str = "ada", session_id: str = "s1", **headers: str) -> Call:
    """A call of somebody."""
    sent = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    identity = Identity(principal, session_id, float("inf"))
    context: Any = Context()
    watcher: Any = CancelWatcher.__new__(CancelWatcher)
    return Call(context, CallMiddleware(identity, None, sent), watcher)
