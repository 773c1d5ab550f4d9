"""A result whose rows the engine still produces.

Owns what was read ahead or set aside, and that the reader sees all rows or an error: never an end
that came too early. Which statement runs when is decided by the connection it belongs to.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import pyarrow as pa

from flightkeeper.flight_server.engine.batches import Gathering
from flightkeeper.flight_server.engine.failures import ENGINE_ERRORS, translate_late
from flightkeeper.flight_server.engine.result import Batches
from flightkeeper.flight_server.engine.work import Work
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, NodeError

_PARKED_BYTES_MAX = 256 * 1024 * 1024
_GATHERED_WITHIN_S = 0.1
"""What a slow statement has produced by then is delivered, however little it is."""


class OpenResult:
    """A result whose rows the engine still produces. All reading holds the connection's lock."""

    def __init__(
        self,
        reader: pa.RecordBatchReader,
        texts: tuple[str, str],
        rows: int,
        batch_bytes: int,
        work: Work,
        lock: threading.RLock,
        finish: Callable[["OpenResult"], None],
    ) -> None:
        """Take over what DuckDB answered.

        Args:
            reader: DuckDB's own.
            texts: the statement and the client's own text of it, for its errors.
            rows: how many rows a full batch of the reader has.
            lock: the connection's.
            finish: to call, with the lock held, when the engine has nothing left to do.
        """
        self.work = work
        self.finished = False
        self.rows_known: int | None = None
        self._lock = lock
        self._finish = finish
        self._reader = reader
        self._texts = texts
        self._rows = rows
        self._gathering = Gathering(batch_bytes)
        self._ready: deque[pa.RecordBatch] = deque()
        self._failure: NodeError | None = None

    def read_first(self) -> None:
        """Read a batch ahead: errors show early, and a small result frees its connection."""
        if self._read() < self._rows and not self.finished:
            self._read()
        if self.finished:
            self.rows_known = sum(batch.num_rows for batch in self._ready)

    def batches(self) -> Batches:
        """What is ready, then what the engine still has."""
        # No name holds a batch while the next one is made, so that its memory is used again.
        with suppress(_End):
            while True:
                yield self._take()

    def park(self, check: Callable[[], None]) -> None:
        """Read the rest into memory. Hold the connection's lock when calling this.

        Args:
            check: raises Cancelled if who waits for this was stopped; the rest is lost then.
        """
        before = self._gathering.taken_bytes
        # Whose engine it is meanwhile: stopping that thread ends what it waits for.
        self.work.enter()
        while not self.finished:
            self._read_translated()
            try:
                check()
            except Cancelled:
                if not self.finished or self._failure is not None:
                    self._lose("another statement waited for it, and was stopped")
                raise
            if self._gathering.taken_bytes - before > _PARKED_BYTES_MAX:
                self._lose("another statement ran, and the rest was too big to keep")

    def _lose(self, why: str) -> None:
        """Forget the rest, because of another statement of its transaction or session."""
        self._ready.clear()
        self._failure = EngineFailed(
            "the rest of this result was dropped: in its transaction or session "
            f"{why}; read results to their end first"
        )
        self.finished = True
        with suppress(*ENGINE_ERRORS):
            self._reader.close()

    def drop(self) -> None:
        """Forget the rest; who still reads gets an error, never an end that came too early.

        Hold the connection's lock when calling this, unless the result is finished.
        """
        if self._ready or not self.finished:
            self._failure = Cancelled("the result was dropped before it was read to its end")
        self._ready.clear()
        if not self.finished:
            self.finished = True
            with suppress(*ENGINE_ERRORS):
                self._reader.close()

    def _take(self) -> pa.RecordBatch:
        # What is finished needs no engine, so its reader never waits for the connection.
        if not self.finished:
            with self._lock:
                self.work.enter()
                while not self._ready and not self.finished:
                    self._read_translated()
                self.work.leave()
                if self.finished:
                    self._finish(self)
        with suppress(IndexError):
            return self._ready.popleft()
        if self._failure is not None:
            raise self._failure
        raise _End

    def _read_translated(self) -> None:
        try:
            self._read()
        except ENGINE_ERRORS as exc:
            self._ready.extend(self._gathering.rest())
            self._failure = translate_late(exc, *self._texts, interrupted=self.work.interrupted)
            self.finished = True

    def _read(self) -> int:
        """Make at least one more batch ready, if any is left; rows of the engine's last one."""
        began_s = time.monotonic()
        rows = 0
        ready: list[pa.RecordBatch] = []
        while not ready and not self.finished:
            try:
                batch = self._reader.read_next_batch()
            except StopIteration:
                self.finished = True
                rows, ready = 0, self._gathering.rest()
            else:
                rows = batch.num_rows
                # The engine's batches are full until its last ones, which come without a wait.
                slow = rows >= self._rows and time.monotonic() - began_s > _GATHERED_WITHIN_S
                ready = self._gathering.add(batch, hurry=slow)
        self._ready.extend(ready)
        return rows


class _End(Exception):
    """The result has no more batches."""
