"""Nodes with a lake that are killed one after another while a client goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cluster import SERVICE, Cluster
from tests.support.processes import running
from tests.support.relay import Relay, relaying

NODES = ("n1", "n2", "n3")


class LakeNodes:
    """Three nodes, a gateway, and an address that leads to one of them.

    Attributes:
        gateway: where the gateway listens.
        address: where the address is that leads to a node, as one that moves does.
    """

    def __init__(self, cluster: Cluster, gateway: str, relay: Relay) -> None:
        self._cluster = cluster
        self.gateway = gateway
        self.address = relay.location
        self._relay = relay
        self._alive = list(NODES)

    def kill_next(self) -> bool:
        """SIGKILL for the node that the address leads to; it starts again, with another life."""
        node_id = self._alive.pop(0)
        self._cluster.kill(node_id)
        self._relay.lead_to(self._cluster.locations[self._alive[0]])
        self._cluster.start(node_id)
        self._alive.append(node_id)
        return True


@contextmanager
def lake_nodes(home: Path) -> Iterator[LakeNodes]:
    """Nodes on a lake in SQLite while the context is open."""
    registry = f"dir://{home}/registry"
    lake = f"ducklake:sqlite:{home}/lake.sqlite"
    with Cluster(registry, None, FLIGHTKEEPER_LAKE=lake) as cluster:
        for node_id in NODES:
            cluster.start(node_id)
        with (
            running("gateway", "--registry", registry, "--service", SERVICE) as gateway,
            relaying(cluster.locations[NODES[0]]) as relay,
        ):
            yield LakeNodes(cluster, gateway.line()["location"], relay)
