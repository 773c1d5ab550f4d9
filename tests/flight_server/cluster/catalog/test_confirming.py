"""Waiting until all nodes have followed."""

import threading
from dataclasses import replace

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.cluster.catalog import confirming
from flightkeeper.flight_server.cluster.catalog.confirming import Outcome, outcome

N1 = Instance("flightsql", "n1", "grpc://127.0.0.1:1", "a", catalog=7)
N2 = replace(N1, node_id="n2", catalog=5)


def wait(registry: MemoryRegistry, timeout_s: float = 10.0, *, gone: bool = False) -> Outcome:
    return confirming.wait(registry, "flightsql", 7, "s.t", gone=lambda: gone, timeout_s=timeout_s)


def test_nodes_behind_and_nodes_unable_are_told() -> None:
    unable = replace(N1, node_id="n3", catalog_problems=(("S.T", "no files"), ("s.x", "other")))
    leaving = replace(N2, node_id="n4", state=NodeState.DRAINING)
    found = outcome([N1, N2, unable, leaving], 7, "s.t")
    assert found == Outcome(("n2",), (("n3", "no files"),))


def test_it_ends_when_the_last_one_has_followed() -> None:
    registry = MemoryRegistry()
    registry.register(N1)
    second = registry.register(N2)
    timer = threading.Timer(0.05, lambda: second.update(replace(N2, catalog=8)))
    timer.start()
    assert wait(registry) == Outcome(())
    timer.join()


def test_it_ends_in_time_and_when_nobody_waits() -> None:
    registry = MemoryRegistry()
    registry.register(N2)
    assert wait(registry, 0.05) == Outcome(("n2",))
    assert wait(registry, gone=True) == Outcome(("n2",))
    registry.go_unreachable()
    assert wait(registry, 0.05) == Outcome(None)
