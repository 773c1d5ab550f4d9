"""The life of an execution and of the node: cancelling, and the probe routers send."""

from collections.abc import Callable, Iterator

from google.protobuf import empty_pb2, wrappers_pb2

from flightkeeper.discovery import records
from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.auth.middleware import known_as
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.errors import NotFound
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.executions import Cancelling, Executions
from flightkeeper.flight_server.handlers.routes import Action, Routes
from flightkeeper.flight_server.handlers.statements import Statements
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, parse
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_STATUS = {
    Cancelling.STOPPED: core.CANCEL_STATUS_CANCELLED,
    Cancelling.FINISHED: core.CANCEL_STATUS_NOT_CANCELLABLE,
}
_OLDER_STATUS = {
    Cancelling.STOPPED: sql.ActionCancelQueryResult.CANCEL_RESULT_CANCELLED,
    Cancelling.FINISHED: sql.ActionCancelQueryResult.CANCEL_RESULT_NOT_CANCELLABLE,
}


class Lifecycle:
    """Serves cancellation and probes. Thread-safe."""

    def __init__(
        self,
        executions: Executions,
        statements: Statements,
        execution: Execution,
        instance: Callable[[], Instance],
    ) -> None:
        self._executions = executions
        self._statements = statements
        self._execution = execution
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
                "RenewFlightEndpoint": Action(
                    core.RenewFlightEndpointRequest,
                    self._renew,
                    "Lets an endpoint be fetched for longer.",
                    packed=False,
                ),
                "CancelQuery": Action(
                    sql.ActionCancelQueryRequest,
                    self._cancel_query,
                    "Cancels an execution; CancelFlightInfo has replaced it.",
                ),
                headers.CANCEL_ACTION: Action(
                    wrappers_pb2.StringValue,
                    self._cancel_statement,
                    "Cancels a statement by the id that its client gave it.",
                    packed=False,
                    silent=True,
                ),
                headers.PROBE_ACTION: Action(
                    empty_pb2.Empty,
                    self._probe,
                    "Runs a statement and answers with the node's record.",
                    packed=False,
                    silent=True,
                ),
            }
        )

    def _cancel_flight_info(
        self, call: Call, request: core.CancelFlightInfoRequest
    ) -> Iterator[bytes]:
        status = _STATUS[self._cancel(call, request.info)]
        yield core.CancelFlightInfoResult(status=status).SerializeToString()

    def _cancel_query(self, call: Call, request: sql.ActionCancelQueryRequest) -> Iterator[bytes]:
        status = _OLDER_STATUS[self._cancel(call, parse(core.FlightInfo, request.info))]
        yield pack(sql.ActionCancelQueryResult(result=status))

    def _cancel(self, call: Call, info: core.FlightInfo) -> Cancelling:
        """Stop what the tickets of a FlightInfo stand for.

        Raises:
            NotFound: nothing of it is here.
        """
        tickets = [endpoint.ticket.ticket for endpoint in info.endpoint]
        bodies = [self._statements.open(call, ticket) for ticket in tickets]
        # A list, because each of them has to be stopped.
        found = [self._executions.cancel(body.execution_id) for body in bodies]
        most = max(found, default=Cancelling.NOTHING)
        if most is Cancelling.NOTHING:
            raise NotFound("no such execution is waiting or running on this node")
        return most

    def _cancel_statement(self, call: Call, request: wrappers_pb2.StringValue) -> Iterator[bytes]:
        self._execution.cancel(call, known_as(request.value))
        return iter(())

    def _renew(self, call: Call, request: core.RenewFlightEndpointRequest) -> Iterator[bytes]:
        endpoint = request.endpoint
        body = self._statements.open(call, endpoint.ticket.ticket)
        renewed = self._statements.renew(body)
        answer = core.FlightEndpoint.FromString(renewed.serialize())
        answer.location.extend(endpoint.location)
        answer.app_metadata = endpoint.app_metadata
        yield answer.SerializeToString()

    def _probe(self, call: Call, request: empty_pb2.Empty) -> Iterator[bytes]:
        """Health is being able to run SQL: a node whose engine is broken still answers calls."""
        del request
        with self._execution.lent(call) as connection:
            connection.command("SELECT 1")
        yield records.encode(self._instance())
