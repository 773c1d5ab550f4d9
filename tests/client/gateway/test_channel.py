"""Calls to a node as they come, and its errors as they are."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.client.failures import Kind
from flightkeeper.client.gateway.channel import NodeChannel, NodeRefused, sign_of_life
from flightkeeper.client.gateway.passing import Pair
from flightkeeper.client.loads import Loads
from flightkeeper.discovery.records import Instance
from flightkeeper.flightsql.headers import FORWARDED_DETAILS, FORWARDED_FOR, PROBE_ACTION
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire.flight_pb2 import FlightInfo
from flightkeeper.flightsql.wire.flight_sql_pb2 import CommandStatementQuery
from tests.flight_server.wire_client import Served

GO: list[Pair] = [(FORWARDED_FOR, "grpc-go/1.0")]


def query(text: str) -> flight.FlightDescriptor:
    return flight.FlightDescriptor.for_command(pack(CommandStatementQuery(query=text)))


def channel_to(location: str, *, shows_login: bool = True, wary: bool = False) -> NodeChannel:
    instance = Instance("s", "n1", location, "life")
    return NodeChannel(
        instance, Loads(lambda: 0.0), tls_roots=None, shows_login=shows_login, wary=wary
    )


@pytest.fixture
def channel(nodes: dict[str, Served]) -> Iterator[NodeChannel]:
    made = channel_to(nodes["n1"].location)
    yield made
    made.close()


def test_a_plan_and_its_result(channel: NodeChannel) -> None:
    info = FlightInfo.FromString(channel.info(query("SELECT 42 AS v"), []).value)
    download = channel.get(flight.Ticket(info.endpoint[0].ticket.ticket), [])
    batch = download.read()
    assert batch is not None
    assert (batch.to_pydict(), download.read()) == ({"v": [42]}, None)


def test_a_login_is_answered_with_its_header(channel: NodeChannel) -> None:
    answered = channel.handshake("ada", "any")
    assert answered.value.startswith("Bearer ")
    assert ("authorization", answered.value) in answered.headers


def test_an_error_is_kept_with_all_that_came_along(channel: NodeChannel) -> None:
    with pytest.raises(NodeRefused, match="nowhere") as caught:
        channel.info(query("FROM nowhere"), GO)
    assert isinstance(caught.value.original, pa.ArrowInvalid)
    assert caught.value.failure.kind is Kind.REFUSED
    assert FORWARDED_DETAILS in dict(caught.value.answered)


def test_a_node_that_is_not_there_has_not_seen_the_call() -> None:
    channel = channel_to("grpc://127.0.0.1:9")
    with pytest.raises(NodeRefused) as caught:
        channel.info(query("SELECT 1"), [])
    assert caught.value.failure.kind is Kind.NOT_SENT
    assert sign_of_life(channel, PROBE_ACTION, 1.0) is not None


def test_a_node_shows_that_it_lives(channel: NodeChannel) -> None:
    assert sign_of_life(channel, PROBE_ACTION, 5.0) is None


@pytest.mark.parametrize("wary", [False, True])
def test_no_login_is_shown_where_it_may_not_be(nodes: dict[str, Served], *, wary: bool) -> None:
    channel = channel_to(nodes["n1"].location, shows_login=False, wary=wary)
    for call in (
        lambda: channel.info(query("SELECT 1"), [("authorization", "Bearer x")]),
        lambda: channel.handshake("ada", "secret"),
    ):
        with pytest.raises(Exception, match="no login is shown there"):
            call()
    if wary:
        with pytest.raises(Exception, match="nothing was sent"):
            channel.info(query("SELECT 1"), [])
    else:
        assert channel.info(query("SELECT 1"), []).value
    # A probe carries no login, but where TLS is demanded it tells a stranger of itself as well.
    dead = sign_of_life(channel, PROBE_ACTION, 5.0)
    assert (dead.kind if dead else None) is (Kind.NOT_SENT if wary else None)
