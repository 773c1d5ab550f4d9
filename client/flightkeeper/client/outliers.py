"""Outliers: nodes that lose a larger share of their calls than the others do.

Errors in a row find a node that fails always; one that loses every third call is found here, from
counts over a window. A loss that all nodes share is not theirs, so a node is compared with the
rest, and few nodes are ejected for it at a time.

`Window` holds the counts and is thread-safe; `found` decides, and is pure.
Spec: Envoy's and gRPC's (A50) outlier detection; the share that counts as failing after Finagle's
failure accrual (a success rate of 80 %).
"""

import threading
from collections.abc import Collection, Mapping
from typing import NamedTuple

WINDOW_S = 10.0
CALLS_MIN = 50
"""Calls to one node in one window, without which its share says nothing."""
LOST_MAX = 0.2
"""Share of its calls that a node may lose."""
TIMES_THE_REST = 2.0
"""How much more than the rest together it has to lose, to be the one at fault."""
EJECTED_SHARE_MAX = 0.1
"""Share of the nodes that may be out for it at a time; one may always be."""


class Count(NamedTuple):
    """Calls to one node, and how many of them it lost."""

    calls: int = 0
    lost: int = 0


class Window:
    """Counts by node id and incarnation, since they were last taken."""

    def __init__(self) -> None:
        # Guards the counts.
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], Count] = {}

    def note(self, node_id: str, incarnation: str, *, lost: bool) -> None:
        """A call has ended."""
        key = node_id, incarnation
        with self._lock:
            calls, before = self._counts.get(key, (0, 0))
            self._counts[key] = Count(calls + 1, before + lost)

    def take(self) -> Mapping[tuple[str, str], Count]:
        """The counts so far; they start again from nothing."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken


def found(
    counts: Mapping[tuple[str, str], Count], already: Collection[str], nodes: int
) -> tuple[tuple[str, str], ...]:
    """Which nodes to eject, the worst first.

    Args:
        counts: by node id and incarnation, of one window.
        already: ids of nodes that are out for this reason.
        nodes: how many nodes the service has.
    """
    calls = sum(count.calls for count in counts.values())
    lost = sum(count.lost for count in counts.values())
    suspects = [
        key
        for key, count in counts.items()
        if key[0] not in already and _fails(count, Count(calls - count.calls, lost - count.lost))
    ]
    suspects.sort(key=lambda key: (-counts[key].lost / counts[key].calls, key))
    allowed = max(1, int(nodes * EJECTED_SHARE_MAX)) - len(already)
    return tuple(suspects[: max(0, allowed)])


def _fails(count: Count, rest: Count) -> bool:
    if count.calls < CALLS_MIN or not rest.calls:
        return False
    share = count.lost / count.calls
    return share >= LOST_MAX and share > TIMES_THE_REST * rest.lost / rest.calls
