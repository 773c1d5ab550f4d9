"""The engine's own threads: there while a statement computes, and else not.

Theory. DuckDB cuts a statement into tasks, which any of its threads may take, and whoever asked
looks for the next one in a loop that keeps a processor busy. A small change of a lake consists of
questions to the lake's catalog: a thread of the engine waits for the answer, and who asked turns
in the loop meanwhile, which takes more of the processor than all the rest. Where the engine has no
threads of its own, who asked does the tasks himself, and waits asleep. So there are none until a
statement has used the processor for some time: the tasks that nobody took yet are there for those
who come then. They leave when they have little to do.

They leave only while nothing runs, and what is about to begin waits for a moment. DuckDB waits for
a thread that is to leave until its task is done; and a task of a lake's that has asked the catalog
something waits for whoever lets threads leave.

Owns the setting `external_threads`, by which DuckDB is told how many of its threads are callers'.
"""

import threading
import time
from collections.abc import Iterable, Iterator
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
BUSY = 0.25
"""This fraction of a processor they use, all together, while they are worth it."""
WINDOW_S = 0.25
"""How long that is looked at."""
LINGER_S = 1.0
"""So long they stay when they are not."""
PATIENCE_S = 0.05
"""So long at most is what runs waited for, and does what begins wait, so that they can leave."""
PAUSE_MAX_S = 30.0
"""Between two such waits that were in vain."""
TICK_S = 0.005
_IDLE_TICKS = 200
"""Without work for so many, nobody looks until there is some."""
_TASKS = Path("/proc/self/task")
"""Where the system tells of the threads of this process."""


def is_worth_more(work: Work) -> bool:
    """Whether a statement has used so much of a processor that more threads are worth it."""
    least_s = READS_S if work.reads else CHANGES_S
    age_s = time.monotonic() - work.began_s
    # What is younger cannot have used more, and is not looked at.
    return age_s >= least_s and used_s(work, age_s) >= least_s


def used_s(work: Work, age_s: float) -> float:
    """How much of a processor a statement's thread has used for it, in seconds."""
    total_s = _computed_s(work.native_thread)
    # Where the thread has ended, or the system does not tell, it is taken for busy.
    return age_s if total_s is None else total_s - work.thread_s


def _computed_s(thread: int) -> float | None:
    """How long a thread has computed since it began; None if the system does not tell."""
    try:
        return int((_TASKS / str(thread) / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return None


def _threads() -> frozenset[int]:
    try:
        return frozenset(int(task.name) for task in _TASKS.iterdir())
    except OSError:
        return frozenset()


class Usage:
    """How much of a processor threads use, window by window. For one thread."""

    def __init__(self, threads: Iterable[int], now_s: float) -> None:
        """`threads` as the system knows them."""
        self._threads = tuple(threads)
        self._began_s, self._total_s = now_s, self._sum_s()

    def is_low(self, now_s: float) -> bool | None:
        """Whether they used little in the window that has ended; None = it has not ended yet."""
        took_s = now_s - self._began_s
        if took_s < WINDOW_S:
            return None
        total_s = self._sum_s()
        used, self._began_s, self._total_s = total_s - self._total_s, now_s, total_s
        return used < BUSY * took_s

    def _sum_s(self) -> float:
        return sum(_computed_s(thread) or 0.0 for thread in self._threads)


class Workers:
    """Lets them come and go. Thread-safe; `close` ends its thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """`cursor` is one of its own."""
        self._cursor = cursor
        # Guards the works and whether threads are leaving; notified when that changes.
        self._changed = threading.Condition()
        self._works: set[Work] = set()
        self._leaving = False
        self._has_work = threading.Event()
        # Who has it changes how many threads there are.
        self._order = threading.RLock()
        self._there: Usage | None = Usage((), time.monotonic())
        self._stays_until_s = float("-inf")
        self._pause_s = LINGER_S
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="flightkeeper-workers", daemon=True
        )
        self._leave()
        self._thread.start()

    def begin(self, work: Work) -> None:
        """A statement begins; it waits a moment if threads are leaving."""
        with self._changed:
            while self._leaving:
                self._changed.wait()
            self._works.add(work)
        if not self._has_work.is_set():
            self._has_work.set()

    def end(self, work: Work) -> None:
        """A statement has ended. Idempotent."""
        with self._changed:
            self._works.discard(work)
            if self._leaving:
                self._changed.notify_all()

    def look(self) -> None:
        """Let them come or go, if it is time.

        Raises:
            duckdb.Error: the engine refuses.
        """
        with self._order:
            now_s = time.monotonic()
            if self._there is None:
                with self._changed:
                    works = list(self._works)
                if any(map(is_worth_more, works)):
                    self._come()
            elif self._there.is_low(now_s) is False:
                self._stays_until_s = now_s + LINGER_S
            elif now_s >= self._stays_until_s:
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
                with self._changed:
                    if self._works:
                        self._has_work.set()
                self._has_work.wait()
                idle = 0

    def _come(self) -> None:
        if self._there is None:
            before = _threads()
            self._cursor.execute("SET external_threads = 1").fetchall()
            self._there = Usage(_threads() - before, time.monotonic())
            self._stays_until_s, self._pause_s = time.monotonic() + LINGER_S, LINGER_S

    def _leave(self) -> None:
        """Let them leave, unless something runs for longer than is waited for."""
        with self._alone() as alone:
            if alone:
                asked = "SELECT current_setting('threads')"
                ((threads,),) = self._cursor.execute(asked).fetchall()
                self._cursor.execute(f"SET external_threads = {int(threads)}").fetchall()
                self._there = None
                return
        self._stays_until_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Nothing begins while this lasts; its value says whether nothing runs either."""
        with self._changed:
            self._leaving = True
            alone = self._changed.wait_for(lambda: not self._works, PATIENCE_S)
        try:
            yield alone
        finally:
            with self._changed:
                self._leaving = False
                self._changed.notify_all()
