"""Results on their way through: read from a node, written to a client, held nowhere.

The beginning of a result is held back until enough of it has arrived, so that losing its node up to
then costs nothing; from then on a break is an error, never a short result. Arrow moves the batches;
Python's lock is taken once for each, and a client that reads slowly slows the node down.
"""

from collections import deque
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.delivery import HELD_BACK_BYTES
from flightkeeper.client.errors import FlightkeeperError
from flightkeeper.client.explain import Circumstances, error_for
from flightkeeper.client.failover import Progress, Step, decide
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.gateway.channel import Download, NodeRefused
from flightkeeper.client.gateway.relay import Turn
from flightkeeper.discovery.records import Instance


class PassingResult:
    """A result whose beginning is here. `cancel` is thread-safe."""

    def __init__(self, turn: Turn, download: Download) -> None:
        """Read the beginning.

        Raises:
            NodeRefused: nothing was delivered.
        """
        self._turn = turn
        self._download = download
        self._rows = 0
        self.schema = download.schema
        self.headers = download.headers
        self._beginning: deque[pa.RecordBatch] = deque()
        self._complete = False
        self._cancelled = False
        size = 0
        while size < HELD_BACK_BYTES:
            batch = download.read()
            if batch is None:
                self._complete = True
                break
            self._beginning.append(batch)
            # Not `nbytes`, which ends the process where a union has no rows.
            size += pa.ipc.get_record_batch_size(batch)

    def stream(
        self,
        options: pa.ipc.IpcWriteOptions,
        failed: Callable[[NodeRefused], None],
        convert: Callable[[FlightkeeperError], Exception],
    ) -> flight.FlightDataStream:
        """What pyarrow sends to the client.

        Args:
            failed: told of what breaks it.
            convert: makes the exception that pyarrow answers.
        """
        if self._complete:
            whole = pa.Table.from_batches(list(self._beginning), self.schema)
            self.close()
            return flight.RecordBatchStream(whole, options)
        return flight.GeneratorStream(self.schema, self._passing(options, failed, convert), options)

    @property
    def node(self) -> Instance:
        """Where it comes from."""
        return self._turn.node

    def cancel(self) -> None:
        """Tell the node to stop."""
        self._cancelled = True
        self._download.cancel()

    def close(self) -> None:
        """Stop it, and give the connection back. Idempotent."""
        self._download.cancel()
        self._turn.attempt.lease.release()

    def _passing(
        self,
        options: pa.ipc.IpcWriteOptions,
        failed: Callable[[NodeRefused], None],
        convert: Callable[[FlightkeeperError], Exception],
    ) -> Iterator[flight.FlightDataStream]:
        """The batches, then the error they ended with, if any.

        One stream within the stream, because that writes each dictionary once; and its error apart,
        because only those of a generator keep their code.
        """
        failures: list[NodeRefused] = []
        batches = pa.RecordBatchReader.from_batches(self.schema, self.batches(failures))
        yield flight.RecordBatchStream(batches, options)
        for failure in failures:
            failed(failure)
            raise convert(self.error(failure)) from None

    def batches(self, failures: list[NodeRefused]) -> Iterator[pa.RecordBatch]:
        """The batches up to their error, which goes to `failures`."""
        while self._beginning:
            first = self._beginning.popleft()
            self._rows += first.num_rows
            yield first
        try:
            while (batch := self._download.read()) is not None:
                self._rows += batch.num_rows
                yield batch
        except NodeRefused as exc:
            failure = self._judged(exc.failure)
            self._turn.attempt.lease.broken = failure.kind is Kind.BROKEN
            failures.append(NodeRefused(failure, exc.original, exc.answered))

    def _judged(self, failure: Failure) -> Failure:
        """An end that we asked for says nothing of the node, whatever it looks like."""
        return Failure(Kind.CANCELLED, "the call was cancelled") if self._cancelled else failure

    def error(self, refused: NodeRefused) -> FlightkeeperError:
        """What is said of a result that broke."""
        attempt, failure = self._turn.attempt, refused.failure
        decision = decide(failure, Progress(ran=True, delivered=True), attempt.kind)
        assert not isinstance(decision, Step)
        at = Circumstances(
            statement_id=attempt.statement.statement_id,
            node=self._turn.node.node_id,
            message=failure.message,
            attempts=1,
            rows_delivered=self._rows,
        )
        error = error_for(decision, at)
        error.__cause__ = refused
        return error
