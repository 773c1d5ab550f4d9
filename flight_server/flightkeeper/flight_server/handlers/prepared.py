"""Prepared statements: a handle is the statement itself, signed, so any node can execute it.

Nothing is kept on the node. Binding parameters answers with a new handle that carries them, which
is how Flight SQL lets a server stay stateless.
"""

from collections.abc import Iterator

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.statement import Script, Shape, Statement, parse
from flightkeeper.flight_server.errors import NodeError, NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers import parameters
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.handlers.statements import Statements, check_read_only
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody


class Prepared:
    """Serves prepared statements. Thread-safe."""

    def __init__(self, statements: Statements, execution: Execution, signer: Signer) -> None:
        self._statements = statements
        self._execution = execution
        self._signer = signer

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            flight_info={sql.CommandPreparedStatementQuery: self._info},
            schema={sql.CommandPreparedStatementQuery: self._schema},
            put={
                sql.CommandPreparedStatementQuery: self._put_bind,
                sql.CommandPreparedStatementUpdate: self._put_update,
            },
            actions={
                "CreatePreparedStatement": Action(
                    sql.ActionCreatePreparedStatementRequest,
                    self._create,
                    "Makes a handle that stands for a statement.",
                ),
                "ClosePreparedStatement": Action(
                    sql.ActionClosePreparedStatementRequest,
                    self._close,
                    "Says that a handle is no longer needed.",
                ),
            },
        )

    def _create(
        self, call: Call, request: sql.ActionCreatePreparedStatementRequest
    ) -> Iterator[bytes]:
        script = parse(request.query)
        last = script[-1]
        body = StatementBody(
            query=request.query,
            transaction_id=request.transaction_id,
            principal=call.identity.principal,
        )
        is_update = last.shape is not Shape.ROWS
        result = sql.ActionCreatePreparedStatementResult(
            prepared_statement_handle=self._signer.sign(Kind.PREPARED, body),
            # Decides between DoPut and GetFlightInfo in ADBC, so it is always said.
            is_update=is_update,
            parameter_schema=_parameter_schema(last).serialize().to_pybytes(),
        )
        if not is_update:
            schema = self._dataset_schema(call, script, request.transaction_id)
            result.dataset_schema = schema.serialize().to_pybytes()
        yield pack(result)

    def _dataset_schema(self, call: Call, script: Script, transaction_id: bytes) -> pa.Schema:
        *before, last = script
        try:
            return self._execution.describe(call, last, transaction_id)
        except NodeError:
            if last.read_only and not last.parameters and not before:
                raise
            # It is known only once it has run; an empty schema still says "rows".
            return pa.schema([])

    def _close(
        self, call: Call, request: sql.ActionClosePreparedStatementRequest
    ) -> Iterator[bytes]:
        self._open(call, request.prepared_statement_handle)
        return iter(())

    def _info(
        self,
        call: Call,
        command: sql.CommandPreparedStatementQuery,
        descriptor: flight.FlightDescriptor,
    ) -> flight.FlightInfo:
        body = self._open(call, command.prepared_statement_handle)
        return self._statements.plan(call, body, descriptor)

    def _schema(self, call: Call, command: sql.CommandPreparedStatementQuery) -> pa.Schema:
        body = self._open(call, command.prepared_statement_handle)
        return self._statements.schema(call, body.query, body.transaction_id)

    def _put_bind(
        self,
        call: Call,
        command: sql.CommandPreparedStatementQuery,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        body = self._open(call, command.prepared_statement_handle)
        body.parameters = parameters.encode(parameters.read_table(call, reader))
        bound = self._signer.sign(Kind.PREPARED, body)
        return sql.DoPutPreparedStatementResult(prepared_statement_handle=bound)

    def _put_update(
        self,
        call: Call,
        command: sql.CommandPreparedStatementUpdate,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        body = self._open(call, command.prepared_statement_handle)
        script = parse(body.query)
        check_read_only(call, script)
        rows = parameters.rows_of(parameters.read_table(call, reader))
        changed = self._execution.update(call, script, rows, transaction_id=body.transaction_id)
        return sql.DoPutUpdateResult(record_count=changed)

    def _open(self, call: Call, handle: bytes) -> StatementBody:
        body = self._signer.open(Kind.PREPARED, handle, StatementBody)
        if body.principal != call.identity.principal:
            raise NotFound("this prepared statement belongs to another user")
        return body


def _parameter_schema(statement: Statement) -> pa.Schema:
    """One field for each parameter; DuckDB does not tell types before values are bound."""
    names = sorted(statement.parameters, key=lambda name: (len(name), name))
    return pa.schema([pa.field(name, pa.null()) for name in names])
