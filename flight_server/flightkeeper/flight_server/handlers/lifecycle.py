"""The life of an execution and of the node: cancelling, and the probe routers send."""

from collections.abc import Callable, Iterator

from google.protobuf import empty_pb2

from flightkeeper.discovery import records
from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import NodeError, NotFound
from flightkeeper.flight_server.executions import Executions
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, parse, unpack
from flightkeeper.flightsql.tickets import Kind, Signer
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody


class Lifecycle:
    """Serves cancellation and probes. Thread-safe."""

    def __init__(
        self,
        executions: Executions,
        signer: Signer,
        database: Database,
        instance: Callable[[], Instance],
    ) -> None:
        self._executions = executions
        self._signer = signer
        self._database = database
        self._instance = instance

    def routes(self) -> Routes:
        """What this family serves."""
        return Routes(
            actions={
                "CancelFlightInfo": Action(
                    core.CancelFlightInfoRequest,
                    self._cancel_flight_info,
                    "Cancels an execution.",
                    packed=False,
                ),
                "CancelQuery": Action(
                    sql.ActionCancelQueryRequest,
                    self._cancel_query,
                    "Cancels an execution; CancelFlightInfo has replaced it.",
                ),
                headers.PROBE_ACTION: Action(
                    empty_pb2.Empty,
                    self._probe,
                    "Runs a statement and answers with the node's record.",
                    packed=False,
                ),
            }
        )

    def _cancel_flight_info(
        self, call: Call, request: core.CancelFlightInfoRequest
    ) -> Iterator[bytes]:
        self._cancel(call, request.info)
        status = core.CANCEL_STATUS_CANCELLED
        yield core.CancelFlightInfoResult(status=status).SerializeToString()

    def _cancel_query(self, call: Call, request: sql.ActionCancelQueryRequest) -> Iterator[bytes]:
        self._cancel(call, parse(core.FlightInfo, request.info))
        status = sql.ActionCancelQueryResult.CANCEL_RESULT_CANCELLED
        yield pack(sql.ActionCancelQueryResult(result=status))

    def _cancel(self, call: Call, info: core.FlightInfo) -> None:
        """Stop what the tickets of a FlightInfo stand for.

        Raises:
            NotFound: nothing of it is waiting or running here.
        """
        bodies = [self._statement(endpoint.ticket.ticket) for endpoint in info.endpoint]
        mine = [b for b in bodies if b.principal == call.identity.principal]
        if not any([self._executions.cancel(body.execution_id) for body in mine]):  # noqa: C419
            raise NotFound("no such execution is waiting or running on this node")

    def _statement(self, ticket: bytes) -> StatementBody:
        message = unpack(ticket)
        if not isinstance(message, sql.TicketStatementQuery):
            raise NotFound("only statements can be cancelled")
        return self._signer.open(Kind.STATEMENT, message.statement_handle, StatementBody)

    def _probe(self, call: Call, request: empty_pb2.Empty) -> Iterator[bytes]:
        """Health is being able to run SQL: a node whose engine is broken still answers calls."""
        del request
        connection = self._database.lend()
        call.stop_when_cancelled(connection.interrupt)
        try:
            connection.command("SELECT 1")
        except NodeError:
            connection.close()
            raise
        self._database.take_back(connection)
        yield records.encode(self._instance())
