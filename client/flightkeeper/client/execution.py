"""Execution: what one attempt of a statement says to a node, in Flight SQL.

Owns the order of the calls: GetFlightInfo and DoGet for a query, DoPut for an update, and before
them CreatePreparedStatement and its binding when there are parameters. Which node, how often and
what a failure means is not decided here. Loads protobuf, which takes a third of the time that
importing the client may take; whoever needs it loads it with the first statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue

from flightkeeper.client.attempts import Attempt, Text
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.parts import InOrder, SideBySide
from flightkeeper.client.pool import Pool
from flightkeeper.client.spool import Spool
from flightkeeper.client.transport import CallSettings, Channel, Plan
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import MalformedMessage, pack, parse, unpack
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire

CREATE_PREPARED = "CreatePreparedStatement"
SET_OPTIONS = "SetSessionOptions"
CLOSE_SESSION = "CloseSession"
BEGIN = "BeginTransaction"
END = "EndTransaction"

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Fetching:
    """How a result is fetched.

    Attributes:
        side_by_side: its endpoints at once, not one after the other.
        buffered: all of it before any of it is handed out.
    """

    side_by_side: bool = False
    buffered: bool = False


def parameter_row(values: Sequence[Any]) -> pa.RecordBatch:
    """The values as one row: columns "0", "1", … with the types Arrow infers.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: a value has no Arrow type.
    """
    columns = [pa.array([value]) for value in values]
    return pa.RecordBatch.from_arrays(columns, [str(place) for place in range(len(columns))])


def query(attempt: Attempt, text: Text, pool: Pool, how: Fetching = Fetching()) -> Delivery:
    """Start a query and read its first batch."""
    planned = plan(attempt, text)
    # Our nodes run at planning what changes something; only its rows are fetched after that.
    attempt.ran = True
    return fetch(attempt, planned, pool, how)


def plan(attempt: Attempt, text: Text) -> Plan:
    """Start a query; how its result is fetched."""
    command: Message = wire.CommandStatementQuery(
        query=text.sql, transaction_id=text.transaction_id
    )
    if text.parameters is not None:
        handle = _bind(attempt, _prepare(attempt, text), _row(text.parameters))
        command = wire.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    return attempt.channel.plan(pack(command), attempt.settings(runs=True))


def fetch(attempt: Attempt, planned: Plan, pool: Pool, how: Fetching) -> Delivery:
    """Begin to fetch a result: read its first batch, or all of it."""
    parts: InOrder | SideBySide = InOrder(attempt, planned.endpoints, pool)
    if how.side_by_side and len(planned.endpoints) > 1:
        parts = SideBySide(attempt, planned.endpoints, pool, ordered=planned.ordered)
    try:
        return Delivery(attempt, parts, Spool() if how.buffered else None)
    except BaseException:
        parts.close()
        raise


def answer(attempt: Attempt, command: Message, pool: Pool) -> Delivery:
    """Fetch the answer to a question about the service, not to a statement."""
    planned = attempt.channel.plan(pack(command), attempt.settings(runs=True))
    return fetch(attempt, planned, pool, Fetching())


def update(attempt: Attempt, text: Text) -> int:
    """Run an update, once for each row of parameters; the affected rows, -1 = not known."""
    command: Message = wire.CommandStatementUpdate(
        query=text.sql, transaction_id=text.transaction_id
    )
    rows = None
    if text.parameters is not None:
        rows = _row(text.parameters)
        handle = _prepare(attempt, text)
        command = wire.CommandPreparedStatementUpdate(prepared_statement_handle=handle)
    counted = attempt.channel.put(pack(command), attempt.settings(runs=True), rows)
    return record_count(counted)


def _row(values: Sequence[Any] | pa.RecordBatch) -> pa.RecordBatch:
    return values if isinstance(values, pa.RecordBatch) else parameter_row(values)


def record_count(counted: bytes | None) -> int:
    """The affected rows in a node's answer to an update.

    Raises:
        CallFailed: there is none, so it is not known whether the update was done.
    """
    if counted is None:
        raise CallFailed(Failure(Kind.INTERNAL, "the call ended well, but without an answer"))
    return _read(wire.DoPutUpdateResult, counted).record_count


def stop(channel: Channel, statement_id: str, settings: CallSettings) -> None:
    """Ask a node to end a statement of this caller."""
    body = StringValue(value=statement_id).SerializeToString()
    channel.act(headers.CANCEL_ACTION, body, settings)


def set_options(
    channel: Channel, options: Mapping[str, str | float | bool], settings: CallSettings
) -> list[str]:
    """Set options of a session; of those that the node did not take, what is wrong with each."""
    request = core.SetSessionOptionsRequest()
    for name, value in options.items():
        request.session_options[name].string_value = (
            str(value).lower() if isinstance(value, bool) else str(value)
        )
    told = _one(channel.act(SET_OPTIONS, request.SerializeToString(), settings))
    errors = _read(core.SetSessionOptionsResult, told).errors
    return [_refused(name, options[name], errors[name].value) for name in sorted(errors)]


def _refused(name: str, value: object, error: int) -> str:
    if error == core.SetSessionOptionsResult.INVALID_NAME:
        return f"there is no option {name}"
    return f"{name} cannot be {value!r}"


def close_session(channel: Channel, settings: CallSettings) -> None:
    """End the session of a login on a node."""
    channel.act(CLOSE_SESSION, core.CloseSessionRequest().SerializeToString(), settings)


def begin(attempt: Attempt) -> bytes:
    """Open a transaction; returns its id."""
    request = pack(wire.ActionBeginTransactionRequest())
    begun = _one(attempt.channel.act(BEGIN, request, attempt.settings()))
    transaction_id = _unpacked(wire.ActionBeginTransactionResult, begun).transaction_id
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
    made = _one(attempt.channel.act(CREATE_PREPARED, pack(request), attempt.settings()))
    return _unpacked(wire.ActionCreatePreparedStatementResult, made).prepared_statement_handle


def _bind(attempt: Attempt, handle: bytes, row: pa.RecordBatch) -> bytes:
    command = wire.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    told = attempt.channel.put(pack(command), attempt.settings(), row)
    # Spec: a node that keeps the binding inside the handle answers a new one; others answer none.
    bound = _read(wire.DoPutPreparedStatementResult, told or b"")
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
