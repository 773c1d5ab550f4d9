"""Statements: CommandStatementQuery and its tickets, CommandStatementUpdate.

A query starts when it is planned (GetFlightInfo): its schema, its errors and often its whole
answer are known then. Its ticket carries the statement, so that any node can serve it again.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.connection import COUNT_SCHEMA
from flightkeeper.flight_server.engine.dictionaries import plain_schema
from flightkeeper.flight_server.engine.partitions import is_ordered
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Script, Shape
from flightkeeper.flight_server.errors import InvalidArgument, NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.executions import WRITE_WAITS_S, Answer, Executions
from flightkeeper.flight_server.handlers import parameters
from flightkeeper.flight_server.handlers.partitions import Partitions, Started
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.lake.outages import again
from flightkeeper.flight_server.lake.snapshot import note, noted
from flightkeeper.flight_server.sql.masking import shown
from flightkeeper.flight_server.sql.translation import parse
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flight_pb2 import FlightEndpoint, Ticket
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

READ_LIFETIME_S = 3600.0
"""How long a read's ticket is served, on any node; clients may renew it."""
_UNKNOWN = -1
_COLUMNS_BYTES = 8
_COLUMNS_MAX = 512
"""How many schemas' names are remembered."""

# The standard library's, which costs next to nothing where the line is not wanted.
_log = logging.getLogger(__name__)


