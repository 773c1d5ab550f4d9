"""Threads that tell nodes to stop statements, so that none waits for another node's answer.

Each node has a line of its own, and few threads are ever busy with one of them: a node that does
not answer delays what it is told itself, not what the others are.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flightkeeper.client.failures import CallFailed

STOP_TIMEOUT_S = 1.0
"""For telling a node; who tells passes it on to the call."""
THREADS_MAX = 32
AT_ONCE_MAX = 2
"""Threads busy with one node."""

T = TypeVar("T")


@dataclass(slots=True)
class _Line:
    """What one node is yet to be told; guarded by the lock of `Stoppers`."""

    waiting: deque[tuple[Future[Any], Callable[[], Any]]] = field(default_factory=deque)
    telling: int = 0


class Stoppers:
    """Tells nodes. Thread-safe; `close` ends its threads."""

    def __init__(self) -> None:
        # Guards the lines and `_closed`; nobody is told under it.
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._closed = False
        self._threads = ThreadPoolExecutor(THREADS_MAX, "flightkeeper-gateway-stop")

    def soon(self, node_id: str, tell: Callable[[], T]) -> Future[T]:
        """Have a node told when its turn has come, unless it is cancelled first, as by `close`.

        Args:
            tell: ends within `STOP_TIMEOUT_S`; raises CallFailed.
        """
        told: Future[T] = Future()
        with self._lock:
            if self._closed:
                _give_up(told)
                return told
            line = self._lines.setdefault(node_id, _Line())
            line.waiting.append((told, tell))
            if line.telling < AT_ONCE_MAX:
                line.telling += 1
                self._threads.submit(self._tell, node_id)
        return told

    def close(self) -> None:
        """Tell no more, and wait for those who are being told. Idempotent, bounded."""
        with self._lock:
            self._closed = True
            for line in self._lines.values():
                for told, _ in line.waiting:
                    _give_up(told)
                line.waiting.clear()
        self._threads.shutdown(wait=True)

    def _tell(self, node_id: str) -> None:
        while (turn := self._next(node_id)) is not None:
            told, tell = turn
            if not told.set_running_or_notify_cancel():
                continue
            try:
                told.set_result(tell())
            except CallFailed as exc:
                told.set_exception(exc)

    def _next(self, node_id: str) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            line = self._lines[node_id]
            if line.waiting:
                return line.waiting.popleft()
            line.telling -= 1
            if not line.telling:
                del self._lines[node_id]
            return None


def _give_up(told: Future[Any]) -> None:
    told.cancel()
    # Only this ends a `wait` for it.
    told.set_running_or_notify_cancel()
