"""What the client adds to a statement, without the network: python -m benchmarks.router_pick.

A pick alone, by the number of nodes and what the statement asks for; the making of a picker after
a change; and a whole `Connection.query` over channels that answer at once.
"""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pyarrow as pa

from flightkeeper.client.affinity import key_of
from flightkeeper.client.connection import Connection, Limits
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.options import parse_url
from flightkeeper.client.picker import Picker, Viewpoint, build
from flightkeeper.client.selection import ANY, Hints, plan
from flightkeeper.client.transport import CallSettings, Endpoint
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Listed, Topology

NODES = (3, 100, 1000)
SQL = "SELECT day, sum(amount) FROM shop.sales WHERE day = '2026-11-01' GROUP BY ALL"
_PICKS = 5_000
_STATEMENTS = 500
_ROUNDS = 7

HINTS: Mapping[str, Hints] = {
    "any": ANY,
    "affinity": Hints(affinity=key_of(SQL)),
    "role": Hints(role="reader"),
}


def microseconds(nodes: int, hints: Hints = ANY, zone: str = "") -> float:
    """Microseconds of one pick among so many nodes; the best of several rounds."""
    picker, loads, rng = *_service(nodes, zone), Random(1)
    return _best(lambda: next(plan(picker, loads.of, rng, hints)), _PICKS)


def rebuild_microseconds(nodes: int) -> float:
    """Microseconds of sorting the nodes anew after a change; the best of several rounds."""
    topology = _topology(nodes)
    return _best(lambda: build(topology, {}), 5)


def key_microseconds() -> float:
    """Microseconds of finding the key of a statement that was not seen before."""
    texts = iter(range(10_000_000))
    return _best(lambda: key_of(f"{SQL} LIMIT {next(texts)}"), _PICKS)


def statement_microseconds() -> float:
    """Microseconds of a whole query, its result read, over channels that answer at once."""
    options = parse_url("flightsql://h1:1,h2:2,h3:3?transport=tcp")
    connection = _Local(options, Login(None, None), limits=Limits())
    connection.open()
    try:
        return _best(lambda: connection.query(SQL).read_all(), _STATEMENTS)
    finally:
        connection.close()


class _Local(Connection):
    """A connection whose nodes are in its own process, and answer nothing but one batch."""

    def _open_channel(self, _instance: Instance) -> Any:
        return _Answering()


class _Answering:
    """A channel."""

    def plan(self, _command: bytes, settings: CallSettings) -> tuple[Endpoint, ...]:
        settings.to_flight()
        return (Endpoint(b"ticket", ()),)

    def open(self, _ticket: bytes, settings: CallSettings) -> "_Batches":
        settings.to_flight()
        return _Batches()

    def act(self, _action: str, _body: bytes, _settings: CallSettings) -> list[bytes]:
        """A sign of life."""
        return []

    def close(self) -> None:
        """Nothing to let go."""


class _Batches:
    """A result of one batch."""

    batch = pa.RecordBatch.from_pydict({"answer": [42]})
    schema = batch.schema

    def __init__(self) -> None:
        self._left = [self.batch]

    def read(self) -> pa.RecordBatch | None:
        return self._left.pop() if self._left else None

    def cancel(self) -> None:
        """Nothing runs."""


def _best(once: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        for _ in range(times):
            once()
        best = min(best, (time.perf_counter() - started) / times)
    return best * 1e6


def _service(nodes: int, zone: str) -> tuple[Picker, Loads]:
    loads, rng = Loads(time.monotonic), Random(2)
    topology = _topology(nodes)
    for node_id in topology.members:
        loads.report(node_id, rng.randrange(20))
    return build(topology, {}, Viewpoint(zone)), loads


def _topology(nodes: int) -> Topology:
    records = (
        Instance(
            "flights",
            f"node-{number:04}",
            f"grpc://10.0.0.1:{10_000 + number}",
            "one",
            zone="east" if number % 2 else "west",
        )
        for number in range(nodes)
    )
    return Topology().apply(Listed(tuple(records), 0.0))


def main() -> None:
    """Print a line for each number of nodes."""
    headings = "".join(f" {name + ', µs':>13}" for name in (*HINTS, "zone"))
    print(f"{'nodes':>6}{headings} {'sorting anew, µs':>18}")
    for nodes in NODES:
        picks = [microseconds(nodes, hints) for hints in HINTS.values()]
        picks.append(microseconds(nodes, zone="east"))
        shown = "".join(f" {pick:>13.2f}" for pick in picks)
        print(f"{nodes:>6}{shown} {rebuild_microseconds(nodes):>18.1f}")
    print(f"key of a new text: {key_microseconds():.1f} µs")
    print(f"a whole query, without the network: {statement_microseconds():.0f} µs")


if __name__ == "__main__":
    main()
