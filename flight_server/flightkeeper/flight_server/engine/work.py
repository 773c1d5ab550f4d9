"""What a connection's engine works on, and how that is interrupted: nothing but what was meant."""

import threading
import time
from contextlib import suppress
from typing import Protocol

import duckdb

from flightkeeper.flight_server.engine.changes import Changes


class Work:
    """One statement, from its start until the engine has nothing left to do for it.

    Attributes:
        thread: the thread that waits for the engine; None between two batches.
        changes: it may change something, and has not ended.
        interrupted: somebody has ended it.
        reads: it is a query of a caller's.
        native_thread: the thread that it began in, as the system knows it.
        thread_s: how long that had computed when it began.
        began_s: when that was, on the monotonic clock.
    """

    __slots__ = (
        "began_s",
        "changes",
        "interrupted",
        "native_thread",
        "reads",
        "thread",
        "thread_s",
    )

    def __init__(self, *, changes: bool = False, reads: bool = False) -> None:
        self.thread: int | None = threading.get_ident()
        self.changes = changes
        self.interrupted = False
        self.reads = reads
        self.native_thread = threading.get_native_id()
        self.thread_s = time.thread_time()
        self.began_s = time.monotonic()


class Watching(Protocol):
    """Who is told what the engine works on, all connections together."""

    def begin(self, work: Work) -> None:
        """A statement begins."""

    def end(self, work: Work) -> None:
        """A statement has ended. Idempotent."""


class Engine:
    """What works for a connection: one piece of work at a time. Thread-safe."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        changes: Changes,
        watching: Watching | None = None,
    ) -> None:
        """`changes` counts those of all connections to the database."""
        self._watching = watching
        self._cursor = cursor
        self._changes = changes
        # Guards `_work`, for a moment only: an interrupt must not wait for the work it ends.
        self._lock = threading.Lock()
        self._work: Work | None = None

    @property
    def busy(self) -> bool:
        """Whether a statement runs or a result is open."""
        return self._work is not None

    def begin(self, *, changes: bool = False, reads: bool = False) -> Work:
        """Work for this thread, until `end`."""
        if changes:
            self._changes.begin()
        work = Work(changes=changes, reads=reads)
        with self._lock:
            self._work = work
        if self._watching is not None:
            self._watching.begin(work)
        return work

    def end(self, work: Work) -> None:
        """Nothing is left to do for it. Idempotent."""
        if self._watching is not None:
            self._watching.end(work)
        with self._lock:
            if self._work is work:
                self._work = None
            changed, work.changes = work.changes, False
        if changed:
            self._changes.end()

    def interrupt(self, work: Work) -> None:
        """End this piece of work, unless it has ended and the engine does something else."""
        with self._lock:
            if self._work is work:
                self._interrupt(work)

    def interrupt_thread(self, thread: int | None) -> None:
        """End what the engine does for this thread; None = for any."""
        with self._lock:
            if self._work is not None and thread in (None, self._work.thread):
                self._interrupt(self._work)

    def _interrupt(self, work: Work) -> None:
        work.interrupted = True
        # The database may have been closed under it, which ended the work as well.
        with suppress(duckdb.Error):
            self._cursor.interrupt()
