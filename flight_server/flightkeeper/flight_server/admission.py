"""How many statements a node runs at once, and how many it runs now.

A statement takes a slot when it is planned and holds it until its result is delivered or dropped.
Endpoints are never refused: a client may open them all and read them in order, so refusing a
later one would leave an earlier one waiting for ever.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from flightkeeper.flight_server.errors import Unavailable
from flightkeeper.flightsql.headers import Reason

_RETRY_AFTER_MS = 200
_URGENT_MAX = 8


class Slot:
    """One running statement's place. `release` is idempotent and thread-safe."""

    def __init__(self, admission: "Admission") -> None:
        # A list, because taking its last item is atomic: of two releases one counts.
        self._held = [admission]

    def release(self) -> None:
        """Give the place back."""
        if self._held:
            with suppress(IndexError):
                self._held.pop().leave()


class Admission:
    """Counts running statements against a limit. Thread-safe."""

    def __init__(self, statements_max: int) -> None:
        self._statements_max = statements_max
        # Guards what follows.
        self._lock = threading.Lock()
        self._running = 0
        self._waiting = 0
        self._drained = False
        self._closed = False
        self._ended = False

    @property
    def running(self) -> int:
        """Statements in flight now, those that wait aside too."""
        return self._running + self._waiting

    @property
    def statements_max(self) -> int:
        """How many may be."""
        return self._statements_max

    def enter(self, *, continues: bool = False, urgent: bool = False) -> Slot:
        """Take a place.

        Args:
            urgent: to find out why the node is full or does not end, or to do something about it;
                a few of those are let in besides, as long as anything may finish.
            continues: part of work that was admitted before, such as a transaction; such work is
                let in also when the node is full or leaving, as long as anything may finish.

        Raises:
            Unavailable: the node is full or leaving; nothing was run.
        """
        with self._lock:
            if self._ended or not (continues or (urgent and self._has_reserve)):
                self._check()
            self._running += 1
        return Slot(self)

    @contextmanager
    def aside(self) -> Iterator[Callable[[], None]]:
        """While it lasts, a running statement waits for others, and holds no place.

        Returns: raises Unavailable once the node is leaving.

        Raises:
            Unavailable: as many wait already as may run.
        """
        with self._lock:
            if self._waiting >= self._statements_max:
                raise Unavailable(
                    f"{self._waiting} statements wait on this node, which is its limit; nothing "
                    "was run, try later",
                    reason=Reason.OVERLOADED,
                    retry_after_ms=_RETRY_AFTER_MS,
                )
            self._waiting += 1
            self._running -= 1
        try:
            yield self._check_stays
        finally:
            with self._lock:
                self._waiting -= 1
                self._running += 1

    def limit(self, statements_max: int) -> None:
        """Let so many run from now on; what runs goes on."""
        self._statements_max = statements_max

    def leave(self) -> None:
        """A place came free; called by `Slot.release`."""
        with self._lock:
            self._running -= 1

    @property
    def ended(self) -> bool:
        """What is interrupted now is interrupted by the node's own end."""
        return self._ended

    def drain(self, *, drained: bool) -> None:
        """Let nobody new in, or everybody again; what runs goes on. Idempotent."""
        with self._lock:
            self._drained = drained

    def close(self) -> None:
        """Let nobody new in any more. Idempotent."""
        with self._lock:
            self._closed = True

    def end(self) -> None:
        """What still runs is about to be interrupted. Idempotent."""
        self.close()
        self._ended = True

    @property
    def _has_reserve(self) -> bool:
        return self._running < self._statements_max + _URGENT_MAX

    def _check_stays(self) -> None:
        if self._closed or self._drained:
            what = "leaving" if self._closed else "drained"
            raise Unavailable(
                f"this node is {what}; nothing was run, use another node", reason=Reason.DRAINING
            )

    def _check(self) -> None:
        self._check_stays()
        if self._running >= self._statements_max:
            raise Unavailable(
                f"this node runs {self._running} statements, which is its limit; "
                "nothing was run, try another node or later",
                reason=Reason.OVERLOADED,
                retry_after_ms=_RETRY_AFTER_MS,
            )
