"""A node follows the settings of its cluster: one thread, from what is told to what is applied.

Owns the thread `flightkeeper-settings` and what was told last. While the registry is away, or what
it says cannot be, what held before goes on.
"""

import queue
import threading
from collections.abc import Callable

import structlog

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.registry import Registry, Watch
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.live.changing import CLUSTER, node_document
from flightkeeper.flight_server.live.settings import Decision, decide

_END_S = 5.0

_log = structlog.get_logger(__name__)

Apply = Callable[[NodeSettings], None]
"""Makes settings hold. Raises NodeError if some cannot be; what held before does again then."""


class Following:
    """Keeps a node's settings true to the registry. `start` once, then `close`."""

    def __init__(
        self,
        registry: Registry,
        node_id: str,
        own: NodeSettings,
        apply: Apply,
        decided: Callable[[Decision], None],
    ) -> None:
        """Follow nothing yet.

        Args:
            own: what the node was started with.
            apply: called on the thread whenever other settings are to hold.
            decided: told of every decision on the thread, after it was applied.
        """
        self._registry = registry
        self._names = (CLUSTER, node_document(node_id))
        self._own = own
        self._holds = own
        self._apply = apply
        self._decided = decided
        self._told: dict[str, Document | None] = {}
        self._news: queue.SimpleQueue[tuple[str, Document | None] | None] = queue.SimpleQueue()
        self._first = threading.Event()
        self._watches: list[Watch] = []
        self._thread = threading.Thread(target=self._run, name="flightkeeper-settings", daemon=True)

    def start(self, timeout_s: float) -> bool:
        """Begin; whether what the registry says holds already. False: it did not answer yet."""
        self._thread.start()
        for name in self._names:
            self._watches.append(self._registry.watch_document(name, self._hears(name)))
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        for watch in self._watches:
            watch.close()
        self._watches.clear()
        self._news.put(None)
        if self._thread.is_alive():
            self._thread.join(_END_S)

    def _hears(self, name: str) -> Callable[[Document | None], None]:
        return lambda document: self._news.put((name, document))

    def _run(self) -> None:
        while (news := self._news.get()) is not None:
            name, document = news
            self._told[name] = document
            if len(self._told) == len(self._names):
                self._follow()
                self._first.set()

    def _follow(self) -> None:
        try:
            decision = decide(self._own, *(self._told[name] for name in self._names))
            if decision.settings is not None and decision.settings != self._holds:
                decision = self._applied(decision, decision.settings)
        except Exception as exc:  # noqa: BLE001 - the next change is followed, whatever this one is
            _log.error("defect", exc_info=exc)
            decision = Decision(None, 0, 0, "following them met a defect; the log has the details")
        if decision.problem:
            _log.warning("the cluster's settings cannot be followed", problem=decision.problem)
        self._decided(decision)

    def _applied(self, decision: Decision, settings: NodeSettings) -> Decision:
        try:
            self._apply(settings)
        except NodeError as exc:
            return Decision(None, decision.cluster, decision.node, str(exc).partition("\n")[0])
        changed = [n for n in type(settings).model_fields if _differs(n, settings, self._holds)]
        _log.info("settings changed", **{name: getattr(settings, name) for name in changed})
        self._holds = settings
        return decision


def _differs(name: str, one: NodeSettings, other: NodeSettings) -> bool:
    return bool(getattr(one, name) != getattr(other, name))
