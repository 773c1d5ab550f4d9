"""Execution: what one attempt of a statement says to a node, in Flight SQL.

Owns the order of the calls: GetFlightInfo and DoGet for a query, DoPut for an update, and before
them CreatePreparedStatement and its binding when there are parameters. Which node, how often and
what a failure means is not decided here. The only module that loads protobuf, which takes a third
of the time that importing the client may take; whoever needs it loads it with the first statement.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pyarrow as pa
from google.protobuf.message import Message

from flightkeeper.client.attempts import Attempt, Text
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.pool import Lease, Pool
from flightkeeper.client.transport import Channel, Endpoint, Stream
from flightkeeper.discovery.records import Instance
from flightkeeper.flightsql.messages import MalformedMessage, pack, parse, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire

REUSE_CONNECTION = "arrow-flight-reuse-connection://?"

CREATE_PREPARED = "CreatePreparedStatement"
BEGIN = "BeginTransaction"
END = "EndTransaction"

M = TypeVar("M", bound=Message)


def parameter_row(values: Sequence[Any]) -> pa.RecordBatch:
    """The values as one row: columns "0", "1", … with the types Arrow infers.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: a value has no Arrow type.
    """
    columns = [pa.array([value]) for value in values]
    return pa.RecordBatch.from_arrays(columns, [str(place) for place in range(len(columns))])


def query(attempt: Attempt, text: Text, pool: Pool) -> Delivery:
    """Start a query and read its first batch."""
    command: Message = wire.CommandStatementQuery(
        query=text.sql, transaction_id=text.transaction_id
    )
    if text.parameters is not None:
        handle = _bind(attempt, _prepare(attempt, text), parameter_row(text.parameters))
        command = wire.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    endpoints = attempt.channel.plan(pack(command), attempt.settings(runs=True))
    # Our nodes run at planning what changes something; only its rows are fetched after that.
    attempt.ran = True
    parts = _EndpointParts(attempt, endpoints, pool)
    try:
        return Delivery(attempt, parts)
    except BaseException:
        parts.close()
        raise


def update(attempt: Attempt, text: Text) -> int:
    """Run an update; returns the affected rows, -1 when the node does not know."""
    command: Message = wire.CommandStatementUpdate(
        query=text.sql, transaction_id=text.transaction_id
    )
    rows = None
    if text.parameters is not None:
        rows = parameter_row(text.parameters)
        handle = _prepare(attempt, text)
        command = wire.CommandPreparedStatementUpdate(prepared_statement_handle=handle)
    answer = attempt.channel.put(pack(command), attempt.settings(runs=True), rows)
    return _read(wire.DoPutUpdateResult, answer).record_count


def begin(attempt: Attempt) -> bytes:
    """Open a transaction; returns its id."""
    request = pack(wire.ActionBeginTransactionRequest())
    answer = _one(attempt.channel.act(BEGIN, request, attempt.settings()))
    transaction_id = _unpacked(wire.ActionBeginTransactionResult, answer).transaction_id
    if not transaction_id:
        raise CallFailed(Failure(Kind.INTERNAL, "the node answered an empty transaction id"))
    return transaction_id


def end(attempt: Attempt, transaction_id: bytes, *, commit: bool) -> None:
    """Commit or roll back a transaction."""
    kinds = wire.ActionEndTransactionRequest
    action = kinds.END_TRANSACTION_COMMIT if commit else kinds.END_TRANSACTION_ROLLBACK
    request = pack(kinds(transaction_id=transaction_id, action=action))
    attempt.channel.act(END, request, attempt.settings(runs=True))


def _prepare(attempt: Attempt, text: Text) -> bytes:
    request = wire.ActionCreatePreparedStatementRequest(
        query=text.sql, transaction_id=text.transaction_id
    )
    answer = _one(attempt.channel.act(CREATE_PREPARED, pack(request), attempt.settings()))
    return _unpacked(wire.ActionCreatePreparedStatementResult, answer).prepared_statement_handle


def _bind(attempt: Attempt, handle: bytes, row: pa.RecordBatch) -> bytes:
    command = wire.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    answer = attempt.channel.put(pack(command), attempt.settings(), row)
    # Spec: a node that keeps the binding inside the handle answers a new one; others answer none.
    bound = _read(wire.DoPutPreparedStatementResult, answer)
    if bound.HasField("prepared_statement_handle"):
        return bound.prepared_statement_handle
    return handle


def _one(results: list[bytes]) -> bytes:
    if len(results) != 1:
        raise CallFailed(Failure(Kind.INTERNAL, f"the node answered {len(results)} results, not 1"))
    return results[0]


def _read(kind: type[M], data: bytes) -> M:
    try:
        return parse(kind, data)
    except MalformedMessage as exc:
        raise CallFailed(Failure(Kind.INTERNAL, f"the node's answer is {exc}")) from exc


def _unpacked(kind: type[M], data: bytes) -> M:
    try:
        message = unpack(data)
    except MalformedMessage as exc:
        raise CallFailed(Failure(Kind.INTERNAL, f"the node's answer is {exc}")) from exc
    if not isinstance(message, kind):
        name = message.DESCRIPTOR.name
        raise CallFailed(Failure(Kind.INTERNAL, f"the node answered {name} unasked"))
    return message


class _EndpointParts:
    """Opens a result's endpoints in order, each where it lives."""

    def __init__(self, attempt: Attempt, endpoints: Iterable[Endpoint], pool: Pool) -> None:
        self._attempt = attempt
        self._endpoints = iter(endpoints)
        self._pool = pool
        self._elsewhere: Lease | None = None

    def open_next(self) -> Stream | None:
        """The stream of the next endpoint, or None after the last."""
        endpoint = next(self._endpoints, None)
        if endpoint is None:
            return None
        settings = self._attempt.settings(runs=True)
        return self._channel(endpoint.locations).open(endpoint.ticket, settings)

    def close(self) -> None:
        """Give back the lease of another node. Idempotent."""
        if self._elsewhere is not None:
            self._elsewhere.release()

    def _channel(self, locations: tuple[str, ...]) -> Channel:
        self.close()
        here = self._attempt.lease.instance.location
        if not locations or REUSE_CONNECTION in locations or here in locations:
            return self._attempt.channel
        # Spec: any listed location is equivalent.
        self._elsewhere = self._pool.lease(Instance("", locations[0], locations[0], ""))
        return self._elsewhere.channel
