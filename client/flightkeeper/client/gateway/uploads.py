"""Uploads on their way through: read from a client, written to a node, in bounded memory.

A client that goes away half way looks like one that is done; so what is passed on carries a mark at
its end, without which a node applies nothing. Until then nothing has happened: an upload whose node
is lost goes to another one, as long as all of it is still at hand.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pyarrow as pa
from pyarrow import flight

from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.gateway.channel import Answered, Upload
from flightkeeper.client.gateway.passing import Pair
from flightkeeper.client.gateway.relay import Caller, Turn
from flightkeeper.client.gateway.results import PassingResult
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import MalformedMessage, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

AT_HAND_BYTES = 4 * 1024 * 1024
"""How much of an upload is kept for another node."""
_LOST = "the node was lost while data were uploaded; nothing of them was applied: send them again"
_IN_DOUBT = (
    "the rows are too many to be kept for another node, which could look it up: send them again"
    " with the header {name}: {id}, and they are applied if they were not"
)
_LOSSES = frozenset({Kind.BROKEN, Kind.INTERNAL})
_WITHOUT_ROWS = (sql.CommandStatementUpdate, sql.CommandStatementSubstraitPlan)


@dataclass(frozen=True, slots=True)
class _Message:
    batch: pa.RecordBatch | None
    metadata: Any


class PassingUpload:
    """One upload, for as many nodes as it takes. For the thread of its call."""

    def __init__(self, caller: Caller, descriptor: flight.FlightDescriptor, reader: Any) -> None:
        self._caller = caller
        self._descriptor = descriptor
        self._reader = reader
        self._at_hand: deque[_Message] | None = deque()
        self._at_hand_bytes = 0
        self._ended = not _has_rows(descriptor.command or b"")
        self._schema: pa.Schema | None = pa.schema([]) if self._ended else None
        # Where a node reads no stream, it may have answered and ended the call before a mark is
        # written; pyarrow then closes the stream without an error, and the answer is lost with it.
        marked = any(name == headers.UPLOAD_MARKED for name, _ in caller.sent)
        self._marks = not self._ended and not marked

    def exchanged(self, turn: Turn) -> PassingResult:
        """Send all of it to a node, and read the beginning of what it answers.

        Raises:
            CallFailed: it did not do it.
        """
        exchange = turn.channel.begin_exchange(self._descriptor, self._shape(), self._headers(turn))
        self._feed(turn, exchange)
        return PassingResult(turn, exchange.answer())

    def put(self, turn: Turn) -> Answered[list[bytes]]:
        """Send all of it to a node, and wait for its answer.

        Raises:
            CallFailed: it did not do it.
        """
        schema = self._shape()
        if not schema.names:
            turn.begins()
        upload = turn.channel.begin_put(self._descriptor, schema, self._headers(turn))
        try:
            self._feed(turn, upload)
            return upload.finish()
        except CallFailed as exc:
            if turn.attempt.again or not turn.node.lake or exc.failure.kind not in _LOSSES:
                raise
            how = _IN_DOUBT.format(name=headers.STATEMENT_ID, id=self._caller.statement_id)
            raise CallFailed(replace(exc.failure, message=f"{exc.failure.message}; {how}")) from exc
        finally:
            upload.close()

    def _feed(self, turn: Turn, upload: Upload) -> None:
        if self._at_hand is None:
            raise CallFailed(Failure(Kind.REFUSED, _LOST))
        for message in chain(tuple(self._at_hand), self._arriving()):
            upload.write(message.batch, message.metadata)
        # Only the call itself knows how the client's stream ended.
        if self._caller.gone():
            raise CallFailed(Failure(Kind.CANCELLED, "the client left; nothing was applied"))
        turn.begins()
        turn.attempt.again = self._at_hand is not None
        if self._marks:
            upload.write(None, pa.py_buffer(headers.UPLOAD_COMPLETE))

    def _headers(self, turn: Turn) -> list[Pair]:
        mark: list[Pair] = [(headers.UPLOAD_MARKED, "1")] if self._marks else []
        return [*turn.sent, *mark]

    def _shape(self) -> pa.Schema:
        if self._schema is None:
            try:
                self._schema = self._reader.schema
            except OSError:
                # It sent nothing but the command.
                self._schema, self._ended = pa.schema([]), True
        return self._schema

    def _arriving(self) -> Iterator[_Message]:
        while not self._ended:
            try:
                chunk = self._reader.read_chunk()
            except StopIteration:
                self._ended = True
                return
            message = _Message(chunk.data, chunk.app_metadata)
            self._keep(message)
            yield message

    def _keep(self, message: _Message) -> None:
        if self._at_hand is None:
            return
        if message.batch is not None:
            self._at_hand_bytes += pa.ipc.get_record_batch_size(message.batch)
        if self._at_hand_bytes > AT_HAND_BYTES:
            self._at_hand = None
        else:
            self._at_hand.append(message)


def _has_rows(command: bytes) -> bool:
    """Whether a client may send rows with a command.

    Where it does not, its stream is not touched: some wait for the answer before they end it.
    """
    try:
        return not isinstance(unpack(command), _WITHOUT_ROWS)
    except MalformedMessage:
        return True
