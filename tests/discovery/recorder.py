"""A listener that remembers, and waits with a deadline."""

import threading
import time
from collections.abc import Callable

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Event, Listed, Unreachable


class Recorder:
    """Every event in order, with the moment it was heard."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self.heard: list[tuple[float, Event]] = []

    def __call__(self, event: Event) -> None:
        with self._condition:
            self.heard.append((time.monotonic(), event))
            self._condition.notify_all()

    @property
    def listed(self) -> tuple[Instance, ...] | None:
        """The last complete list; None before the first."""
        lists = [event.instances for _, event in self.heard if isinstance(event, Listed)]
        return lists[-1] if lists else None

    @property
    def incarnations(self) -> list[str]:
        """Of the last list."""
        return [instance.incarnation for instance in self.listed or ()]

    @property
    def unreachable(self) -> bool:
        """Whether the last event is a loss."""
        return bool(self.heard) and isinstance(self.heard[-1][1], Unreachable)

    def wait(self, holds: Callable[["Recorder"], bool], timeout_s: float = 10.0) -> float:
        """Wait until something holds; how many seconds that took."""
        start = time.monotonic()
        with self._condition:
            assert self._condition.wait_for(lambda: holds(self), timeout_s), (
                f"not within {timeout_s} s; last heard: {self.heard[-3:]}"
            )
        return time.monotonic() - start

    def wait_for_incarnations(self, *expected: str, timeout_s: float = 10.0) -> float:
        """Wait until exactly these incarnations are listed; how many seconds that took."""
        wanted = sorted(expected)
        return self.wait(
            lambda me: me.listed is not None and sorted(me.incarnations) == wanted, timeout_s
        )

    def ever_listed_twice(self) -> bool:
        """Whether any list held one node id twice."""
        lists = [event.instances for _, event in self.heard if isinstance(event, Listed)]
        return any(len({i.node_id for i in one}) != len(one) for one in lists)


def eventually(holds: Callable[[], bool], timeout_s: float) -> float:
    """Wait until a call returns something true; how many seconds that took."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < timeout_s, f"not within {timeout_s} s"
        time.sleep(0.01)
    return time.monotonic() - start
