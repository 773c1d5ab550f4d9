"""Backpressure: readers that do not come for more cost a node a few batches each."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.flight_server.wire_client import WireClient, basic
from tests.support.processes import running

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

_RESULTS = {
    "numbers": "SELECT range AS a, range * 2 AS b, range * 0.5::DOUBLE AS c FROM range(100000000)",
    "texts": "SELECT 'text number ' || range AS a, range::VARCHAR AS b FROM range(100000000)",
}
_MB = 1_000_000
_PAUSE_S = 3.0
_SETTLE_S = 1.0
_ONE_MAX_MB = 64
_EACH_OF_MANY_MAX_MB = 25


class _Node:
    def __init__(self, location: str, process: psutil.Process) -> None:
        self.location = location
        self._process = process

    def memory_mb(self) -> float:
        return float(self._process.memory_info().rss / _MB)

    def peak_mb(self, within_s: float) -> float:
        """The most that it took within some time."""
        ends_s = time.monotonic() + within_s
        peak = self.memory_mb()
        while time.monotonic() < ends_s:
            time.sleep(0.05)
            peak = max(peak, self.memory_mb())
        return peak


@pytest.fixture(scope="module")
def node() -> Iterator[_Node]:
    with running("serve", "--insecure", "--listen", "grpc://127.0.0.1:0") as started:
        location = started.line()["location"]
        yield _Node(location, psutil.Process(started.process.pid))


@pytest.mark.parametrize("name", _RESULTS)
def test_paused_readers_cost_a_few_batches_each(node: _Node, name: str) -> None:
    _grown_mb(node, name, 1)  # what is allocated once for all
    one_mb, many_mb = _grown_mb(node, name, 1), _grown_mb(node, name, 20)
    assert one_mb < _ONE_MAX_MB
    assert many_mb < 20 * _EACH_OF_MANY_MAX_MB


def _grown_mb(node: _Node, name: str, readers: int) -> float:
    """What a node takes more while so many readers read one batch and no more."""
    before_mb = node.memory_mb()
    with ExitStack() as stack:
        for number in range(readers):
            client = stack.enter_context(WireClient(node.location, basic(f"reader{number}")))
            stream = client.get(client.plan(_RESULTS[name]).endpoints[0].ticket, 60)
            stack.callback(stream.cancel)
            stream.read_chunk()
        grown_mb = node.peak_mb(_PAUSE_S) - before_mb
    node.peak_mb(_SETTLE_S)
    return grown_mb
