"""DoExchange: a query over what the client uploads; its answer comes back on the same stream.

The query runs when the upload is complete. Running it while data arrive would have to stop reading
whenever the answer is not read, and a client that sends everything before it reads would wait for
the node as the node waits for it.
"""

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import ingest
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.intake import Intake, importable
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Script
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers import uploads
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flight_server.sql.translation import parse
from flightkeeper.flight_server.staging import Staging
from flightkeeper.flightsql.headers import Reason
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

INPUT = "input"
"""What a query calls the uploaded rows."""


class Exchange:
    """Serves queries over uploads. Thread-safe."""

    def __init__(self, execution: Execution, staging: Staging) -> None:
        self._execution = execution
        self._staging = staging

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(exchange={sql.CommandStatementQuery: self._exchange})

    def _exchange(
        self,
        call: Call,
        command: sql.CommandStatementQuery,
        reader: flight.MetadataRecordBatchReader,
    ) -> Result:
        options = self._execution.options(call)
        script = parse(command.query, options.dialect)
        _check(command, script)
        intake = importable(uploads.schema(reader))
        empty_one = self._execution.borrowed(call, beside=True, system=script[0].system)
        with self._execution.working(call), empty_one as empty:
            _fill(empty, intake, pa.RecordBatchReader.from_batches(intake.schema, []))
            empty.describe(self._execution.permitted(call, empty, script[0]))
        batches = map(intake.taken, uploads.batches(call, reader))
        staged = self._staging.receive(intake.schema, batches)
        call.at_end(staged.close)
        result = self._execution.query(
            call,
            script,
            timeout_ms=options.statement_timeout_ms,
            plain=options.plain(call.user_agent),
            continues=True,
            prepare=lambda connection: _fill(connection, intake, staged.reader()),
        )
        call.at_end(result.close)
        if result.rows is None:
            call.stop_when_over(result.stop, result.over)
        return result


def _check(command: sql.CommandStatementQuery, script: Script) -> None:
    if command.transaction_id:
        raise InvalidArgument(
            "an exchange runs outside of transactions; nothing was run: ingest the data into a "
            "temporary table to query them in a transaction"
        )
    if len(script) != 1 or not script[0].read_only:
        raise InvalidArgument(
            "an exchange runs one statement that is a pure read; nothing was run",
            reason=Reason.NOT_READ_ONLY,
        )


def _fill(connection: Connection, intake: Intake, upload: pa.RecordBatchReader) -> None:
    """Let this connection read an upload as a table, as often as a query wants to."""
    with ingest.offered(connection, upload):
        connection.hold(INPUT, ingest.rows_of(intake))
