"""Results on their way through: whole, or an error; and stopped when nobody reads them."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.client.attempts import Attempt, Statement
from flightkeeper.client.delivery import HELD_BACK_BYTES
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.gateway import results
from flightkeeper.client.gateway.channel import NodeRefused
from flightkeeper.client.gateway.relay import Turn
from flightkeeper.client.gateway.results import PassingResult
from flightkeeper.client.gateway.service import Data
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from tests.client.channels import IdleChannel
from tests.client.gateway.conftest import SERVICE, Front, fronting
from tests.client.instances import instance
from tests.flight_server.wire_client import Clock, eventually, serving

_ENDLESS = "SELECT range AS i, repeat('x', 100) AS t FROM range(1000000000000)"


def busy(front: Front) -> int:
    return sum(node.running for node in front.nodes.values())


def test_a_reader_that_stops_half_way_stops_the_node(front: Front) -> None:
    with front.client() as client:
        reader = client.get(client.plan(_ENDLESS).endpoints[0].ticket)
        assert reader.read_chunk().data.num_rows
        assert busy(front) == 1
        reader.cancel()
        eventually(lambda: busy(front) == 0 and front.running.idle)


def test_a_slow_reader_slows_the_node_down(front: Front) -> None:
    with front.client() as client:
        reader = client.get(client.plan(_ENDLESS).endpoints[0].ticket)
        reader.read_chunk()
        # All three are in this process: what is under way stops growing, and is little.
        looks: deque[int] = deque(maxlen=10)

        def settled() -> bool:
            looks.append(pa.total_allocated_bytes())
            return len(looks) == looks.maxlen and len(set(looks)) == 1

        eventually(settled)
        assert looks[0] < 32 * HELD_BACK_BYTES
        reader.cancel()
        eventually(lambda: front.running.idle)


def test_a_reader_that_stalls_holds_the_node_until_its_time_limit(tmp_path: Path) -> None:
    """As at a node itself: it need not read, nor leave, for the statement to end."""
    clock, registry = Clock(), f"dir://{tmp_path}"
    with (
        serving(clock.clocks, registry=registry, service=SERVICE, node_id="n1") as node,
        fronting(registry, {"n1": node}, Data.PROXY) as front,
        front.client() as client,
    ):
        client.extra_headers["x-flightkeeper-statement-timeout"] = "60s"
        reader = client.get(client.plan(_ENDLESS).endpoints[0].ticket)
        reader.read_chunk()
        assert busy(front) == 1
        clock.now_s += 61
        eventually(lambda: busy(front) == 0)
        with pytest.raises(flight.FlightError, match="60000 ms"):
            deque(reader, maxlen=0)
        eventually(lambda: front.running.idle)


def test_a_result_that_breaks_is_an_error_that_says_how_much_came(
    start_front: Callable[[], Front],
) -> None:
    front = start_front()
    with front.client() as client:
        reader: Any = client.get(client.plan(_ENDLESS).endpoints[0].ticket)
        reader.read_chunk()
        # As if its node had gone away: the connection ends under the stream.
        leases = [slot for slots in front.running._pool._slots.values() for slot in slots]
        assert any(slot.leases for slot in leases)
        front.running.stop()
        with pytest.raises(flight.FlightError):
            deque(reader, maxlen=0)


class Breaking:
    """A download whose connection breaks when it is read."""

    schema = pa.schema([("i", pa.int64())])
    headers = ()

    def read(self) -> pa.RecordBatch | None:
        failure = Failure(Kind.BROKEN, "stream removed")
        raise NodeRefused(failure, flight.FlightCancelledError("stream removed"))

    def cancel(self) -> None:
        """It has no node to tell."""


@pytest.mark.parametrize(("cancelled", "kind"), [(False, Kind.BROKEN), (True, Kind.CANCELLED)])
def test_an_end_that_was_asked_for_says_nothing_of_the_node(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, *, cancelled: bool
) -> None:
    monkeypatch.setattr(results, "HELD_BACK_BYTES", 0)
    pool = Pool(lambda _instance: IdleChannel(), Loads(lambda: 0.0), lambda: 0.0)
    lease = pool.lease(instance("a"))
    statement = Statement("id", StatementKind.READ)
    attempt = Attempt(statement, StatementKind.READ, lease, Login(None, None))
    download: Any = Breaking()
    result = PassingResult(Turn(attempt, ()), download)
    if cancelled:
        result.cancel()
    failures: list[NodeRefused] = []
    assert list(result.batches(failures)) == []
    # The router learns nothing of a node from a call that was cancelled.
    assert [refused.failure.kind for refused in failures] == [kind]
    assert lease.broken is not cancelled
