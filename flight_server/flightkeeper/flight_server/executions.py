"""Results between GetFlightInfo and the end of their DoGet.

A statement starts when it is planned, so that it is planned once and its errors show at once. Its
result then waits here, for a short time and in bounded number, for its ticket to be redeemed. A
read that waited too long is dropped and run again when its ticket does come: the ticket says how.
The answer of a write cannot be had again by running it, so it is kept longer, whole, and may be
fetched as often as the client likes.
Time is an argument (seconds of a monotonic clock).
"""

import enum
import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.flight_server.engine.result import Result

_READS_MAX = 256
_READ_WAITS_S = 10.0
_WRITES_MAX = 4096
_WRITES_BYTES_MAX = 256 * 1024 * 1024
WRITE_WAITS_S = 300.0


class Cancelling(enum.IntEnum):
    """What cancelling found, from the least to the most."""

    NOTHING = enum.auto()
    FINISHED = enum.auto()
    """It has had its effect; its answer is still kept."""
    STOPPED = enum.auto()


@dataclass(frozen=True, slots=True)
class _Waiting:
    result: Result
    since_s: float
    under: object


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write answered, whole."""

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(batch.num_rows for batch in self.batches)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return sum(batch.nbytes for batch in self.batches)

    def result(self) -> Result:
        """The answer, to be delivered once more."""
        return Result(self.schema, iter(self.batches), rows=self.rows)


@dataclass(slots=True)
class _Kept:
    answer: Answer
    since_s: float
    under: object


class Executions:
    """Results by execution id. Thread-safe."""

    def __init__(self) -> None:
        # Tickets outlive the process and travel between nodes, so their names must not meet.
        self._prefix = secrets.token_hex(8)
        self._serial = itertools.count()
        # Guards the tables; results are stopped and closed outside it.
        self._lock = threading.Lock()
        self._reads: OrderedDict[str, _Waiting] = OrderedDict()
        self._writes: OrderedDict[str, _Kept] = OrderedDict()
        self._writes_bytes = 0
        # More than one where a ticket is fetched again meanwhile.
        self._fetched: dict[str, list[Callable[[], object]]] = {}

    def new_id(self) -> str:
        """A name for an execution, never used before on any node."""
        return f"{self._prefix}-{next(self._serial):x}"

    def keep_read(
        self, execution_id: str, result: Result, now_s: float, under: object = None
    ) -> None:
        """Keep a result until its ticket is redeemed; the oldest of too many gives way.

        Args:
            under: what its caller may do; whoever takes it has to be allowed the same.
        """
        with self._lock:
            self._reads[execution_id] = _Waiting(result, now_s, under)
            full = len(self._reads) > _READS_MAX
            dropped = self._reads.popitem(last=False)[1].result if full else None
        if dropped is not None:
            dropped.close()

    def keep_write(
        self, execution_id: str, answer: Answer, now_s: float, under: object = None
    ) -> None:
        """Keep what a write answered; the oldest of too many, or of too much, give way."""
        with self._lock:
            self._writes[execution_id] = _Kept(answer, now_s, under)
            self._writes_bytes += answer.nbytes
            while len(self._writes) > 1 and (
                len(self._writes) > _WRITES_MAX or self._writes_bytes > _WRITES_BYTES_MAX
            ):
                self._forget(next(iter(self._writes)))

    def take(self, execution_id: str, under: object = None) -> Result | None:
        """The result, if it is here; whoever takes it owns it. That of a write stays, too.

        Args:
            under: what the caller may do now. A result from before that changed is not given.
        """
        with self._lock:
            kept = self._writes.get(execution_id)
            if kept is not None:
                return kept.answer.result() if kept.under == under else None
            waiting = self._reads.pop(execution_id, None)
        if waiting is not None and waiting.under != under:
            waiting.result.close()
            return None
        return None if waiting is None else waiting.result

    def renew(self, execution_id: str, now_s: float) -> bool:
        """Keep the answer of a write for its full time again; whether it is still here."""
        with self._lock:
            kept = self._writes.get(execution_id)
            if kept is not None:
                kept.since_s = now_s
                self._writes.move_to_end(execution_id)
        return kept is not None

    def fetching(self, execution_id: str, stop: Callable[[], object]) -> None:
        """A result is fetched, or made again to be; `cancel` runs `stop` until `fetched`."""
        with self._lock:
            self._fetched.setdefault(execution_id, []).append(stop)

    def fetched(self, execution_id: str, stop: Callable[[], object]) -> None:
        """The delivery ended. Idempotent."""
        with self._lock:
            others = [other for other in self._fetched.pop(execution_id, ()) if other != stop]
            if others:
                self._fetched[execution_id] = others

    def cancel(self, execution_id: str) -> Cancelling:
        """Stop a waiting or running execution. The answer of a change stays."""
        with self._lock:
            waiting = self._reads.pop(execution_id, None)
            running = list(self._fetched.get(execution_id, ()))
            kept = execution_id in self._writes
        if waiting is not None:
            waiting.result.close()
        for stop in running:
            stop()
        if kept:
            return Cancelling.FINISHED
        return Cancelling.STOPPED if waiting is not None or running else Cancelling.NOTHING

    def expire(self, now_s: float) -> None:
        """Drop what waited too long."""
        with self._lock:
            old = [k for k, w in self._reads.items() if w.since_s < now_s - _READ_WAITS_S]
            dropped = [self._reads.pop(key).result for key in old]
            past = [k for k, w in self._writes.items() if w.since_s < now_s - WRITE_WAITS_S]
            for key in past:
                self._forget(key)
        for result in dropped:
            result.close()

    def close(self) -> None:
        """Drop what waits and stop what runs. Idempotent."""
        with self._lock:
            reads = list(self._reads.values())
            self._reads.clear()
            self._writes.clear()
            self._writes_bytes = 0
            running = [stop for stops in self._fetched.values() for stop in stops]
        for waiting in reads:
            waiting.result.close()
        for stop in running:
            stop()

    def _forget(self, execution_id: str) -> None:
        """Drop the answer of a write. Hold the lock when calling this."""
        self._writes_bytes -= self._writes.pop(execution_id).answer.nbytes
