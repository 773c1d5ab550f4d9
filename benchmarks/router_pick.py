"""What one pick of the router costs, without any call: python -m benchmarks.router_pick.

A statement that meets no failure draws one node from a plan; one that fails over draws more. Load
look-ups are the router's own, with a report for every node.
"""

import time
from random import Random

from flightkeeper.client.loads import Loads
from flightkeeper.client.selection import Picker, build, plan
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Listed, Topology

NODES = (3, 100, 1000)
_PICKS = 5_000
_ROUNDS = 7


def microseconds(nodes: int) -> float:
    """Microseconds of one pick among so many nodes; the best of several rounds."""
    picker, loads = _service(nodes)
    rng = Random(1)
    return min(_round(picker, loads, rng) for _ in range(_ROUNDS))


def rebuild_microseconds(nodes: int) -> float:
    """Microseconds of sorting the nodes anew after a change; the best of several rounds."""
    topology = _topology(nodes)
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        build(topology, {})
        best = min(best, time.perf_counter() - started)
    return best * 1e6


def _round(picker: Picker, loads: Loads, rng: Random) -> float:
    started = time.perf_counter()
    for _ in range(_PICKS):
        next(plan(picker, loads.of, rng))
    return (time.perf_counter() - started) / _PICKS * 1e6


def _service(nodes: int) -> tuple[Picker, Loads]:
    loads, rng = Loads(time.monotonic), Random(2)
    topology = _topology(nodes)
    for node_id in topology.members:
        loads.report(node_id, rng.randrange(20))
    return build(topology, {}), loads


def _topology(nodes: int) -> Topology:
    records = (
        Instance("flights", f"node-{number:04}", f"grpc://10.0.0.1:{10_000 + number}", "one")
        for number in range(nodes)
    )
    return Topology().apply(Listed(tuple(records), 0.0))


def main() -> None:
    """Print a line for each number of nodes."""
    print(f"{'nodes':>6} {'pick, µs':>10} {'sorting anew, µs':>18}")
    for nodes in NODES:
        print(f"{nodes:>6} {microseconds(nodes):>10.2f} {rebuild_microseconds(nodes):>18.1f}")


if __name__ == "__main__":
    main()
