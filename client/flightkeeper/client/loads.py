"""Loads: how busy each node is, as far as this client can tell.

Theory. What a client sent to a node itself it knows exactly. What others sent it knows from what
the node reports on its answers, and such a report is soon old: a client of many is told by one
node in many seconds. So what others run there is kept apart, and fades into the average of all
nodes: an old report of much work neither condemns a node for good nor, forgotten at once, makes
it look idle. A node that never reported is taken to be average.

Owns the counts by node id. Thread-safe; a look-up takes no lock and asks for no time.
"""

import threading
from collections.abc import Callable, Collection
from math import exp
from typing import NamedTuple

FADING_S = 10.0
"""After which a report has come closer to the average by two thirds."""
SHOWN_S = 30.0
"""How long a report is shown to people."""


class _Report(NamedTuple):
    """What a node said: its load, how much of that was not ours, and when."""

    load: int
    others: int
    at_s: float


class Loads:
    """Counts by node id."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        # Guards changes of what follows; a single look-up needs no lock.
        self._lock = threading.Lock()
        self._in_flight: dict[str, int] = {}
        self._reports: dict[str, _Report] = {}
        # What others are taken to run, by node, and on a node of which nothing is known.
        self._others: dict[str, float] = {}
        self._average = 0.0

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
            others = max(0, load - self._in_flight.get(node_id, 0))
            self._reports[node_id] = _Report(load, others, self._clock_s())
            self._others[node_id] = others

    def fade(self, node_ids: Collection[str]) -> None:
        """Let reports grow old, and forget nodes other than these."""
        now_s = self._clock_s()
        with self._lock:
            self._reports = {n: r for n, r in self._reports.items() if n in node_ids}
            reports = self._reports.values()
            average = sum(r.others for r in reports) / len(reports) if reports else 0.0
            self._average = average
            self._others = {
                node_id: average + (report.others - average) * exp((report.at_s - now_s) / FADING_S)
                for node_id, report in self._reports.items()
            }

    def of(self, node_id: str) -> float:
        """Own statements in flight, plus what others are taken to run there."""
        return self._in_flight.get(node_id, 0) + self._others.get(node_id, self._average)

    def oldest(self, node_ids: Collection[str]) -> str:
        """Which of these nodes has not reported for the longest time."""
        never = _Report(0, 0, float("-inf"))
        return min(node_ids, key=lambda node_id: self._reports.get(node_id, never).at_s)

    def in_flight(self, node_id: str) -> int:
        """Own statements in flight."""
        return self._in_flight.get(node_id, 0)

    def reported(self, node_id: str) -> int | None:
        """What the node reported lately, or None."""
        report = self._reports.get(node_id)
        if report is None or self._clock_s() - report.at_s > SHOWN_S:
            return None
        return report.load
