"""A router whose thread never runs: registry, probes and clock are in the test's hand."""

import threading
from collections.abc import Callable
from random import Random

from flightkeeper.client.failures import Failure
from flightkeeper.client.loads import Loads
from flightkeeper.client.pool import Pool
from flightkeeper.client.router import Router
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.transport import Channel
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Listener, Watch
from flightkeeper.discovery.topology import Listed
from tests.client.channels import IdleChannel


class SilentRegistry:
    """A registry that says only what the test says."""

    def __init__(self) -> None:
        self.listener: Listener = lambda _event: None
        self.closed: list[str] = []

    def watch(self, service: str, listener: Listener) -> Watch:
        assert service == "flights"
        self.listener = listener
        return _Watch(lambda: self.closed.append("watch"))

    def close(self) -> None:
        self.closed.append("registry")


class _Watch:
    def __init__(self, on_close: Callable[[], None]) -> None:
        self._on_close = on_close

    def close(self) -> None:
        self._on_close()


class StillRouter:
    """A router whose thread never runs: the test calls `tick`."""

    def __init__(self, saved: SavedTopology | None = None, zone: str = "") -> None:
        self.now_s = 1000.0
        self.probed: list[tuple[str, bool]] = []
        self.silent: dict[str, Failure | None] = {}
        self.registry = SilentRegistry()
        self.loads = Loads(self.clock)
        self.pool = Pool(lambda _instance: IdleChannel(), self.loads, self.clock)
        self.router = Router(
            "flights",
            self.pool,
            self.loads,
            self.probe,
            zone=zone,
            saved=saved,
            clock_s=self.clock,
            rng=Random(7),
        )

    def clock(self) -> float:
        return self.now_s

    def probe(self, instance: Instance, channel: Channel | None) -> Failure | None:
        self.probed.append((instance.node_id, channel is not None))
        return self.silent.get(instance.node_id)

    def start(self, *nodes: Instance) -> Router:
        self.router._thread = threading.Thread(target=bool, name="no-clock")
        self.router.start((), self.registry)
        if nodes:
            self.registry.listener(Listed(nodes, self.now_s))
        return self.router

    def tick(self, after_s: float = 0.5) -> None:
        self.now_s += after_s
        self.router.tick()

    def planned(self) -> set[str]:
        """Ids of all nodes of a plan."""
        return {node.node_id for node in self.router.plan()}

    def health(self) -> dict[str, str]:
        return {status.instance.node_id: status.health for status in self.router.nodes()}
