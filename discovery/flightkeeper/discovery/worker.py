"""The one thread of an open registry: runs what is posted, and what is due, one after another.

Owns the thread and its inbox. What it runs therefore needs no lock among itself. Knows nothing
of registries.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class Worker:
    """A named thread that runs posted calls in order and a tick between them."""

    def __init__(self, name: str, tick: Callable[[], float]) -> None:
        """Make the worker; `start` starts it.

        Args:
            name: of the thread.
            tick: does what is due and returns how many seconds may pass until it is called
                again; it is also called after every posted call.
        """
        self._tick = tick
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """Whether the caller runs on this thread."""
        return threading.current_thread() is self._thread

    def post(self, call: Callable[[], None]) -> None:
        """Run a call on the thread, soon. Never blocks; without effect once stopped."""
        self._inbox.put(call)

    def run(self, call: Callable[[], _T], timeout_s: float) -> _T:
        """Run a call on the thread and wait for what it returns or raises.

        Raises:
            TimeoutError: it did not finish in time; it may still run.
        """
        if self.is_current:
            return call()
        if not self._thread.is_alive():
            raise TimeoutError("the registry is closed")
        outcome: Future[_T] = Future()
        self.post(lambda: _settle(outcome, call))
        return outcome.result(timeout_s)

    def stop(self, timeout_s: float) -> bool:
        """End the thread after what was posted so far; whether it ended in time. Idempotent.

        The thread ends: it only blocks on its inbox, where the post below wakes it, and in
        calls, each of which has a deadline of its own.
        """
        self.post(self._end)
        if not self.is_current:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _end(self) -> None:
        self._stopping = True

    def _run(self) -> None:
        while not self._stopping:
            self._guarded(self._wait_and_run)

    def _wait_and_run(self) -> None:
        wait_s = self._tick()
        try:
            call = self._inbox.get(timeout=max(wait_s, 0.001))
        except queue.Empty:
            return
        call()
        while not self._stopping and not self._inbox.empty():
            self._inbox.get_nowait()()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:  # noqa: BLE001 - a defect in one duty must not end the others
            _log.exception("the registry's thread met a defect and goes on")
            threading.Event().wait(0.1)


def _settle(outcome: Future[_T], call: Callable[[], _T]) -> None:
    try:
        outcome.set_result(call())
    except Exception as exc:  # noqa: BLE001 - handed to the caller, who waits for it
        outcome.set_exception(exc)
