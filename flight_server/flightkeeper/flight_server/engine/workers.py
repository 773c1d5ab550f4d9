"""The engine's own threads: not before a statement has computed for a while.

Theory. DuckDB cuts a statement into tasks, which any of its threads may take, and whoever asked
looks for the next one in a loop that keeps a processor busy. A small change of a lake consists of
questions to the lake's catalog: a thread of the engine waits for the answer, and who asked turns
in the loop meanwhile, which takes more of the processor than all the rest. Where the engine has no
threads of its own, who asked does the tasks himself, and waits asleep. So a node that is asked
small things only has none. Once a statement computes for longer they come, and take the tasks of it
that nobody took yet.

They never leave again. DuckDB waits for a thread that is to leave until its task is done, and keeps
a lock meanwhile that this task may be waiting for.

Owns the setting `external_threads`, by which DuckDB is told how many of its threads are callers'.
"""

import sys
import threading

import duckdb
import structlog

from flightkeeper.flight_server.engine.work import Work

SETTINGS = frozenset({"external_threads", "lock_configuration", "threads", "worker_threads"})
"""Who sets one of them meets the engine with all its threads."""
COMPUTES_S = 0.1
"""So much of a processor has a statement used that is worth more threads."""
_LOOK_AGAIN_S = 0.01
"""A statement that has nearly used so much is not looked at more often."""
_IDLE_LOOKS = 10
"""Without work at so many, nobody looks until there is some."""

_log = structlog.get_logger(__name__)


def kept_away(root: duckdb.DuckDBPyConnection) -> "Workers | None":
    """What lets the threads of an engine come; None where they have to be there from the start."""
    if sys.platform != "linux":
        return None  # no other system tells how much of a processor another thread has used
    try:
        return Workers(root.cursor())
    except duckdb.Error:
        return None  # the start file has locked the settings


class Workers:
    """Lets them come. Thread-safe; `close` ends its thread."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Keep them away; there are none yet, or none that does anything.

        Args:
            cursor: one of its own.

        Raises:
            duckdb.Error: the engine refuses, as where its settings are locked; they are there.
        """
        ((threads,),) = cursor.execute("SELECT current_setting('threads')").fetchall()
        cursor.execute(f"SET external_threads = {int(threads)}").fetchall()
        self._cursor = cursor
        # Guards the works; notified when one begins, and when it is closed.
        self._changed = threading.Condition()
        self._works: set[Work] = set()
        self._over = self._idle = False
        # Who has it lets them come.
        self._coming = threading.Lock()
        self._there = False
        name = "flightkeeper-workers"
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    def begin(self, work: Work) -> None:
        """A statement begins."""
        if not self._there:
            with self._changed:
                self._works.add(work)
                if self._idle:
                    self._changed.notify_all()

    def end(self, work: Work) -> None:
        """A statement has ended. Idempotent."""
        if not self._there:
            with self._changed:
                self._works.discard(work)

    def come(self) -> None:
        """They are there from now on.

        Raises:
            duckdb.Error: the engine refuses.
        """
        with self._coming:
            if not self._there:
                self._cursor.execute("SET external_threads = 1").fetchall()
                self._there = True
        with self._changed:
            self._works.clear()
            self._changed.notify_all()

    def close(self) -> None:
        """Let none come any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()
        self._cursor.close()

    def _watch(self) -> None:
        used_s, idle, wait_s = -1.0, 0, COMPUTES_S
        while used_s < COMPUTES_S:
            with self._changed:
                if idle > _IDLE_LOOKS:
                    self._idle = True
                    self._changed.wait_for(lambda: self._over or self._there or self._works)
                    self._idle = False
                else:
                    self._changed.wait_for(lambda: self._over or self._there, wait_s)
                if self._over or self._there:
                    return
                works = list(self._works)
            idle = 0 if works else idle + 1
            used_s = max((work.used_s() for work in works), default=-1.0)
            # Nothing uses more than the time that passes.
            wait_s = max(COMPUTES_S - max(used_s, 0.0), _LOOK_AGAIN_S)
        try:
            self.come()
        except duckdb.Error as exc:
            _log.warning("the engine stays without threads of its own", reason=str(exc))
