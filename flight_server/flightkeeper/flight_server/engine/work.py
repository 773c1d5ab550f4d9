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
    """

    __slots__ = ("_clock", "_used_s", "changes", "interrupted", "thread")

    def __init__(self, *, changes: bool = False) -> None:
        self.changes = changes
        self.interrupted = False
        self._used_s = 0.0
        self.enter()

    def enter(self) -> None:
        """This thread waits for the engine from now on."""
        self.thread: int | None = threading.get_ident()
        self._clock = threading.get_native_id(), time.thread_time() - self._used_s

    def leave(self) -> None:
        """It does so no more; another one may."""
        self._used_s = self.used_s()
        self.thread = None

    def used_s(self) -> float:
        """How much of a processor the threads that waited have used meanwhile, in seconds.

        Each is asked by the clock that Linux has of it, under a number made of its own.
        """
        native_thread, began_s = self._clock
        if self.thread is not None:
            with suppress(OSError):
                return time.clock_gettime((~native_thread << 3) | 6) - began_s
        return self._used_s


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

    def begin(self, *, changes: bool = False) -> Work:
        """Work for this thread, until `end`."""
        if changes:
            self._changes.begin()
        work = Work(changes=changes)
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
