"""The engine's own threads: there while a statement computes, and else not.

Theory. DuckDB cuts a statement into tasks, which any of its threads may take, and whoever asked
looks for the next one in a loop that keeps a processor busy. A small change of a lake consists of
questions to the lake's catalog: a thread of the engine waits for the answer, and who asked turns
in the loop meanwhile, which takes more of the processor than all the rest. Where the engine has no
threads of its own, who asked does the tasks himself, and waits asleep. So there are none until a
statement has used the processor for some time: the tasks that nobody took yet are there for those
who come then.

They leave only while nothing runs, and nothing begins meanwhile. DuckDB waits for a thread that is
to leave until its task is done; and a task of a lake's that has asked the catalog something waits
for whoever lets threads leave.

Owns the setting `external_threads`, by which DuckDB is told how many of its threads are callers'.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from flightkeeper.flight_server.engine.work import Work

SETTINGS = frozenset({"threads", "worker_threads", "external_threads"})
"""Who sets one of them meets the engine with all its threads."""
READS_S = 0.02
CHANGES_S = 0.1
"""So much of a processor has a read used that is worth more threads, and so much anything else: a
small change has a commit behind it, which has little to do for others."""
LONG_S = 0.1
"""So long takes a statement that keeps those that there are."""
LINGER_S = 1.0
"""So long are they kept without one."""
TICK_S = 0.005
_IDLE_TICKS = 200
"""Without work for so many, nobody looks until there is some."""


def is_worth_more(age_s: float, used_s: float, *, reads: bool, there: bool) -> bool:
    """Whether a statement that has not ended is worth more threads.

    Args:
        used_s: how much of a processor its own thread has used for it.
        there: they are there, so that this thread may only turn in its loop.
    """
    if there:
        return age_s >= LONG_S
    return used_s >= (READS_S if reads else CHANGES_S)


def computed_s(work: Work, age_s: float) -> float:
    """How much of a processor a statement's thread has used for it, in seconds."""
    try:
        told = Path(f"/proc/self/task/{work.native_thread}/schedstat").read_text()
    except OSError:
        return age_s  # it has ended, or this system does not tell
    return int(told.split()[0]) / 1e9 - work.thread_s


class Workers:
    """Lets them come and go. Thread-safe; `close` ends its thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """`cursor` is one of its own."""
        self._cursor = cursor
        # Guards the works, and keeps others from beginning while threads leave: for a moment only.
        self._lock = threading.Lock()
        self._works: set[Work] = set()
        self._has_work = threading.Event()
        # Who has it changes how many threads there are.
        self._order = threading.RLock()
        self._there = True
        self._wanted_s = float("-inf")
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="flightkeeper-workers", daemon=True
        )
        self._leave()
        self._thread.start()

    def begin(self, work: Work) -> None:
        """A statement begins."""
        with self._lock:
            self._works.add(work)
        if not self._has_work.is_set():
            self._has_work.set()

    def end(self, work: Work) -> None:
        """A statement has ended. Idempotent."""
        with self._lock:
            self._works.discard(work)

    def look(self) -> None:
        """Let them come or go, if it is time.

        Raises:
            duckdb.Error: the engine refuses.
        """
        with self._lock:
            works = list(self._works)
        with self._order:
            if any(map(self._is_worth_more, works)):
                self._wanted_s = time.monotonic()
                self._come()
            elif self._there and time.monotonic() - self._wanted_s >= LINGER_S:
                self._leave()

    @contextmanager
    def staying(self) -> Iterator[None]:
        """They are there, and stay for as long as this lasts."""
        with self._order:
            self._come()
            yield

    def close(self) -> None:
        """Let nothing come and go any more."""
        self._closed.set()
        self._has_work.set()
        self._thread.join()
        self._cursor.close()

    def _watch(self) -> None:
        idle = 0
        while not self._closed.wait(TICK_S):
            # The database may be closed, or refuse; who asks it something is told so.
            with suppress(duckdb.Error):
                self.look()
            idle = 0 if self._works or self._there else idle + 1
            if idle >= _IDLE_TICKS:
                self._has_work.clear()
                with self._lock:
                    if self._works:
                        self._has_work.set()
                self._has_work.wait()
                idle = 0

    def _is_worth_more(self, work: Work) -> bool:
        age_s = time.monotonic() - work.began_s
        # What is younger cannot have used more, and is not looked at.
        used_s = computed_s(work, age_s) if age_s >= READS_S else 0.0
        return is_worth_more(age_s, used_s, reads=work.reads, there=self._there)

    def _come(self) -> None:
        if not self._there:
            self._cursor.execute("SET external_threads = 1").fetchall()
            self._there = True

    def _leave(self) -> None:
        with self._lock:
            if self._works:
                return
            asked = "SELECT current_setting('threads')"
            ((threads,),) = self._cursor.execute(asked).fetchall()
            self._cursor.execute(f"SET external_threads = {int(threads)}").fetchall()
            self._there = False
