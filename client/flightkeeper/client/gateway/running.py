"""A gateway as a whole: its parts put together, started, drained and closed, in this order.

Owns the registry's watch, router, pool, relay and server. Keeps nothing that must survive it:
another gateway of the same service answers the same calls.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.attempts import Attempts, Statement
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import Failure
from flightkeeper.client.gateway import answers
from flightkeeper.client.gateway.channel import NodeChannel, sign_of_life
from flightkeeper.client.gateway.middleware import MIDDLEWARE, Entrance, Handshake
from flightkeeper.client.gateway.passing import AUTHORIZATION, Pair
from flightkeeper.client.gateway.relay import Relay, Turn
from flightkeeper.client.gateway.service import Data, Gateway
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import Router
from flightkeeper.client.transport import Channel
from flightkeeper.client.trust import TLS, may_show_login
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership
from flightkeeper.flightsql.headers import PROBE_ACTION

PROBE_TIMEOUT_S = 1.0
_LOOK_S = 0.1
_SHUTDOWN_MAX_S = 5.0

_log = logging.getLogger(__name__)


class CannotListen(Exception):
    """The gateway could not start; says what to change."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts of the gateway's own side; without a certificate it speaks plain text.

    Attributes:
        client_ca: authorities of clients' certificates, which are then required.
    """

    cert: str = ""
    key: str = field(default="", repr=False)
    client_ca: bytes = b""

    def to_flight(self) -> dict[str, Any]:
        """As pyarrow wants it."""
        served: dict[str, Any] = {}
        if self.cert:
            served["tls_certificates"] = [flight.CertKeyPair(self.cert, self.key)]
        if self.client_ca:
            served |= {"verify_client": True, "root_certificates": self.client_ca}
        return served


@dataclass(frozen=True, slots=True)
class Nodes:
    """How a gateway reaches nodes.

    Attributes:
        tls_roots: PEM certificates to trust instead of the system's.
        transport: where a login may be shown; see `trust`. With "tls" nothing goes in plain text.
    """

    service: str
    tls_roots: bytes | None = None
    transport: str | None = None


class RunningGateway:
    """A gateway from start to end. Thread-safe; `close` is idempotent and bounded."""

    def __init__(self, nodes: Nodes, registry: Membership) -> None:
        """Own an open registry."""
        self._nodes = nodes
        self._registry = registry
        self._loads = Loads(time.monotonic)
        self._pool = Pool(self._open_channel, self._loads, time.monotonic)
        rng = Random()  # noqa: S311  spreads load, guards nothing
        self._router = Router(nodes.service, self._pool, self._loads, self._probe, rng=rng)
        self._attempts = Attempts(self._router, self._pool, Login(None, None), rng)
        self._relay = Relay(
            self._router,
            self._pool,
            self._attempts,
            lambda location: may_show_login(location, nodes.transport),
        )
        self._server: Gateway | None = None
        self._stopping = threading.Event()
        self._ended = threading.Event()
        # Guards that the end is begun once.
        self._lock = threading.Lock()
        self._ending: threading.Thread | None = None
        self._clean = True

    def start(self, listen: str, data: Data, certificates: Certificates) -> str:
        """Listen; the location, in which port 0 has become the one it got.

        Raises:
            CannotListen: the address or the certificate cannot be used.
        """
        self._router.start((), self._registry)
        try:
            self._server = Gateway(
                self._relay,
                data,
                location=listen,
                auth_handler=Handshake(),
                middleware={MIDDLEWARE: Entrance(self._log_in, self._show)},
                **certificates.to_flight(),
            )
        except (OSError, pa.ArrowException) as exc:
            raise CannotListen(
                f"cannot listen on {listen}: the port is in use, the address is not this "
                "machine's, or the certificate is not usable"
            ) from exc
        parts = urlsplit(listen)
        return f"{parts.scheme}://{parts.netloc.rpartition(':')[0]}:{self._server.port}"

    @property
    def idle(self) -> bool:
        """Whether no call is in progress."""
        return self._server is None or not self._server.running

    def wait_for_nodes(self, timeout_s: float) -> None:
        """Wait until at least one node is known.

        Raises:
            NoNodeAvailable: none is, and whose fault that seems to be.
        """
        self._router.wait_for_nodes(timeout_s)

    def drain(self, within_s: float) -> None:
        """Take no more calls, let those that run finish within a bound, end. Returns at once."""
        with self._lock:
            if self._ending is None:
                self._ending = threading.Thread(
                    target=self._end, args=(within_s,), name="flightkeeper-gateway-end", daemon=True
                )
                self._ending.start()

    def stop(self) -> None:
        """End at once. Idempotent."""
        self._stopping.set()
        self.drain(0.0)

    def wait(self) -> bool:
        """Wait for the end; whether every part has ended."""
        self._ended.wait()
        return self._clean

    def _end(self, within_s: float) -> None:
        server = self._server
        deadline_s = time.monotonic() + within_s
        if server is not None:
            server.drain()
            while server.running and time.monotonic() < deadline_s and not self._stopping.is_set():
                self._stopping.wait(_LOOK_S)
            if server.running:
                _log.warning("ending what did not finish: %d calls", server.running)
        # Every call counts as left from now on, so the nodes stop and the streams end.
        self._relay.watcher.stop_all()
        shutdown = threading.Thread(
            target=self._shut_down, name="flightkeeper-gateway-close", daemon=True
        )
        shutdown.start()
        shutdown.join(_SHUTDOWN_MAX_S)
        self._clean = not shutdown.is_alive()
        self._relay.close()
        self._router.close()
        self._pool.close()
        self._ended.set()

    def _shut_down(self) -> None:
        if self._server is not None:
            self._server.shutdown()

    def _open_channel(self, instance: Instance) -> Channel:
        return NodeChannel(
            instance,
            self._loads,
            tls_roots=self._nodes.tls_roots,
            shows_login=may_show_login(instance.location, self._nodes.transport),
            wary=self._nodes.transport == TLS,
        )

    def _probe(self, instance: Instance, channel: Channel | None) -> Failure | None:
        if channel is not None:
            return sign_of_life(channel, PROBE_ACTION, PROBE_TIMEOUT_S)
        lease = self._pool.lease(instance)
        # Never lent again: when the node comes back, a connection from before would be in backoff.
        lease.broken = True
        try:
            return sign_of_life(lease.channel, PROBE_ACTION, PROBE_TIMEOUT_S)
        finally:
            lease.release()

    def _log_in(self, user: str, password: str) -> str:
        return self._ask(lambda turn: turn.channel.handshake(user, password).value)

    def _show(self, sent: Sequence[Pair]) -> str:
        action = flight.Action(PROBE_ACTION, b"")

        def ask(turn: Turn) -> str:
            answered = turn.channel.action(action, sent).headers
            return next((str(value) for name, value in answered if name == AUTHORIZATION), "")

        return self._ask(ask)

    def _ask(self, operation: Any) -> str:
        """Ask any node, outside of a call."""
        statement = Statement(uuid4().hex, StatementKind.BEGIN)
        try:
            answer: str = self._attempts.run(statement, lambda made: operation(Turn(made, ())))
        except Exception as exc:  # noqa: BLE001 - the border: nothing may pass unconverted
            raise answers.refusal(exc).error from None
        return answer
