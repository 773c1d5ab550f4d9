"""A node follows the keys and the revoked logins of its cluster, from what is told to what holds.

Owns the thread `flightkeeper-keys`, the names of the two documents, and how often a node looks
again by itself. While the registry is away, or what it says cannot be, what held before goes on.
"""

import queue
import threading
from collections.abc import Callable, Mapping

import structlog

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.registry import Registry, Watch
from flightkeeper.flight_server.auth import key_ring, revocations
from flightkeeper.flight_server.auth.key_ring import MalformedRing, Ring
from flightkeeper.flight_server.auth.revocations import MalformedRevocations
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flightsql.tickets import Signer

FOLDER = "keys/tokens"
RING = f"{FOLDER}/ring"
REVOKED = f"{FOLDER}/revoked"

_END_S = 5.0
_LOOK_AGAIN_S = 1.0
"""At most once in so long: anybody can send a handle whose key nobody knows."""
_LOOK_TIMEOUT_S = 1.0
_OTHERS_LOOK_S = 0.5
"""How long a call waits for the look of another one; while the registry is away, many come."""
_REST_MAX_S = 3600.0

_log = structlog.get_logger(__name__)

Told = Callable[[str, int], None]
"""Told what keeps the node from following (empty = nothing does), and the revision that holds."""


class FollowedKeys:
    """Keeps a node's keys true to the registry. `start` once, then `close`."""

    def __init__(
        self,
        registry: Registry,
        ring: Ring,
        tokens: Tokens,
        signer: Signer,
        clocks: Clocks,
    ) -> None:
        """Follow nothing yet.

        Args:
            ring: what the node was started with.
            tokens: they and the signer are given every key that is to hold.
        """
        self._registry = registry
        self._ring = ring
        self._tokens = tokens
        self._signer = signer
        self._clocks = clocks
        self._told: Told = lambda _problem, _revision: None
        # Guards what is applied.
        self._lock = threading.Lock()
        # Held while one call looks again; guards `_looked_s`.
        self._looking = threading.Lock()
        self._looked_s = float("-inf")
        self._news: queue.SimpleQueue[Mapping[str, Document] | None] = queue.SimpleQueue()
        self._first = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="flightkeeper-keys", daemon=True)

    def start(self, told: Told, timeout_s: float) -> bool:
        """Begin; whether what the registry says holds already. False: it did not answer yet."""
        self._told = told
        self._tokens.look_again = self._signer.look_again = self.look_again
        self._thread.start()
        self._watch = self._registry.watch_documents(FOLDER, self._news.put)
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        if self._watch is not None:
            self._watch.close()
        self._news.put(None)
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def look_again(self) -> None:
        """Read the ring now, if that was not done lately.

        For calls whose key is unknown: they may be ahead of what this node was told. Whoever comes
        while another one reads waits for what that finds.
        """
        if not self._looking.acquire(timeout=_OTHERS_LOOK_S):
            return
        try:
            self._look()
        finally:
            self._looking.release()

    def _look(self) -> None:
        now_s = self._clocks.monotonic_s()
        if now_s - self._looked_s < _LOOK_AGAIN_S:
            return
        self._looked_s = now_s
        try:
            found = self._registry.read_document(RING, _LOOK_TIMEOUT_S)
        except RegistryError as exc:
            _log.warning("an unknown key could not be looked up", problem=str(exc))
            return
        if found is not None:
            self._follow_ring(found)

    def _run(self) -> None:
        while True:
            try:
                news = self._news.get(timeout=self._rest_s())
            except queue.Empty:
                self._hold()  # a key is over
                continue
            if news is None:
                return
            self._follow(news)
            self._first.set()

    def _rest_s(self) -> float:
        until_s = key_ring.decide(self._ring, self._clocks.wall_s()).until_s
        left_s = _REST_MAX_S if until_s is None else until_s - self._clocks.wall_s()
        return min(max(left_s, 0.01), _REST_MAX_S)

    def _follow(self, documents: Mapping[str, Document]) -> None:
        try:
            problems = [
                self._follow_ring(documents.get(RING)),
                self._follow_revoked(documents.get(REVOKED)),
            ]
        except Exception as exc:  # noqa: BLE001 - the next change is followed, whatever this one is
            _log.error("defect", exc_info=exc)
            problems = ["following the keys met a defect; the log has the details"]
        problem = "; ".join(filter(None, problems))
        if problem:
            _log.warning("the cluster's keys cannot be followed", problem=problem)
        self._told(problem, self._ring.revision)

    def _follow_ring(self, found: Document | None) -> str:
        """Let a ring hold; what is wrong with it."""
        try:
            # Taken away by hand: what held goes on, as if it could not be read.
            ring = self._ring if found is None else key_ring.decode(found.data)
        except MalformedRing as exc:
            return f"{exc}: the keys before it stay in force"
        with self._lock:
            if ring.revision < self._ring.revision:
                return f"the key ring went back to revision {ring.revision}: the newer one stays"
            changed = ring.revision > self._ring.revision
            self._ring = ring
        self._hold()
        if changed:
            _log.info("keys changed", revision=ring.revision, current=ring.current.keys.kid)
        missing = found is None and ring.revision > 0
        return "the key ring is gone: the last one stays in force" if missing else ""

    def _hold(self) -> None:
        """Let what the ring says now hold."""
        with self._lock:
            held = key_ring.decide(self._ring, self._clocks.wall_s())
            self._tokens.hold(held)
            self._signer.hold(*(key.ticket_key for key in held.verifying))

    def _follow_revoked(self, found: Document | None) -> str:
        if found is None:
            # Taken away by hand: that lets nobody in again.
            held = self._tokens.revoked.current(self._clocks.wall_s())
            gone = "the list of revoked logins is gone: the one before stays in force"
            return gone if held.users or held.logins else ""
        try:
            revoked = revocations.decode(found.data)
        except MalformedRevocations as exc:
            return f"{exc}: the one before stays in force"
        self._tokens.revoked = revoked
        return ""
