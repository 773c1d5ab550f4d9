"""A gateway from start to end: what runs may finish, what is new is refused, nothing is left."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyarrow import flight

from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.gateway.running import (
    CannotListen,
    Certificates,
    Nodes,
    RunningGateway,
)
from flightkeeper.client.gateway.service import Data
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire.flight_sql_pb2 import CommandStatementQuery
from tests.client.gateway.conftest import Front
from tests.flight_server.wire_client import eventually

_BIG = "SELECT range AS i, repeat('x', 200) AS t FROM range(200000)"


def test_a_drain_lets_a_result_finish_and_takes_nothing_new(
    start_front: Callable[[], Front],
) -> None:
    front = start_front()
    with front.client() as client, front.client() as late:
        reader = client.get(client.plan(_BIG).endpoints[0].ticket)
        rows = reader.read_chunk().data.num_rows
        front.running.drain(30.0)
        eventually(lambda: refused(late.query))
        rows += sum(chunk.data.num_rows for chunk in reader)
    assert rows == 200_000
    assert front.running.wait()


def test_a_drain_lets_what_was_planned_be_fetched_and_marks_what_it_refuses(
    start_front: Callable[[], Front],
) -> None:
    front = start_front()
    with front.client() as client, front.client() as late:
        held = client.get(client.plan(_BIG).endpoints[0].ticket)
        rows = held.read_chunk().data.num_rows
        planned = client.plan("SELECT 42 AS answer").endpoints[0].ticket
        front.running.drain(30.0)
        eventually(lambda: refused(late.query))
        assert client.get(planned).read_all()["answer"].to_pylist() == [42]
        with pytest.raises(Exception, match="the gateway is leaving; nothing was run") as caught:
            late.schema(CommandStatementQuery(query="SELECT 1"))
        assert "Traceback" not in str(caught.value)
        for listing in (
            lambda: late.flight.list_actions(late.options()),
            lambda: list(late.flight.list_flights(b"", late.options())),  # type: ignore[arg-type]
        ):
            with pytest.raises(flight.FlightUnavailableError, match="the gateway is leaving"):
                listing()
        assert late.received[headers.REASON] == "draining"
        rows += sum(chunk.data.num_rows for chunk in held)
    assert rows == 200_000


def refused(query: Callable[[str], object]) -> bool:
    try:
        query("SELECT 1")
    except flight.FlightUnavailableError:
        return True
    return False


def test_a_stop_ends_what_runs_and_every_thread(start_front: Callable[[], Front]) -> None:
    front = start_front()
    with ThreadPoolExecutor(1) as pool, front.client() as client:
        endless = pool.submit(client.plan, "SELECT count(*) FROM range(1000000000000)")
        eventually(lambda: any(node.running for node in front.nodes.values()))
        front.running.stop()
        assert front.running.wait()
        assert isinstance(endless.exception(10), flight.FlightError)
    left = [t.name for t in threading.enumerate() if "gateway" in t.name]
    assert left == []


def test_an_address_that_is_taken(front: Front, registry: str) -> None:
    second = RunningGateway(Nodes("behind"), open_registry(registry))
    with pytest.raises(CannotListen, match="the port is in use"):
        second.start(front.location, Data.PROXY, Certificates())
    second.stop()
    assert second.wait()


def test_a_service_without_nodes(registry: str) -> None:
    lonely = RunningGateway(Nodes("nobody"), open_registry(registry))
    lonely.start("grpc://127.0.0.1:0", Data.PROXY, Certificates())
    with pytest.raises(NoNodeAvailable, match="no node of service 'nobody'"):
        lonely.wait_for_nodes(0.5)
    lonely.stop()
    assert lonely.wait()


def test_certificates_as_pyarrow_wants_them() -> None:
    assert Certificates().to_flight() == {}
    served = Certificates("cert", "key", b"ca").to_flight()
    assert served["verify_client"]
    assert served["root_certificates"] == b"ca"
    assert "key" not in repr(Certificates("cert", "secret key")).replace("key=", "")
