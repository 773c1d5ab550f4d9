"""Results on their way through: whole, or an error; and stopped when nobody reads them."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.client.delivery import HELD_BACK_BYTES
from tests.client.gateway.conftest import Front
from tests.flight_server.wire_client import eventually

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
