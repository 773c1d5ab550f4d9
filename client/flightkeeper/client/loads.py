"""Loads: how busy each node is, as far as this client can tell.

Owns two counts per node: statements this client has in flight there, and what the node last
reported on an answer. Reports are forgotten after a few seconds, for a node that is avoided for
an old report would never be asked for a new one. Thread-safe.
Spec: two choices on own plus reported load; alone, the own count lets many clients pile up.
"""

import threading
from collections.abc import Callable

REPORT_TRUSTED_S = 3.0


class Loads:
    """Counts by node id."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        # Guards changes of the two below; a single look-up needs no lock.
        self._lock = threading.Lock()
        self._in_flight: dict[str, int] = {}
        self._reported: dict[str, tuple[int, float]] = {}

    def entered(self, node_id: str) -> None:
        """A call was started."""
        with self._lock:
            self._in_flight[node_id] = self._in_flight.get(node_id, 0) + 1

    def left(self, node_id: str) -> None:
        """A call has ended."""
        with self._lock:
            left = self._in_flight[node_id] - 1
            if left:
                self._in_flight[node_id] = left
            else:
                del self._in_flight[node_id]

    def report(self, node_id: str, load: int) -> None:
        """The node said how many statements it runs, for all clients."""
        with self._lock:
            self._reported[node_id] = (load, self._clock_s())

    def expire(self) -> None:
        """Forget old reports."""
        oldest_s = self._clock_s() - REPORT_TRUSTED_S
        with self._lock:
            for node_id in [n for n, (_, at_s) in self._reported.items() if at_s < oldest_s]:
                del self._reported[node_id]

    def of(self, node_id: str) -> int:
        """Own statements in flight plus what was reported."""
        report = self._reported.get(node_id)
        return self._in_flight.get(node_id, 0) + (report[0] if report else 0)

    def in_flight(self, node_id: str) -> int:
        """Own statements in flight."""
        return self._in_flight.get(node_id, 0)

    def reported(self, node_id: str) -> int | None:
        """What the node reported lately, or None."""
        report = self._reported.get(node_id)
        return report[0] if report else None
