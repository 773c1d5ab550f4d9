"""Statements: CommandStatementQuery and its tickets, CommandStatementUpdate.

A query starts when it is planned (GetFlightInfo): its schema, its errors and often its whole
answer are known then. Its ticket carries the statement, so that any node can serve it again.
"""

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.connection import COUNT_SCHEMA
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Script, Shape, parse
from flightkeeper.flight_server.errors import InvalidArgument, NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.executions import Executions
from flightkeeper.flight_server.handlers import parameters
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

_UNKNOWN = -1


class Statements:
    """Serves statements, prepared or not. Thread-safe."""

    def __init__(
        self, execution: Execution, executions: Executions, signer: Signer, clocks: Clocks
    ) -> None:
        self._execution = execution
        self._executions = executions
        self._signer = signer
        self._clocks = clocks

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            flight_info={sql.CommandStatementQuery: self._info_query},
            schema={sql.CommandStatementQuery: self._schema_query},
            get={sql.TicketStatementQuery: self._get},
            put={sql.CommandStatementUpdate: self._put_update},
        )

    def plan(
        self, call: Call, body: StatementBody, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        """Start a statement and say how to fetch its answer.

        A statement that changes something has changed it when this returns: some clients never
        fetch what they planned.
        """
        script = parse(body.query)
        check_read_only(call, script)
        body.execution_id = self._executions.new_id()
        body.principal = call.identity.principal
        if script[-1].shape is Shape.ROWS:
            result, total = self._start(call, script, body)
        else:
            total = self._execution.update(
                call, script, _rows(body), transaction_id=body.transaction_id
            )
            result = _count_result(total, rows=script[-1].shape is Shape.COUNT)
        repeatable = _read_only(script)
        self._executions.keep(
            body.execution_id, result, self._clocks.monotonic_s(), repeatable=repeatable
        )
        ticket = flight.Ticket(pack(sql.TicketStatementQuery(statement_handle=self._sign(body))))
        return flight.FlightInfo(
            result.schema, descriptor, [flight.FlightEndpoint(ticket, [])], total, _UNKNOWN
        )

    def schema(self, call: Call, query: str, transaction_id: bytes) -> pa.Schema:
        """The schema a text of SQL answers with, without running it."""
        script = parse(query)
        if script[-1].shape is not Shape.ROWS:
            return COUNT_SCHEMA
        return self._execution.describe(call, script[-1], transaction_id)

    def _start(self, call: Call, script: Script, body: StatementBody) -> tuple[Result, int]:
        result = self._execution.query(
            call, script, _rows(body) or (), transaction_id=body.transaction_id
        )
        if not _read_only(script) and result.rows is None:
            result = _materialised(result)
        return result, _UNKNOWN if result.rows is None else result.rows

    def _info_query(
        self, call: Call, command: sql.CommandStatementQuery, descriptor: flight.FlightDescriptor
    ) -> flight.FlightInfo:
        body = StatementBody(query=command.query, transaction_id=command.transaction_id)
        return self.plan(call, body, descriptor)

    def _schema_query(self, call: Call, command: sql.CommandStatementQuery) -> pa.Schema:
        return self.schema(call, command.query, command.transaction_id)

    def _get(self, call: Call, ticket: sql.TicketStatementQuery) -> Result:
        body = self._signer.open(Kind.STATEMENT, ticket.statement_handle, StatementBody)
        if body.principal != call.identity.principal:
            raise NotFound("this ticket was issued to another user")
        result = self._executions.take(body.execution_id) or self._again(call, body)
        if result.rows is None:
            call.stop_when_cancelled(result.stop)
            self._executions.fetching(body.execution_id, result)
            call.at_end(lambda: self._executions.fetched(body.execution_id))
        return result

    def _again(self, call: Call, body: StatementBody) -> Result:
        """Serve a ticket whose result is not here: it waited too long, or another node issued it.

        The statement was admitted when it was planned, so it is not refused now.
        """
        script = parse(body.query)
        if not _read_only(script):
            raise NotFound(
                "the answer of this statement is no longer kept; the statement took effect when "
                "it was planned and is not run again",
            )
        return self._execution.query(
            call, script, _rows(body) or (), transaction_id=body.transaction_id, continues=True
        )

    def _put_update(
        self,
        call: Call,
        command: sql.CommandStatementUpdate,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        # The stream is not read: clients send none, and some wait for the answer before closing.
        del reader
        script = parse(command.query)
        check_read_only(call, script)
        changed = self._execution.update(call, script, transaction_id=command.transaction_id)
        return sql.DoPutUpdateResult(record_count=changed)

    def _sign(self, body: StatementBody) -> bytes:
        return self._signer.sign(Kind.STATEMENT, body)


def check_read_only(call: Call, script: Script) -> None:
    """Refuse what is not a pure read when the caller asked for that.

    Raises:
        InvalidArgument: it is not; nothing was run.
    """
    if call.read_only and not _read_only(script):
        raise InvalidArgument(
            "the statement may change something, and only reads were asked for; nothing was run",
            reason=Reason.NOT_READ_ONLY,
        )


def _read_only(script: Script) -> bool:
    return all(statement.read_only for statement in script)


def _rows(body: StatementBody) -> parameters.Rows | None:
    return parameters.rows_of(parameters.decode(body.parameters))


def _materialised(result: Result) -> Result:
    """The whole answer in memory: what a write answered cannot be asked for again."""
    batches = list(result)
    return Result(result.schema, iter(batches), rows=sum(batch.num_rows for batch in batches))


def _count_result(changed: int, *, rows: bool) -> Result:
    """What DuckDB answers itself: one row with the count, or none when nothing was counted."""
    batch = pa.record_batch([pa.array([changed], pa.int64())], schema=COUNT_SCHEMA)
    return Result(COUNT_SCHEMA, iter([batch] if rows else []), rows=int(rows))