class Statements:
    """Serves statements, prepared or not. Thread-safe."""

    def __init__(
        self,
        execution: Execution,
        executions: Executions,
        partitions: Partitions,
        signer: Signer,
        clocks: Clocks,
        incarnation: str,
    ) -> None:
        self._execution = execution
        self._executions = executions
        self._partitions = partitions
        self._signer = signer
        self._clocks = clocks
        self._incarnation = incarnation

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            flight_info={sql.CommandStatementQuery: self._info_query},
            schema={sql.CommandStatementQuery: self._schema_query},
            get={sql.TicketStatementQuery: self._get},
            put={sql.CommandStatementUpdate: self._put_update},
        )

    def body(self, call: Call, query: str, transaction_id: bytes) -> StatementBody:
        """A text of SQL with what the caller wants it to run under."""
        options = self._execution.options(call)
        if _log.isEnabledFor(logging.DEBUG):
            text = shown(query, options.dialect)
            _log.debug("statement", extra={"text": text, "dialect": options.dialect})
        return StatementBody(
            query=query,
            transaction_id=transaction_id,
            principal=call.owner,
            dialect=options.dialect,
            statement_timeout_ms=options.statement_timeout_ms,
            plain=options.plain(call.user_agent),
        )

    def plan(
        self, call: Call, body: StatementBody, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Start a statement and say how to fetch its answer.

        A statement that changes something has changed it when this returns: some clients never
        fetch what they planned.
        """
        script = parse(body.query, body.dialect)
        check_read_only(call, script)
        body.execution_id = self._executions.new_id()
        body.incarnation = self._incarnation
        note(body, self._execution.asked(call))
        now_s = self._clocks.monotonic_s()
        under = self._execution.rules.access(call.identity.principal)
        if not is_read_only(script):
            answer, rows = self._change(call, script, body)
            self._executions.keep_write(body.execution_id, answer, now_s, under)
            endpoint = self.endpoint(body, WRITE_WAITS_S)
            return flight.FlightInfo(answer.schema, descriptor, [endpoint], rows, _UNKNOWN)
        parts = self._partitions.start(call, script, body)
        parts = parts or [Started(body, self._query(call, script, body))]
        for part in parts:
            part.body.columns = _named(part.result.schema)
            self._executions.keep_read(part.body.execution_id, part.result, now_s, under)
        endpoints = [self.endpoint(part.body, READ_LIFETIME_S) for part in parts]
        return flight.FlightInfo(
            parts[0].result.schema,
            descriptor,
            endpoints,
            _total(parts),
            _UNKNOWN,
            ordered=is_ordered(script[-1].sql),
        )

    def endpoint(self, body: StatementBody, lifetime_s: float) -> flight.FlightEndpoint:
        """Where an execution's answer is fetched: from whom the client asked, or any other node."""
        body.expires_ms = int((self._clocks.wall_s() + lifetime_s) * 1000)
        handle = self._signer.sign(Kind.STATEMENT, body)
        ticket = Ticket(ticket=pack(sql.TicketStatementQuery(statement_handle=handle)))
        endpoint = FlightEndpoint(ticket=ticket)
        endpoint.expiration_time.FromMilliseconds(body.expires_ms)
        # Made of its bytes, because pyarrow's constructor casts the time, which takes longer than
        # signing the ticket.
        return flight.FlightEndpoint.deserialize(endpoint.SerializeToString())

    def renew(self, body: StatementBody) -> flight.FlightEndpoint:
        """The endpoint of an execution, to be fetched for as long as a new one.

        Raises:
            NotFound: it answered a change, and the answer is no longer kept.
        """
        if is_read_only(parse(body.query, body.dialect)):
            return self.endpoint(body, READ_LIFETIME_S)
        if self._executions.renew(body.execution_id, self._clocks.monotonic_s()):
            return self.endpoint(body, WRITE_WAITS_S)
        raise NotFound("the answer of this statement is no longer kept, it cannot be renewed")

    def schema(self, call: Call, body: StatementBody) -> pa.Schema:
        """The schema a text of SQL answers with, without running it."""
        script = parse(body.query, body.dialect)
        last = script[-1]
        if last.shape is not Shape.ROWS:
            return COUNT_SCHEMA
        if last.command is not None and last.command.schema is not None:
            return last.command.schema
        execution = self._execution
        with execution.borrowed(call, body.transaction_id, system=last.system) as connection:
            schema = again(
                connection, lambda: connection.describe(execution.permitted(call, connection, last))
            )
        return plain_schema(schema) if body.plain else schema

    def open(self, call: Call, ticket: bytes) -> StatementBody:
        """What a ticket of this caller stands for.

        Raises:
            NotFound: it is somebody else's, too old, or of another kind.
        """
        message = unpack(ticket)
        if not isinstance(message, sql.TicketStatementQuery):
            raise NotFound("this is not the ticket of a statement")
        return self._opened(call, message)

    def _opened(self, call: Call, ticket: sql.TicketStatementQuery) -> StatementBody:
        body = self._signer.open(Kind.STATEMENT, ticket.statement_handle, StatementBody)
        if body.principal != call.owner:
            raise NotFound("this ticket was issued to another user")
        if self._clocks.wall_s() * 1000 > body.expires_ms:
            raise NotFound("this ticket has expired; plan the statement again")
        return body

    def _change(self, call: Call, script: Script, body: StatementBody) -> tuple[Answer, int]:
        if script[-1].shape is Shape.ROWS:
            result = self._query(call, script, body)
            answer = Answer(result.schema, tuple(result))
            return answer, answer.rows
        changed = self._execution.update(
            call,
            script,
            _rows(body),
            transaction_id=body.transaction_id,
            timeout_ms=body.statement_timeout_ms,
        )
        return _count_answer(changed, rows=script[-1].shape is Shape.COUNT), changed

    def _query(
        self, call: Call, script: Script, body: StatementBody, *, continues: bool = False
    ) -> Result:
        reading = self._execution.reading(noted(body))
        result = self._execution.query(
            call,
            script,
            _rows(body) or (),
            transaction_id=body.transaction_id,
            timeout_ms=body.statement_timeout_ms,
            plain=body.plain,
            continues=continues,
            reading=reading,
        )
        note(body, reading.snapshot)
        return result

    def _info_query(
        self, call: Call, command: sql.CommandStatementQuery, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        body = self.body(call, command.query, command.transaction_id)
        return self.plan(call, body, descriptor)

    def _schema_query(self, call: Call, command: sql.CommandStatementQuery) -> pa.Schema:
        return self.schema(call, self.body(call, command.query, command.transaction_id))

    def _get(self, call: Call, ticket: sql.TicketStatementQuery) -> Result:
        body = self._opened(call, ticket)
        # From before it runs once more, so that it is found in its first batch as well.
        self._executions.fetching(body.execution_id, call.cancel)
        call.at_end(lambda: self._executions.fetched(body.execution_id, call.cancel))
        under = self._execution.rules.access(call.identity.principal)
        result = self._executions.take(body.execution_id, under) or self._again(call, body)
        if result.rows is None:
            call.stop_when_over(result.stop, result.over)
        return result

    def _again(self, call: Call, body: StatementBody) -> Result:
        """Serve a ticket whose result is not here: it waited too long, or another node issued it.

        The statement was admitted when it was planned, so it is not refused now.
        """
        script = parse(body.query, body.dialect)
        if not is_read_only(script):
            raise NotFound(
                "the answer of this statement is no longer kept, or its caller's grants have "
                "changed; the statement took effect when it was planned and is not run again",
            )
        if body.data_version:
            self._partitions.check(call, body)
        result = self._query(call, script, body, continues=True)
        try:
            if body.data_version:
                self._partitions.check(call, body)
            _check_columns(body, result.schema)
        except BaseException:
            result.close()
            raise
        return result

    def _put_update(
        self,
        call: Call,
        command: sql.CommandStatementUpdate,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        # The stream is not read: clients send none, and some wait for the answer before closing.
        del reader
        body = self.body(call, command.query, command.transaction_id)
        return sql.DoPutUpdateResult(record_count=self.update(call, body, None))

    def update(self, call: Call, body: StatementBody, rows: parameters.Rows | None) -> int:
        """Run a text of SQL for its effect; how many rows its last statement changed."""
        script = parse(body.query, body.dialect)
        check_read_only(call, script)
        return self._execution.update(
            call,
            script,
            rows,
            transaction_id=body.transaction_id,
            timeout_ms=body.statement_timeout_ms,
        )


def check_read_only(call: Call, script: Script) -> None:
    """Refuse what is not a pure read when the caller asked for that.

    Raises:
        InvalidArgument: it is not; nothing was run.
    """
    if call.read_only and not is_read_only(script):
        raise InvalidArgument(
            "the statement may change something, and only reads were asked for; nothing was run",
            reason=Reason.NOT_READ_ONLY,
        )


def is_read_only(script: Script) -> bool:
    """Whether it surely changes nothing, so that it may be run again."""
    return all(statement.read_only for statement in script)


@lru_cache(_COLUMNS_MAX)
def _named(schema: pa.Schema) -> bytes:
    """A name for the columns of a schema, the same on every node."""
    plain = schema.remove_metadata().serialize()
    return blake2b(plain, digest_size=_COLUMNS_BYTES).digest()


def _check_columns(body: StatementBody, schema: pa.Schema) -> None:
    if body.columns not in {b"", _named(schema)}:
        raise NotFound(
            "the columns of this result have changed since it was planned; run the statement again"
        )


def _total(parts: Sequence[Started]) -> int:
    rows = [part.result.rows for part in parts]
    return sum(count or 0 for count in rows) if None not in rows else _UNKNOWN


def _rows(body: StatementBody) -> parameters.Rows | None:
    return parameters.rows_of(parameters.decode(body.parameters))


def _count_answer(changed: int, *, rows: bool) -> Answer:
    """What DuckDB answers itself: one row with the count, or none when nothing was counted."""
    batch = pa.record_batch([pa.array([changed], pa.int64())], schema=COUNT_SCHEMA)
    return Answer(COUNT_SCHEMA, (batch,) if rows else ())
