"""Endpoints opened where they live, in order and side by side."""

import threading
from collections.abc import Callable, Sequence
from itertools import count

import pyarrow as pa
import pytest

from flightkeeper.client.attempts import Attempt, Statement
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.parts import REUSE_CONNECTION, InOrder, SideBySide
from flightkeeper.client.pool import Pool
from flightkeeper.client.transport import Channel, Endpoint, Stream
from flightkeeper.discovery.records import Instance
from tests.support.stub_process import StubProcess, eventually

GONE = "grpc://127.0.0.1:9"


class Fixture:
    """An attempt on one node, and the loads of all of them."""

    def __init__(self, node: StubProcess) -> None:
        self.here = f"grpc://{node.address}"
        self.elsewhere = f"grpc://localhost:{node.port}"
        self.loads = Loads(lambda: 0.0)
        self.pool = Pool(lambda each: Channel(each.location), self.loads, lambda: 0.0)
        statement = Statement("id", StatementKind.READ)
        lease = self.pool.lease(Instance("s", "n1", self.here, "one"))
        self.attempt = Attempt(statement, StatementKind.READ, lease, Login(None, None))

    def in_order(self, *endpoints: Endpoint) -> InOrder:
        return InOrder(self.attempt, endpoints, self.pool)

    def side_by_side(self, *endpoints: Endpoint, ordered: bool = False) -> SideBySide:
        return SideBySide(self.attempt, endpoints, self.pool, ordered=ordered)

    def in_flight(self) -> int:
        return self.loads.in_flight(self.elsewhere)


@pytest.fixture
def fixture(node: StubProcess) -> Fixture:
    return Fixture(node)


def endpoint(sql: str, *locations: str) -> Endpoint:
    return Endpoint(f"{sql} 0".encode(), locations)


def sizes(parts: InOrder | SideBySide) -> list[int]:
    seen = []
    while (stream := parts.open_next()) is not None:
        while (batch := stream.read()) is not None:
            seen.append(batch.num_rows)
    parts.close()
    return seen


def test_each_is_fetched_where_it_is_and_the_lease_given_back(fixture: Fixture) -> None:
    parts = fixture.in_order(
        endpoint("rows 1 1", REUSE_CONNECTION, fixture.elsewhere),
        endpoint("rows 2 1", fixture.here),
        endpoint("rows 3 1", fixture.elsewhere),
    )
    seen = []
    for _ in range(3):
        stream = parts.open_next()
        assert stream is not None
        batch = stream.read()
        assert batch is not None
        seen.append((batch.num_rows, fixture.in_flight()))
    assert seen == [(1, 0), (2, 0), (3, 1)]
    assert parts.open_next() is None
    parts.close()
    parts.close()
    assert fixture.in_flight() == 0


@pytest.mark.parametrize("way", [Fixture.in_order, Fixture.side_by_side])
def test_the_next_location_is_asked_when_one_is_gone(
    fixture: Fixture, way: Callable[..., InOrder | SideBySide]
) -> None:
    pieces = [endpoint("rows 1 1", GONE, fixture.elsewhere), endpoint("rows 2 1")]
    assert sorted(sizes(way(fixture, *pieces))) == [1, 2]
    gone = way(fixture, endpoint("rows 1 1", GONE), endpoint("rows 1 1"))
    with pytest.raises(CallFailed) as caught:
        gone.open_next()
    assert caught.value.failure.kind is Kind.NOT_SENT
    gone.close()
    assert fixture.in_flight() == 0


@pytest.mark.parametrize("way", [Fixture.in_order, Fixture.side_by_side])
def test_the_next_location_is_asked_when_one_is_of_a_kind_unknown_here(
    fixture: Fixture, way: Callable[..., InOrder | SideBySide]
) -> None:
    elsewhere = "https://objects.example/part"
    pieces = [endpoint("rows 1 1", elsewhere, fixture.elsewhere), endpoint("rows 2 1")]
    assert sorted(sizes(way(fixture, *pieces))) == [1, 2]
    unknown = way(fixture, endpoint("rows 1 1", elsewhere), endpoint("rows 1 1"))
    with pytest.raises(CallFailed, match="of no kind known here") as caught:
        unknown.open_next()
    assert caught.value.failure.kind is Kind.NOT_SENT
    unknown.close()


def test_side_by_side_all_rows_come_in_order_if_there_is_one(fixture: Fixture) -> None:
    pieces = [endpoint(f"rows {number} 20") for number in (1, 2, 3)]
    expected = [1] * 20 + [2] * 20 + [3] * 20
    assert sizes(fixture.side_by_side(*pieces, ordered=True)) == expected
    assert sorted(sizes(fixture.side_by_side(*pieces))) == expected
    assert fetching() == []


def test_side_by_side_a_failure_is_that_of_the_whole(fixture: Fixture) -> None:
    for ordered in (False, True):
        parts = fixture.side_by_side(
            endpoint("rows 1 3"), endpoint("fail-after 3"), ordered=ordered
        )
        with pytest.raises(CallFailed, match="in the middle"):
            sizes(parts)
        parts.close()
    assert fetching() == []


def test_dropped_in_the_middle_all_threads_end(fixture: Fixture) -> None:
    pieces: Sequence[Endpoint] = [endpoint("stall-after 9") for _ in range(3)]
    for ordered in (False, True):
        parts = fixture.side_by_side(*pieces, ordered=ordered)
        stream = parts.open_next()
        assert stream is not None
        assert stream.schema == pa.schema([("n", pa.int64())])
        assert stream.read() is not None
        assert len(fetching()) == 3
        parts.close()
        parts.close()
        eventually(lambda: fetching() == [])
    assert fixture.loads.in_flight("n1") == 1


def fetching() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("flightkeeper-fetch")]


def test_side_by_side_a_defect_is_no_end(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Stream.read
    reads = count()

    def failing(stream: Stream) -> pa.RecordBatch | None:
        if next(reads) == 2:
            raise MemoryError
        return read(stream)

    monkeypatch.setattr(Stream, "read", failing)
    parts = fixture.side_by_side(endpoint("rows 1 3"), endpoint("rows 1 3"))
    with pytest.raises(CallFailed, match="MemoryError"):
        sizes(parts)
    parts.close()
    assert fetching() == []


def test_side_by_side_without_threads_the_rest_is_ended(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    begun: list[threading.Thread] = []

    def start_one(thread: threading.Thread) -> None:
        if thread.name.startswith("flightkeeper-fetch"):
            if begun:
                raise RuntimeError("can't start new thread")
            begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    parts = fixture.side_by_side(*[endpoint("stall-after 9")] * 3)
    with pytest.raises(CallFailed, match="no thread could be started") as caught:
        parts.open_next()
    assert caught.value.failure.kind is Kind.REFUSED
    parts.close()
    parts.close()
    assert not begun[0].is_alive()


def test_side_by_side_a_slow_reader_hears_of_a_cancel(fixture: Fixture) -> None:
    for ordered in (False, True):
        parts = fixture.side_by_side(
            endpoint("rows 1 500"), endpoint("rows 1 500"), ordered=ordered
        )
        stream = parts.open_next()
        assert stream is not None
        assert stream.read() is not None
        stream.cancel()
        parts.close()
        with pytest.raises(CallFailed) as caught:
            stream.read()
        assert caught.value.failure.kind is Kind.CANCELLED
