"""Routes: everything one pick depends on, as one immutable value: topology, health and picker.

Pure; the router holds the current value and replaces it. Health is kept only for nodes that gave
cause, so that the news "it works", by far the most frequent, changes and copies nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

from flightkeeper.client import health as circuits
from flightkeeper.client import selection
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.health import NodeHealth
from flightkeeper.client.selection import Picker
from flightkeeper.discovery import topology as membership
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Member, Topology

_NOTHING: Mapping[str, NodeHealth] = MappingProxyType({})

_EVENTS: Mapping[Kind, type[circuits.Event]] = {
    Kind.NOT_SENT: circuits.ConnectFailed,
    Kind.BROKEN: circuits.CallFailed,
    Kind.INTERNAL: circuits.CallFailed,
    Kind.DRAINING: circuits.Draining,
}


def event_for(failure: Failure | None, at_s: float) -> circuits.Event | None:
    """What a call's end says about the node's health; None = nothing.

    A call that ran into its deadline says nothing: a slow statement is not a dead node. All other
    answers, refusals included, come from a node that works.
    """
    if failure is None:
        return circuits.Succeeded(at_s)
    if failure.kind in {Kind.TIMED_OUT, Kind.CANCELLED}:
        return None
    return _EVENTS.get(failure.kind, circuits.Succeeded)(at_s)


@dataclass(frozen=True, slots=True)
class Routes:
    """One moment's knowledge of a service."""

    topology: Topology = field(default_factory=Topology)
    health: Mapping[str, NodeHealth] = field(default_factory=lambda: _NOTHING)
    picker: Picker = field(default_factory=Picker)

    def after(self, event: membership.Event) -> "Routes":
        """The routes after news of the membership; health of other incarnations is dropped."""
        topology = self.topology.apply(event)
        if topology.epoch == self.topology.epoch:
            return self if topology is self.topology else replace(self, topology=topology)
        kept = {n: h for n, h in self.health.items() if _current(topology, n, h.incarnation)}
        return _routes(topology, kept)

    def seen(self, instance: Instance, event: circuits.Event, rng: Random) -> "Routes":
        """The routes after news of one node; late news of an older incarnation changes nothing."""
        node_id, incarnation = instance.node_id, instance.incarnation
        if node_id not in self.health and isinstance(event, circuits.Succeeded):
            return self
        if not _current(self.topology, node_id, incarnation):
            return self
        before = self.health.get(node_id, NodeHealth(incarnation))
        return self._changed({node_id: circuits.advance(before, event, rng)})

    def elapsed(self, at_s: float, rng: Random) -> "Routes":
        """The routes after time passed."""
        event = circuits.Elapsed(at_s)
        aged = self._changed({n: circuits.advance(h, event, rng) for n, h in self.health.items()})
        return aged.after(membership.Elapsed(at_s))

    def health_of(self, instance: Instance) -> NodeHealth:
        """What is known of a node; a fresh entry when nothing is."""
        return self.health.get(instance.node_id) or NodeHealth(instance.incarnation)

    def probes_due(self) -> Iterator[Instance]:
        """Nodes whose circuit is half-open, and nodes the registry no longer lists."""
        for node_id, node in self.health.items():
            if node.probe_due:
                yield self.topology.members[node_id].instance
        for member in self.topology.members.values():
            if member.absent and not self.health_of(member.instance).ejected:
                yield member.instance

    def _changed(self, news: Mapping[str, NodeHealth]) -> "Routes":
        if all(self.health.get(node_id) is node for node_id, node in news.items()):
            return self
        merged = {**self.health, **news}
        known = {n: h for n, h in merged.items() if h != NodeHealth(h.incarnation)}
        if _routing(known) == _routing(self.health):
            return replace(self, health=MappingProxyType(known))
        return _routes(self.topology, known)


def _routes(topology: Topology, known: Mapping[str, NodeHealth]) -> Routes:
    return Routes(topology, MappingProxyType(dict(known)), selection.build(topology, known))


def _routing(known: Mapping[str, NodeHealth]) -> frozenset[tuple[str, bool, bool]]:
    """The part of health that the picker depends on."""
    marked = ((n, h.ejected, h.draining_until_s > 0.0) for n, h in known.items())
    return frozenset(entry for entry in marked if entry[1] or entry[2])


def _current(topology: Topology, node_id: str, incarnation: str) -> bool:
    member: Member | None = topology.members.get(node_id)
    return member is not None and member.instance.incarnation == incarnation
