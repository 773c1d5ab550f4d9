"""A statement in progress: how long it may run, how it is ended from afar, what is told of it."""

import threading
from collections.abc import Callable, Iterable
from enum import StrEnum

import pyarrow as pa

from flightkeeper.flight_server.auth.middleware import CallMiddleware
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.result import Batches, Result
from flightkeeper.flight_server.errors import Cancelled, NodeError, TimedOut


class Phase(StrEnum):
    """How far a statement is."""

    RUNNING = "running"
    WAITING = "waiting"
    """Its result waits to be fetched."""
    DELIVERING = "delivering"


class Running:
    """A statement from its beginning until it holds nothing any more.

    A part of it runs within `with`, where what it is stopped by is told as that. Counters are
    written by the thread that works for it, and read by any.

    Attributes:
        statement_id: unique in the cluster.
        caller: tells the call that began it from all others.
        client_id: what its client calls it; empty if it does not say.
        session_id: what the caller's session is kept under.
        owner: whose it is, told from a later account of the same name.
        text: as its client wrote it, cut; not masked.
        began_s: Unix time in seconds.
        rows: delivered so far.
        nbytes: of these, in memory.
        complete: it has done all it was to do.
        error: class of the error it ended with; empty for none.
        result: what of it waits to be fetched, or is.
    """

    __slots__ = (
        "_clocks",
        "_ended",
        "_ends_s",
        "_killed_by",
        "_lock",
        "_over",
        "_since_s",
        "_timeout_ms",
        "began_s",
        "caller",
        "client_id",
        "complete",
        "dialect",
        "error",
        "nbytes",
        "owner",
        "phase",
        "principal",
        "result",
        "rows",
        "session_id",
        "statement_id",
        "text",
    )

    def __init__(
        self, statement_id: str, call: Call, text: str, clocks: Clocks, timeout_ms: int
    ) -> None:
        """Begin now.

        Args:
            timeout_ms: how long it may run; 0 = for ever.
        """
        middleware = call.middleware
        self.statement_id = statement_id
        self.caller: CallMiddleware = middleware
        self.client_id = middleware.statement_id
        self.session_id = call.session_key
        self.principal = call.identity.principal
        self.owner = call.owner
        self.dialect = "" if middleware.options is None else middleware.options.dialect
        self.text = text
        self.began_s = clocks.wall_s()
        self.rows = 0
        self.nbytes = 0
        self.complete = False
        self.error = ""
        self.phase = Phase.RUNNING
        self.result: Result | None = None
        self._clocks = clocks
        self._since_s = clocks.monotonic_s()
        self._timeout_ms = timeout_ms
        self._ends_s = self._since_s + timeout_ms / 1000 if timeout_ms else float("inf")
        self._killed_by = ""
        self._over = False
        # Guards that whoever kills it and its end see each other.
        self._lock = threading.Lock()
        self._ended: list[Callable[[], None]] = []

    @property
    def elapsed_s(self) -> float:
        """How long it has been running."""
        return self._clocks.monotonic_s() - self._since_s

    @property
    def killed(self) -> bool:
        """Whether somebody wanted its end."""
        return bool(self._killed_by)

    def over(self) -> bool:
        """Whether it has to end: its time is over, or it was killed."""
        return self.killed or self._clocks.monotonic_s() >= self._ends_s

    def __enter__(self) -> None:
        """A part of it runs until `__exit__`."""

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        """Say what a part was stopped by.

        Raises:
            Cancelled: it was killed.
            TimedOut: by its time limit.
        """
        if not isinstance(exc, Exception):
            return
        self.error = type(exc).__name__ if isinstance(exc, NodeError) else "Internal"
        if not isinstance(exc, Cancelled):
            return
        if self.killed:
            raise Cancelled(
                f"the statement was killed by {self._killed_by}; what it had not committed has "
                "no effect"
            ) from exc
        if self.over():
            self.error = TimedOut.__name__
            raise TimedOut(
                f"the statement was stopped at its time limit of {self._timeout_ms} ms "
                "(statement_timeout); what it had not committed has no effect"
            ) from exc

    def delivered(self, rows: int, nbytes: int) -> None:
        """So much more of its answer is on its way."""
        self.rows += rows
        self.nbytes += nbytes

    def wait_for_fetch(self, result: Result) -> None:
        """Its result, which holds what it holds, waits until somebody reads it."""
        self.phase = Phase.WAITING
        self.result = result

    def delivering(self, batches: Iterable[pa.RecordBatch]) -> Batches:
        """The batches, counted."""
        with self:
            self.phase = Phase.DELIVERING
            for batch in batches:
                self.delivered(batch.num_rows, batch.nbytes)
                yield batch
            self.complete = True

    def cancel(self) -> None:
        """End it as if its caller had gone away; from any thread."""
        self.caller.cancelled = True
        # While nobody works for it nobody asks for its caller.
        if (result := self.result) is not None:
            result.stop()

    def kill(self, by: str, within_s: float) -> bool:
        """End it, and wait so long until it has ended; whether it has.

        Args:
            by: whose wish it is.
        """
        done = threading.Event()
        with self._lock:
            if self._over:
                return True
            self._killed_by = self._killed_by or by
            self._ended.append(done.set)
        # While nobody works for it nobody looks at `over`.
        if (result := self.result) is not None:
            result.stop()
        return done.wait(within_s)

    def ended(self) -> None:
        """It holds nothing any more."""
        self.result = None
        with self._lock:
            self._over = True
            waiting, self._ended = self._ended, []
        for done in waiting:
            done()
