"""Delivery: hands a running result to the caller, batch by batch, and counts what was handed out.

Owns the stream and the lease of one result until its end, its failure, or until the caller closes
or drops it. The beginning of a result is held back until enough of it has arrived: a result that
fits is whole before the caller sees any of it, so losing its node costs nothing; a buffered one
always is, and what of it has no room in memory waits in a file. From the first batch handed out on
nothing is repeated: a break is an error that says how much was delivered. A result that ends
without an error is complete, because the node says so at its end.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

import pyarrow as pa

from flightkeeper.client.attempts import Attempt
from flightkeeper.client.errors import ConnectionClosed, FlightkeeperError
from flightkeeper.client.explain import Circumstances, error_for
from flightkeeper.client.failover import Progress, Step, decide
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.spool import Spool
from flightkeeper.client.transport import Stream
from flightkeeper.discovery.records import Instance

HELD_BACK_BYTES = 4 * 1024 * 1024
"""About two batches of a node: little time for a big result, all of a small one."""


class Parts(Protocol):
    """The endpoints of one result, in order."""

    def open_next(self) -> Stream | None:
        """The stream of the next endpoint, or None after the last.

        Raises:
            CallFailed: it could not be opened.
        """

    def close(self) -> None:
        """Give back what reading needed. Idempotent."""


class Delivery(Iterator[pa.RecordBatch]):
    """The batches of one result whose beginning is at hand. `cancel` is thread-safe."""

    def __init__(self, attempt: Attempt, parts: Parts, spool: Spool | None = None) -> None:
        """Open the result and read its beginning.

        Args:
            spool: read all of it, into this.

        Raises:
            CallFailed: nothing was delivered.
        """
        self._attempt = attempt
        self._parts = parts
        self._on_failure: Callable[[Failure], None] = lambda _failure: None
        self._rows = 0
        self._cancelled = threading.Event()
        self._why = ""
        self._closed = False
        self._process_id = os.getpid()
        opened = parts.open_next()
        if opened is None:
            raise CallFailed(Failure(Kind.INTERNAL, "the node answered a result without endpoints"))
        self._stream: Stream | None = opened
        self.schema = opened.schema
        self._held_back: deque[pa.RecordBatch] | Spool
        if spool is None:
            self._held_back = self._read_beginning()
        else:
            self._held_back = self._read_whole(spool)

    @property
    def node(self) -> Instance:
        """The node that answers."""
        return self._attempt.lease.instance

    @property
    def statement_id(self) -> str:
        """Under which nodes log the statement."""
        return self._attempt.statement.statement_id

    def at_hand(self) -> tuple[pa.RecordBatch, ...]:
        """What arrived and was not handed out yet, as far as it is in memory."""
        if isinstance(self._held_back, Spool):
            return self._held_back.peek()
        return tuple(islice(self._held_back, len(self._held_back)))

    def hand_out(self, on_failure: Callable[[Failure], None]) -> None:
        """The result is in the caller's hands now; failures are reported here, and raised."""
        self._on_failure = on_failure

    def __next__(self) -> pa.RecordBatch:
        if self._closed:
            raise ConnectionClosed("the result was closed; what was read of it is not all of it")
        if self._belongs_to_parent:
            raise ConnectionClosed(
                "the result was made before this process was forked, and is read in its parent"
                " only; nothing was read: connect and query again in this process"
            )
        batch = self._held_back.popleft() if self._held_back else self._next()
        if batch is None:
            self._finish()
            raise StopIteration
        self._rows += batch.num_rows
        self._attempt.statement.control.counts(batch.num_rows, pa.ipc.get_record_batch_size(batch))
        return batch

    def cancel(self, why: str = "it was cancelled by its caller") -> None:
        """Stop the result; whoever reads it gets `StatementCancelled`. Idempotent."""
        self._why = self._why or why
        if self._belongs_to_parent:
            return
        self._cancelled.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def close(self) -> None:
        """Let go of the result, and stop what still runs of it. By its reader only. Idempotent."""
        self._closed = True
        if self._belongs_to_parent:
            return
        stream = self._stream
        if stream is not None:
            stream.cancel()
        self._held_back = deque()
        self._finish()

    def __del__(self) -> None:
        # A caller may drop a result half read; the node must not go on computing it.
        stream = getattr(self, "_stream", None)
        if stream is None:
            return
        if self._belongs_to_parent:
            _keep_for_ever(stream)
            return
        self.cancel()
        # Finalizers run anywhere, also where this very thread holds the pool's lock.
        self._attempt.lease.soon(self._finish)

    @property
    def _belongs_to_parent(self) -> bool:
        """Whether another process reads on: from the same connection, or from the same file."""
        shared = self._stream is not None or isinstance(self._held_back, Spool)
        return shared and os.getpid() != self._process_id

    def _next(self) -> pa.RecordBatch | None:
        try:
            return self._read()
        except CallFailed as exc:
            failure = exc.failure
            if self._cancelled.is_set():
                failure = Failure(Kind.CANCELLED, self._why)
            self._on_failure(failure)
            self._attempt.lease.broken = failure.kind is Kind.BROKEN
            self._finish()
            raise self._error(failure) from exc

    def _read_beginning(self) -> deque[pa.RecordBatch]:
        beginning: deque[pa.RecordBatch] = deque()
        size = 0
        while size < HELD_BACK_BYTES:
            batch = self._read()
            if batch is None:
                # All of it is here: whoever drops it unread holds nothing of the node.
                self._finish()
                break
            beginning.append(batch)
            # Not `nbytes`, which ends the process where a union has no rows.
            size += pa.ipc.get_record_batch_size(batch)
        return beginning

    def _read_whole(self, spool: Spool) -> Spool:
        while (batch := self._read()) is not None:
            spool.append(batch)
        self._finish()
        return spool

    def _read(self) -> pa.RecordBatch | None:
        while self._stream is not None:
            batch = self._stream.read()
            if batch is not None:
                return batch
            self._stream = self._parts.open_next()
            if self._stream is not None and self._stream.schema != self.schema:
                message = "the node changed the result's schema between its endpoints"
                raise CallFailed(Failure(Kind.INTERNAL, message))
        return None

    def _finish(self) -> None:
        self._stream = None
        self._parts.close()
        self._attempt.lease.release()

    def _error(self, failure: Failure) -> FlightkeeperError:
        decision = decide(failure, Progress(ran=True, delivered=True), self._attempt.kind)
        assert not isinstance(decision, Step)
        at = Circumstances(
            statement_id=self.statement_id,
            node=self.node.node_id,
            message=failure.message,
            attempts=max(1, self._attempt.statement.control.attempts),
            rows_delivered=self._rows,
        )
        return error_for(decision, at)


def _keep_for_ever(stream: Stream) -> None:
    """Let a stream of the parent of this process not be freed, not even when the process ends.

    Freed, that of pyarrow tells the node to stop, over the connection that the parent reads from.
    """
    import ctypes  # noqa: PLC0415  forked children only

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(stream))
