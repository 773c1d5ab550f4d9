"""Prepared statements: a handle is the statement itself, signed, so any node can execute it.

Binding parameters answers with a new handle that carries them, which is how Flight SQL lets a
server stay stateless. What is kept besides is for clients that do not know of it (`bindings`).
"""

from collections.abc import Callable, Iterator

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.binder import aside
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.dictionaries import plain_schema
from flightkeeper.flight_server.engine.statement import Script, Shape, Statement
from flightkeeper.flight_server.errors import InvalidArgument, NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers import parameters
from flightkeeper.flight_server.handlers.bindings import Bindings
from flightkeeper.flight_server.handlers.prepared_schemas import (
    UNKNOWN,
    dataset_schema,
    parameter_names,
    parameter_schema,
    restored,
)
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.handlers.statements import Statements
from flightkeeper.flight_server.lake.outages import again
from flightkeeper.flight_server.sql.translation import parse
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody

_NOTHING = pa.schema([])


class Prepared:
    """Serves prepared statements. Thread-safe."""

    def __init__(
        self,
        statements: Statements,
        execution: Execution,
        signer: Signer,
        new_id: Callable[[], str],
    ) -> None:
        """`new_id` names preparations, as it names executions."""
        self._statements = statements
        self._new_id = new_id
        self._bindings = Bindings()
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
        body = self._statements.body(call, request.query, request.transaction_id)
        body.execution_id = self._new_id()
        script = parse(body.query, body.dialect)
        parameter_schema, columns = self._schemas(call, script, body)
        result = sql.ActionCreatePreparedStatementResult(
            prepared_statement_handle=self._signer.sign(Kind.PREPARED, body),
            # Decides between DoPut and GetFlightInfo in ADBC, so it is always said.
            is_update=columns is None,
            parameter_schema=parameter_schema.serialize().to_pybytes(),
        )
        if columns is not None:
            result.dataset_schema = columns.serialize().to_pybytes()
        yield pack(result)

    def _schemas(
        self, call: Call, script: Script, body: StatementBody
    ) -> tuple[pa.Schema, pa.Schema | None]:
        """What the last statement takes and, if it answers with rows, what it answers with."""
        last = script[-1]
        answers = last.shape is Shape.ROWS
        if not answers and not last.parameters:
            return _NOTHING, None
        borrowed = self._execution.borrowed
        with borrowed(call, body.transaction_id, system=last.system) as connection:
            taken, columns = again(
                connection, lambda: self._described(call, connection, script, answers=answers)
            )
        return taken, plain_schema(columns) if columns is not None and body.plain else columns

    def _described(
        self, call: Call, connection: Connection, script: Script, *, answers: bool
    ) -> tuple[pa.Schema, pa.Schema | None]:
        last = self._execution.permitted(call, connection, script[-1])
        script = (*script[:-1], last)
        if not last.parameters:
            return _NOTHING, dataset_schema(connection, connection, script, _NOTHING)
        with aside(connection) as beside:
            taken = parameter_schema(beside, last)
            columns = dataset_schema(connection, beside, script, taken) if answers else None
        return taken, columns

    def _close(
        self, call: Call, request: sql.ActionClosePreparedStatementRequest
    ) -> Iterator[bytes]:
        body = self._open(call, request.prepared_statement_handle)
        self._bindings.forget(body.execution_id)
        return iter(())

    def _info(
        self,
        call: Call,
        command: sql.CommandPreparedStatementQuery,
        descriptor: flight.FlightDescriptor,
    ) -> flight.FlightInfo:
        body = self._bound(self._open(call, command.prepared_statement_handle))
        return self._statements.plan(call, body, descriptor)

    def _schema(self, call: Call, command: sql.CommandPreparedStatementQuery) -> pa.Schema:
        body = self._open(call, command.prepared_statement_handle)
        script = parse(body.query, body.dialect)
        if not script[-1].parameters or script[-1].shape is not Shape.ROWS:
            return self._statements.schema(call, body)
        _, columns = self._schemas(call, script, body)
        if columns is None or columns.equals(UNKNOWN):
            raise InvalidArgument("the schema of this statement is known only once it has run")
        return columns

    def _put_bind(
        self,
        call: Call,
        command: sql.CommandPreparedStatementQuery,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        body = self._open(call, command.prepared_statement_handle)
        body.parameters = parameters.encode(self._read(call, body, reader))
        self._bindings.remember(body.execution_id, body.parameters)
        bound = self._signer.sign(Kind.PREPARED, body)
        return sql.DoPutPreparedStatementResult(prepared_statement_handle=bound)

    def _put_update(
        self,
        call: Call,
        command: sql.CommandPreparedStatementUpdate,
        reader: flight.MetadataRecordBatchReader,
    ) -> Message:
        body = self._open(call, command.prepared_statement_handle)
        sent = self._read(call, body, reader)
        # Some clients bind first, and then send the update without rows.
        if sent is None:
            sent = parameters.decode(self._bound(body).parameters)
        rows = parameters.rows_of(sent)
        return sql.DoPutUpdateResult(record_count=self._statements.update(call, body, rows))

    def _read(
        self, call: Call, body: StatementBody, reader: flight.MetadataRecordBatchReader
    ) -> pa.Table | None:
        """The parameters that a client sends for a statement; None if it sends none at all."""
        table = parameters.read_table(call, reader)
        if table is None:
            return None
        return restored(_matched(table, parse(body.query, body.dialect)[-1]))

    def _bound(self, body: StatementBody) -> StatementBody:
        """The statement with the parameters that its client means."""
        if body.parameters:
            # This client goes on with the handle that carries them.
            self._bindings.forget(body.execution_id)
        else:
            body.parameters = self._bindings.recall(body.execution_id)
        return body

    def _open(self, call: Call, handle: bytes) -> StatementBody:
        body = self._signer.open(Kind.PREPARED, handle, StatementBody)
        if body.principal != call.owner:
            raise NotFound("this prepared statement belongs to another user")
        return body


def _matched(table: pa.Table, statement: Statement) -> pa.Table:
    """The parameters under the names they have in the statement, where these are names.

    Raises:
        InvalidArgument: there are more or fewer than in the statement, or others.
    """
    names, given = parameter_names(statement), table.column_names
    if len(names) != len(given):
        raise InvalidArgument(
            f"the statement has {len(names)} parameters and {len(given)} values were given; "
            "nothing was run"
        )
    if all(name.isdigit() for name in names) or set(names) == set(given):
        return table
    if all(not name or name.isdigit() for name in given):
        return table.rename_columns(names)
    raise InvalidArgument(
        f"the statement's parameters are {sorted(names)}, the values are named {sorted(given)}; "
        "nothing was run"
    )
