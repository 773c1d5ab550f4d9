"""A connection from one node to another: Flight, with certificates and a login of its own.

Owns what is sent beside a request and how errors look. The login is for the caller on whose behalf
a node asks, so no password travels; what counts is that the request is signed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.system.peers import Connect, NoAnswer
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Signed

_CHANNEL: Mapping[str, int] = {
    # A host that drops packets is given up after one second instead of twenty, and one that came
    # back is tried again soon.
    "grpc.min_reconnect_backoff_ms": 1000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
}

_LOGINS_MAX = 256
_LOGIN_USED_S = 5.0
"""Far less than the shortest life of a token."""

_PROBLEMS: Sequence[tuple[type[Exception], str]] = (
    (flight.FlightTimedOutError, "no answer in time: it hangs, or the network does"),
    (flight.FlightUnavailableError, "it cannot be reached"),
    (flight.FlightUnauthenticatedError, "it refused the request: its keys or users are others"),
)


class Logins:
    """Tokens for callers on whose behalf this node asks others, each used for a while.

    Thread-safe; of two made at once one is used once.
    """

    def __init__(self, login: Callable[[str, float], str], now_s: Callable[[], float]) -> None:
        """`login` makes a token at a time; `now_s` is Unix time in seconds."""
        self._login = login
        self._now_s = now_s
        self._tokens: dict[str, tuple[str, float]] = {}

    def token(self, principal: str) -> str:
        """A token that other nodes accept."""
        now_s = self._now_s()
        token, until_s = self._tokens.get(principal, ("", 0.0))
        if now_s >= until_s:
            if len(self._tokens) >= _LOGINS_MAX:
                self._tokens = {}
            token = self._login(principal, now_s)
            self._tokens[principal] = token, now_s + _LOGIN_USED_S
        return token


class FlightLink:
    """A way to one node. Thread-safe; connects when it is first used."""

    def __init__(
        self, location: str, login: Callable[[str], str], certificates: Mapping[str, Any]
    ) -> None:
        """Prepare it.

        Args:
            login: from a principal to a token that other nodes accept.
            certificates: goes to pyarrow.
        """
        self._login = login
        self._client = flight.FlightClient(
            location, generic_options=list(_CHANNEL.items()), **certificates
        )

    def ask(self, request: bytes, principal: str, timeout_s: float) -> Sequence[bytes]:
        """What the node answers to a signed request."""
        sent: Any = [(b"authorization", f"Bearer {self._login(principal)}".encode())]
        options = flight.FlightCallOptions(timeout=timeout_s, headers=sent)
        action = flight.Action(headers.PEER_ACTION, Signed(handle=request).SerializeToString())
        try:
            results = list(self._client.do_action(action, options))
        except (OSError, pa.ArrowException, flight.FlightError) as exc:
            raise NoAnswer(_problem(exc)) from exc
        return [result.body.to_pybytes() for result in results]

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self._client.close()


def connecting(settings: NodeSettings, login: Callable[[str], str]) -> Connect:
    """What makes connections to other nodes, with the certificates of the settings."""
    certificates: dict[str, Any] = {}
    if (trusted := settings.tls_peer_ca or settings.tls_cert) is not None:
        certificates["tls_root_certs"] = trusted.read_bytes()
    if settings.tls_client_ca and settings.tls_cert and settings.tls_key:
        certificates["cert_chain"] = settings.tls_cert.read_bytes()
        certificates["private_key"] = settings.tls_key.read_bytes()
    return lambda instance: FlightLink(instance.location, login, certificates)


def _problem(exc: Exception) -> str:
    """What went wrong, without the other side's words, which may name what is behind it."""
    for kind, text in _PROBLEMS:
        if isinstance(exc, kind):
            return text
    return f"it refused the request ({type(exc).__name__})"
