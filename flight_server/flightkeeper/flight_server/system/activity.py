"""The statements of a node: those that run, and a bounded memory of those that ended.

Owns the one place where a statement's beginning and end are taken down, which costs each of them a
few microseconds; texts are masked only when somebody looks (`sql/masking`).
"""

import itertools
import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.system.ring import Ring
from flightkeeper.flight_server.system.running import Running

LOG_ENTRIES_MAX = 10_000
LOG_BYTES_MAX = 8 * 1024 * 1024
TEXT_CHARACTERS_MAX = 2048
"""How much of a statement's text is kept. All of them are masked within a node's time to answer."""
_ENTRY_BYTES = 512
"""What an entry takes besides its text."""
KILLED_WITHIN_S = 2.0


class Outcome(StrEnum):
    """How a statement ended."""

    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """By its caller, who went away, or by the node's end."""
    KILLED = "killed"
    DROPPED = "dropped"
    """Its result was not read to its end."""


class Ended(NamedTuple):
    """A statement that ended.

    Attributes:
        text: as its client wrote it, cut; not masked yet.
        began_s: Unix time in seconds.
        error: class of the error it ended with; empty for none.
    """

    statement_id: str
    client_id: str
    session_id: str
    principal: str
    owner: str
    text: str
    dialect: str
    began_s: float
    duration_s: float
    outcome: Outcome
    error: str
    rows: int
    nbytes: int


class Killing(StrEnum):
    """What became of what somebody wanted to end; of several, the last one is told."""

    UNKNOWN = "unknown"
    FINISHED = "finished"
    """It had ended already."""
    STOPPED = "stopped"
    STOPPING = "stopping"
    """It was told to stop, and has not done so yet."""


class Activity:
    """The statements of a node. Thread-safe."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        # Unique in the cluster and over restarts.
        self._prefix = secrets.token_hex(5)
        self._serial = itertools.count(1)
        # Single steps of a dict need no lock.
        self._running: dict[str, Running] = {}
        self._log: Ring[Ended] = Ring(LOG_ENTRIES_MAX, LOG_BYTES_MAX, _size)

    def begin(
        self, call: Call, statements: Sequence[Statement], timeout_ms: int, about: str = ""
    ) -> Running:
        """A statement of a caller begins; `end` is due.

        Args:
            timeout_ms: how long it may run; 0 = for ever.
            about: what it is if it has no text of SQL.
        """
        running = Running(
            f"{self._prefix}-{next(self._serial):x}",
            call,
            about or _text(statements),
            self._clocks,
            timeout_ms,
        )
        self._running[running.statement_id] = running
        return running

    def end(self, running: Running) -> None:
        """It has ended, and holds nothing any more. Once."""
        del self._running[running.statement_id]
        if running.text:
            self._log.add(
                Ended(
                    running.statement_id,
                    running.client_id,
                    running.session_id,
                    running.principal,
                    running.owner,
                    running.text,
                    running.dialect,
                    running.began_s,
                    running.elapsed_s,
                    _outcome(running),
                    running.error,
                    running.rows,
                    running.nbytes,
                )
            )
        running.ended()

    def running(self) -> tuple[Running, ...]:
        """What runs now, the oldest first."""
        return tuple(self._running.copy().values())

    def log(self) -> tuple[Ended, ...]:
        """What ended, as far as it is remembered, the oldest first."""
        return self._log.entries()

    def find(self, statement_id: str) -> Running | Ended | None:
        """A statement that runs, or is remembered."""
        running = self._running.get(statement_id)
        if running is not None:
            return running
        return next((e for e in reversed(self.log()) if e.statement_id == statement_id), None)

    def cancel(self, client_id: str, owner: str) -> None:
        """End a caller's own statement as if the caller had gone away.

        Args:
            client_id: what its client calls it.
            owner: the caller, told from a later account of the same name.
        """
        for running in self.running():
            if client_id and running.client_id == client_id and running.owner == owner:
                running.cancel()

    def kill(
        self, statements: Sequence[Running], by: str, within_s: float = KILLED_WITHIN_S
    ) -> Killing:
        """End statements, and wait until they hold nothing any more, together no longer than this.

        Args:
            by: whose wish it is; their callers are told.
        """
        deadline_s = self._clocks.monotonic_s() + within_s
        for statement in statements:
            statement.kill(by, 0)
        left_s = (max(0.0, deadline_s - self._clocks.monotonic_s()) for _ in statements)
        ended = [statement.kill(by, next(left_s)) for statement in statements]
        return Killing.STOPPED if all(ended) else Killing.STOPPING


def _outcome(running: Running) -> Outcome:
    if running.complete:
        return Outcome.FINISHED
    if running.killed:
        return Outcome.KILLED
    if running.error == "Cancelled":
        return Outcome.CANCELLED
    return Outcome.FAILED if running.error else Outcome.DROPPED


def _text(statements: Sequence[Statement]) -> str:
    if len(statements) == 1:
        return statements[0].source[:TEXT_CHARACTERS_MAX]
    # DuckDB 2.0 keeps the semicolons.
    parts = (statement.source.rstrip("; \n") for statement in statements)
    return "; ".join(parts)[:TEXT_CHARACTERS_MAX]


def _size(entry: Ended) -> int:
    # A character of Python's takes up to four bytes.
    return _ENTRY_BYTES + 4 * len(entry.text)
