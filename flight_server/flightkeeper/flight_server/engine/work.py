"""What a connection's engine works on, and how that is interrupted: nothing but what was meant."""

import threading
from contextlib import suppress

import duckdb

from flightkeeper.flight_server.engine.changes import Changes


class Work:
    """One statement, from its start until the engine has nothing left to do for it.

    Attributes:
        thread: the thread that waits for the engine; None between two batches.
        changes: it may change something, and has not ended.
        interrupted: somebody has ended it.
    """

    __slots__ = ("changes", "interrupted", "thread")

    def __init__(self, *, changes: bool = False) -> None:
        self.thread: int | None = threading.get_ident()
        self.changes = changes
        self.interrupted = False


class Engine:
    """What works for a connection: one piece of work at a time. Thread-safe."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, changes: Changes) -> None:
        """`changes` counts those of all connections to the database."""
        self._cursor = cursor
        self._changes = changes
        # Guards `_work`, for a moment only: an interrupt must not wait for the work it ends.
        self._lock = threading.Lock()
        self._work: Work | None = None

    @property
    def busy(self) -> bool:
        """Whether a statement runs or a result is open."""
        return self._work is not None

    def begin(self, *, changes: bool = False) -> Work:
        """Work for this thread, until `end`."""
        if changes:
            self._changes.begin()
        work = Work(changes=changes)
        with self._lock:
            self._work = work
        return work

    def end(self, work: Work) -> None:
        """Nothing is left to do for it. Idempotent."""
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
