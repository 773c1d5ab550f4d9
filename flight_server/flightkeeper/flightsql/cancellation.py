"""Stops the engine when a caller went away: nobody else looks.

gRPC knows at once that a client cancelled, disconnected or ran out of time, but tells a Python
handler only when asked. One thread, `flightkeeper-cancel`, asks for all calls that run.
"""

import threading
from collections.abc import Callable

_POLL_S = 0.05
"""A cancelled statement must stop within 250 ms; interrupting takes a few."""


class CancelWatcher:
    """Watches running calls. Thread-safe; `close` ends its thread."""

    def __init__(self) -> None:
        # Guards `_calls`, and keeps a call's context alive while it is asked: `forget` waits.
        self._lock = threading.Lock()
        self._calls: dict[int, tuple[Callable[[], bool], Callable[[], object]]] = {}
        self._next = 0
        self._busy = threading.Event()
        self._stopping = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flightkeeper-cancel", daemon=True)
        self._thread.start()

    def watch(self, is_cancelled: Callable[[], bool], stop: Callable[[], object]) -> int:
        """Call `stop` from the watcher's thread while `is_cancelled` is true, until `forget`.

        More than once, because the call may be between two statements, or wait for its turn, when
        it is stopped for the first time.

        Args:
            is_cancelled: asked every 50 ms until `forget`; must be quick.
            stop: must be harmless when there is nothing to stop, or no more.

        Returns: what to give to `forget`, which is due before the call's context dies.
        """
        with self._lock:
            self._next += 1
            self._calls[self._next] = (is_cancelled, stop)
            key = self._next
        if not self._busy.is_set():
            self._busy.set()
        return key

    def forget(self, key: int) -> None:
        """Ask no more; when this returns, `is_cancelled` is not running. Idempotent."""
        with self._lock:
            self._calls.pop(key, None)

    def stop_all(self) -> None:
        """From now on treat every call as cancelled. Idempotent."""
        self._stopping.set()
        self._busy.set()

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._closed.set()
        self._busy.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        # Sleeping on `_busy` only after an idle tick keeps a busy node from waking this thread
        # for every call.
        while not self._closed.is_set():
            self._busy.wait()
            self._closed.wait(_POLL_S)
            for stop in self._cancelled():
                stop()

    def _cancelled(self) -> list[Callable[[], object]]:
        with self._lock:
            if not self._calls and not self._closed.is_set():
                self._busy.clear()
            everything = self._stopping.is_set()
            return [
                stop for is_cancelled, stop in self._calls.values() if everything or is_cancelled()
            ]
