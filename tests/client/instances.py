"""Instances and topologies for the client's tests, in as few words as possible."""

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Listed, Topology


def instance(
    node_id: str,
    incarnation: str = "one",
    state: NodeState = NodeState.UP,
    weight: int = 100,
) -> Instance:
    """A node's record."""
    location = f"grpc://{node_id}.example:31337"
    return Instance("flights", node_id, location, incarnation, state=state, weight=weight)


def topology(*instances: Instance) -> Topology:
    """A snapshot of these nodes, just read."""
    return Topology().apply(Listed(instances, 0.0))
