"""Machines for nodes, which can be cut off: namespaces for root, else relays in front of the nodes.

A namespace that is cut hears nothing and says nothing, as a machine without power. A relay that is
cut still takes connections and lets nothing through them, as a frozen one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from tests.support.network import Network, Place, available
from tests.support.relay import Relay, relaying
from tests.support.zookeeper_server import LOOPBACK, free_ports


class Host(Protocol):
    """Where a node runs.

    Attributes:
        flags: of the node's command, so that clients find it there.
        inside: what to put before a command so that it runs there.
    """

    @property
    def flags(self) -> str: ...

    @property
    def inside(self) -> Sequence[str]: ...

    def cut(self) -> None:
        """Let nothing in or out."""

    def heal(self) -> None:
        """Let everything in and out."""


@dataclass(frozen=True)
class _Namespace:
    place: Place

    @property
    def flags(self) -> str:
        return f"--listen grpc://{self.place.address}:0"

    @property
    def inside(self) -> Sequence[str]:
        return self.place.inside

    def cut(self) -> None:
        self.place.cut()

    def heal(self) -> None:
        self.place.heal()


@dataclass(frozen=True)
class _Relayed:
    port: int
    relay: Relay
    inside: Sequence[str] = ()

    @property
    def flags(self) -> str:
        return f"--listen grpc://127.0.0.1:{self.port} --advertise {self.relay.location}"

    def cut(self) -> None:
        self.relay.cut()

    def heal(self) -> None:
        self.relay.heal()


@contextmanager
def machines(node_ids: Sequence[str]) -> Iterator[tuple[Place, Mapping[str, Host]]]:
    """A place for a ZooKeeper that all reach, and a machine for each node."""
    with ExitStack() as stack:
        if available():
            first, *others = stack.enter_context(Network(1 + len(node_ids))).places
            yield first, dict(zip(node_ids, map(_Namespace, others), strict=True))
        else:
            hosts: dict[str, Host] = {}
            for node_id, port in zip(node_ids, free_ports(len(node_ids)), strict=True):
                relay = stack.enter_context(relaying(f"grpc://127.0.0.1:{port}"))
                hosts[node_id] = _Relayed(port, relay)
            yield LOOPBACK, hosts
