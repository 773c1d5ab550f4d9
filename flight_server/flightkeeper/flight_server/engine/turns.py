"""Whose turn it is on a connection: one thread at a time, others wait.

Owns the promise that a statement which is stopped while it waits never begins: its caller was told
that it had no effect, and may have sent it again.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flightkeeper.flight_server.errors import Cancelled

_ASK_AGAIN_S = 0.05
"""How often a waiting thread looks whether it was stopped."""
_STOPPED = (
    "the statement was stopped while it waited for another one of its session; nothing was run"
)


class Turns:
    """A re-entrant lock; who waits for it can be stopped. `with turns:` is a turn."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # Guards `_waiting`, for a moment only.
        self._guard = threading.Lock()
        self._waiting: dict[int, bool] = {}

    def __enter__(self) -> None:
        """Wait for the turn.

        Raises:
            Cancelled: the thread was stopped before.
        """
        if self.lock.acquire(blocking=False):
            return
        with self.stoppable() as check:
            while not self.lock.acquire(timeout=_ASK_AGAIN_S):
                check()
            try:
                check()
            except Cancelled:
                self.lock.release()
                raise

    def __exit__(self, *_exc: object) -> None:
        """End the turn."""
        self.lock.release()

    @contextmanager
    def stoppable(self) -> Iterator[Callable[[], None]]:
        """While it lasts, this thread waits for work that is not its own. May be nested.

        Returns: raises Cancelled if the thread was stopped since the outermost one began.
        """
        thread = threading.get_ident()
        with self._guard:
            outermost = thread not in self._waiting
            self._waiting.setdefault(thread, False)
        try:
            yield self._check
        finally:
            if outermost:
                with self._guard:
                    del self._waiting[thread]

    def stop(self, thread: int | None) -> None:
        """Let a thread that waits give up; None = all of them."""
        with self._guard:
            for waiting in self._waiting:
                if thread in (None, waiting):
                    self._waiting[waiting] = True

    def _check(self) -> None:
        with self._guard:
            stopped = self._waiting.get(threading.get_ident(), False)
        if stopped:
            raise Cancelled(_STOPPED)


class Turn:
    """A turn that begins with the same thing each time. `with turn:`, as often as one likes."""

    def __init__(self, turns: Turns, first: Callable[[], None]) -> None:
        self._turns = turns
        self._first = first

    def __enter__(self) -> None:
        """Wait for the turn, and do what comes first.

        Raises:
            Cancelled: the thread was stopped before.
        """
        self._turns.__enter__()
        try:
            self._first()
        except BaseException:
            self._turns.__exit__()
            raise

    def __exit__(self, *_exc: object) -> None:
        """End the turn."""
        self._turns.__exit__()
