"""All families are served by a node."""

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import serving


def test_every_command_of_flight_sql_has_a_handler() -> None:
    with serving() as node:
        served = node.node._service._routes
    commands = {
        message
        for name, message in vars(sql).items()
        if name.startswith("Command") and name != "CommandStatementSubstraitPlan"
    }
    assert commands <= {*served.flight_info, *served.put, *served.exchange}
    assert {"BeginTransaction", "CreatePreparedStatement", "CancelFlightInfo"} <= set(
        served.actions
    )
