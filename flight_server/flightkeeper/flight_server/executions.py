"""Results between GetFlightInfo and the end of their DoGet.

A statement starts when it is planned, so that it is planned once and its errors show at once. Its
result then waits here, for a short time and in bounded number, for its ticket to be redeemed. A
read that waited too long is dropped and run again when its ticket does come: the ticket says how.
The answer of a write is kept longer, because it cannot be run again.
Time is an argument (seconds of a monotonic clock).
"""

import itertools
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from flightkeeper.flight_server.engine.result import Result

_WAITING_MAX = 256
_READ_WAITS_S = 10.0
_WRITE_WAITS_S = 300.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    result: Result
    since_s: float
    repeatable: bool


class Executions:
    """Results by execution id. Thread-safe."""

    def __init__(self) -> None:
        # Tickets outlive the process and travel between nodes, so their names must not meet.
        self._prefix = secrets.token_hex(8)
        self._serial = itertools.count()
        # Guards both tables; results are stopped and closed outside it.
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._fetched: dict[str, Result] = {}

    def new_id(self) -> str:
        """A name for an execution, never used before on any node."""
        return f"{self._prefix}-{next(self._serial):x}"

    def keep(self, execution_id: str, result: Result, now_s: float, *, repeatable: bool) -> None:
        """Keep a result until its ticket is redeemed."""
        with self._lock:
            self._waiting[execution_id] = _Waiting(result, now_s, repeatable)
            over = len(self._waiting) - _WAITING_MAX
            oldest = [key for key, w in self._waiting.items() if w.repeatable][: max(over, 0)]
            dropped = [self._waiting.pop(key).result for key in oldest]
        for old in dropped:
            old.close()

    def take(self, execution_id: str) -> Result | None:
        """The waiting result, if it still waits; whoever takes it owns it."""
        with self._lock:
            waiting = self._waiting.pop(execution_id, None)
        return None if waiting is None else waiting.result

    def fetching(self, execution_id: str, result: Result) -> None:
        """This result is being delivered; `cancel` can stop it until `fetched`."""
        with self._lock:
            self._fetched[execution_id] = result

    def fetched(self, execution_id: str) -> None:
        """The delivery ended. Idempotent."""
        with self._lock:
            self._fetched.pop(execution_id, None)

    def cancel(self, execution_id: str) -> bool:
        """Stop a waiting or running execution; whether there was one."""
        with self._lock:
            waiting = self._waiting.pop(execution_id, None)
            running = self._fetched.get(execution_id)
        if waiting is not None:
            waiting.result.close()
        if running is not None:
            running.stop()
        return waiting is not None or running is not None

    def expire(self, now_s: float) -> None:
        """Drop what waited too long."""
        with self._lock:
            old = [key for key, waiting in self._waiting.items() if _expired(waiting, now_s)]
            dropped = [self._waiting.pop(key).result for key in old]
        for result in dropped:
            result.close()

    def close(self) -> None:
        """Drop what waits and stop what runs. Idempotent."""
        with self._lock:
            dropped = [waiting.result for waiting in self._waiting.values()]
            self._waiting.clear()
            running = list(self._fetched.values())
        for result in dropped:
            result.close()
        for result in running:
            result.stop()


def _expired(waiting: _Waiting, now_s: float) -> bool:
    limit_s = _READ_WAITS_S if waiting.repeatable else _WRITE_WAITS_S
    return now_s - waiting.since_s > limit_s
