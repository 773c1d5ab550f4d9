"""What nodes ask each other, over the wire: nobody else can."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.tickets import Kind, Signer, TicketKey
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest, Signed
from tests.flight_server.wire_client import Clock, Served, WireClient, serving


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    with serving(node_id="n1") as served:
        yield served


@pytest.fixture
def client(node: Served) -> Iterator[WireClient]:
    with node.client() as found:
        yield found


def signer(node: Served) -> Signer:
    """The cluster's; a test may look into the node for it."""
    found: Signer = node.node._system.requests._signer
    return found


def ask(client: WireClient, handle: bytes) -> list[bytes]:
    return client.action(headers.PEER_ACTION, Signed(handle=handle))


def test_a_node_gets_rows_of_this_node(node: Served, client: WireClient) -> None:
    requests = Requests(signer(node), Clock(2**33))
    rows, unknown = ask(client, requests.sign(PeerRequest(tables=["nodes", "of_tomorrow"])))
    with pa.ipc.open_stream(rows) as stream:
        assert stream.read_all()["node_id"].to_pylist() == ["n1"]
    assert unknown == b""


def test_a_node_ends_what_is_here(node: Served, client: WireClient) -> None:
    requests = Requests(signer(node), Clock(2**33))
    wanted = PeerRequest(principal="ada", statement_id="nothing-1", session_id="nobody")
    assert ask(client, requests.sign(wanted)) == [b"unknown"]


def test_nobody_else_can_ask(node: Served, client: WireClient) -> None:
    request = PeerRequest(tables=["nodes"], expires_ms=2**50)
    for handle in (
        b"",
        b"x" * 100,
        Signer(TicketKey(b"x" * 32)).sign(Kind.PEER, request),
        signer(node).sign(Kind.STATEMENT, request),
    ):
        with pytest.raises(pa.ArrowInvalid, match="not a peer handle of this cluster"):
            ask(client, handle)
    with pytest.raises(Exception, match="too old"):
        ask(client, Requests(signer(node), Clock(5)).sign(request))


def test_who_asks_for_others_is_no_session_of_its_own(node: Served, client: WireClient) -> None:
    with node.client("probe") as prober:
        prober.action(headers.PROBE_ACTION, b"")
    principals = client.query("SELECT principal FROM system.sessions").column(0).to_pylist()
    assert "probe" not in principals
