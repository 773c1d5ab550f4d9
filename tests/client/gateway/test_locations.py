"""Where clients are told to fetch results."""

from flightkeeper.client.gateway.locations import directed
from flightkeeper.client.parts import REUSE_CONNECTION
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flight_pb2 import FlightEndpoint, FlightInfo, Location, Ticket

TICKET = pack(sql.TicketStatementQuery(statement_handle=b"signed"))
OWNER, OTHERS = "grpc://a:1", ["grpc://b:1", "grpc://c:1", "grpc://d:1"]


def info(ticket: bytes = TICKET, rows: int = -1, *locations: str) -> bytes:
    endpoint = FlightEndpoint(
        ticket=Ticket(ticket=ticket), location=[Location(uri=uri) for uri in locations]
    )
    return FlightInfo(endpoint=[endpoint], total_records=rows).SerializeToString()


def locations(data: bytes) -> list[str]:
    return [each.uri for each in FlightInfo.FromString(data).endpoint[0].location]


def test_the_owner_comes_first_and_the_gateway_last() -> None:
    found = locations(directed(info(), OWNER, OTHERS))
    assert found == [OWNER, *OTHERS[:2], REUSE_CONNECTION]


def test_what_only_its_owner_has_is_fetched_there() -> None:
    assert locations(directed(info(), OWNER, ())) == [OWNER, REUSE_CONNECTION]


def test_little_is_fetched_through_the_gateway() -> None:
    assert locations(directed(info(rows=3), OWNER, OTHERS)) == []
    assert locations(directed(info(rows=100_000), OWNER, OTHERS))[0] == OWNER


def test_tables_about_tables_are_fetched_through_the_gateway() -> None:
    assert locations(directed(info(pack(sql.CommandGetTables())), OWNER, OTHERS)) == []
    assert locations(directed(info(b"\xff\xff"), OWNER, OTHERS)) == []


def test_what_a_node_says_itself_stays() -> None:
    assert locations(directed(info(TICKET, -1, "grpc://z:1"), OWNER, OTHERS)) == ["grpc://z:1"]
