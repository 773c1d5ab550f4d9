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

_READS_MAX = 256
_READ_WAITS_S = 10.0
_WRITES_MAX = 4096
_WRITE_WAITS_S = 300.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    result: Result
    since_s: float


class Executions:
    """Results by execution id. Thread-safe."""

    def __init__(self) -> None:
        # Tickets outlive the process and travel between nodes, so their names must not meet.
        self._prefix = secrets.token_hex(8)
        self._serial = itertools.count()
        # Guards the tables; results are stopped and closed outside it.
        self._lock = threading.Lock()
        self._reads: OrderedDict[str, _Waiting] = OrderedDict()
        self._writes: OrderedDict[str, _Waiting] = OrderedDict()
        self._fetched: dict[str, Result] = {}

    def new_id(self) -> str:
        """A name for an execution, never used before on any node."""
        return f"{self._prefix}-{next(self._serial):x}"

    def keep(self, execution_id: str, result: Result, now_s: float, *, repeatable: bool) -> None:
        """Keep a result until its ticket is redeemed; the oldest of too many gives way."""
        waiting, most = (self._reads, _READS_MAX) if repeatable else (self._writes, _WRITES_MAX)
        with self._lock:
            waiting[execution_id] = _Waiting(result, now_s)
            dropped = waiting.popitem(last=False)[1].result if len(waiting) > most else None
        if dropped is not None:
            dropped.close()

    def take(self, execution_id: str) -> Result | None:
        """The waiting result, if it still waits; whoever takes it owns it."""
        with self._lock:
            return self._pop(execution_id)

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
            waiting = self._pop(execution_id)
            running = self._fetched.get(execution_id)
        if waiting is not None:
            waiting.close()
        if running is not None:
            running.stop()
        return waiting is not None or running is not None

    def expire(self, now_s: float) -> None:
        """Drop what waited too long."""
        with self._lock:
            dropped = [
                *_expired(self._reads, now_s - _READ_WAITS_S),
                *_expired(self._writes, now_s - _WRITE_WAITS_S),
            ]
        for result in dropped:
            result.close()

    def close(self) -> None:
        """Drop what waits and stop what runs. Idempotent."""
        with self._lock:
            kept = [*self._reads.values(), *self._writes.values()]
            self._reads.clear()
            self._writes.clear()
            running = list(self._fetched.values())
        for waiting in kept:
            waiting.result.close()
        for result in running:
            result.stop()

    def _pop(self, execution_id: str) -> Result | None:
        """Hold the lock when calling this."""
        waiting = self._reads.pop(execution_id, None) or self._writes.pop(execution_id, None)
        return None if waiting is None else waiting.result


def _expired(waiting: OrderedDict[str, _Waiting], before_s: float) -> list[Result]:
    """Take out what waits for longer."""
    old = [key for key, entry in waiting.items() if entry.since_s < before_s]
    return [waiting.pop(key).result for key in old]
