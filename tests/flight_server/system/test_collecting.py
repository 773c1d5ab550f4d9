"""Rows of several nodes as one table."""

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.system.collecting import Collecting, rows_of
from flightkeeper.flight_server.system.peers import Peers
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flight_server.system.tables import EVENTS, NODES
from flightkeeper.flightsql.tickets import Signer, TicketKey
from tests.flight_server.system.callers import caller
from tests.flight_server.system.peers_stub import StubLinks, instance
from tests.flight_server.wire_client import Clock

REQUESTS = Requests(Signer(TicketKey(b"s" * 32)), Clock())


def event(node: str) -> tuple[object, ...]:
    return (node, 1_000_000, "started", node, "")


def node_row(node: str) -> tuple[object, ...]:
    row = {"node_id": node, "state": "up", "answered_ms": 0.0, "registered_at": 5}
    return tuple(row.get(column.name) for column in NODES.columns)


@pytest.fixture
def links() -> StubLinks:
    return StubLinks()


@pytest.fixture
def collecting(links: StubLinks) -> Iterator[Collecting]:
    with closing(MemoryRegistry()) as registry, closing(Peers(links)) as peers:
        for node in ("n1", "n2", "n3"):
            registry.register(instance(node))
        peers.follow(registry, instance("n1"))
        mine = {"events": lambda: [event("n1")], "nodes": lambda: [node_row("n1")]}
        yield Collecting(mine, peers, REQUESTS)


def streamed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def test_rows_of_all_nodes_are_put_together(collecting: Collecting, links: StubLinks) -> None:
    links.answers["n2"] = [streamed(rows_of(EVENTS.schema, [event("n2")] * 2))]
    links.answers["n3"] = None
    found = collecting.all(caller(), frozenset({"events"}))
    assert found["events"]["node_id"].to_pylist() == ["n1", "n2", "n2"]
    assert found["events"].schema == EVENTS.schema
    ((signed, principal),) = links.made["n2", "1"].asked
    assert principal == "ada"
    assert list(REQUESTS.open(signed).tables) == ["events"]


def test_a_node_that_does_not_answer_has_a_row_that_says_so(
    collecting: Collecting, links: StubLinks
) -> None:
    links.answers["n2"] = [streamed(rows_of(NODES.schema, [node_row("n2")]))]
    links.answers["n3"] = None
    table = collecting.all(caller(), frozenset({"nodes"}))["nodes"]
    assert table["node_id"].to_pylist() == ["n1", "n2", "n3"]
    assert table["state"].to_pylist() == ["up", "up", "unreachable"]
    assert table["notice"].to_pylist()[2] == (
        "it cannot be reached; its rows are missing in all system tables"
    )
    assert table["location"].to_pylist()[2] == "grpc://n3:1"
    own, others, _ = table["answered_ms"].to_pylist()
    assert own == 0
    assert others


def test_a_node_of_another_version_may_have_other_columns_or_lack_the_table(
    collecting: Collecting, links: StubLinks
) -> None:
    older = pa.table({"event": ["x"], "node_id": ["n2"], "of_tomorrow": [1]})
    links.answers["n2"] = [streamed(older)]
    links.answers["n3"] = [b""]
    table = collecting.all(caller(), frozenset({"events"}))["events"]
    assert table.schema == EVENTS.schema
    assert table["node_id"].to_pylist() == ["n1", "n2"]
    assert table["event"].to_pylist() == ["started", "x"]
    assert table["detail"].to_pylist() == ["", None]


def test_another_node_gets_the_own_rows_of_the_tables_it_asks_for(collecting: Collecting) -> None:
    events, unknown, sessions = collecting.answer(["events", "of_tomorrow", "sessions"])
    with pa.ipc.open_stream(events) as stream:
        assert stream.read_all()["node_id"].to_pylist() == ["n1"]
    assert unknown == b""
    with pa.ipc.open_stream(sessions) as stream:
        assert stream.read_all().num_rows == 0
