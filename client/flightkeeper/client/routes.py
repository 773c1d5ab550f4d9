"""Routes: everything one pick depends on, as one immutable value: topology, health and picker.

Pure; the router holds the current value and replaces it. Health is kept only for nodes that gave
cause, so that the news "it works", by far the most frequent, changes and copies nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

from flightkeeper.client import health as circuits
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.health import NodeHealth
from flightkeeper.client.picker import Group, Picker, Tier, Viewpoint, build
from flightkeeper.discovery import topology as membership
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Member, Topology

_NOTHING: Mapping[str, NodeHealth] = MappingProxyType({})
_NOTHING_PICKED: Mapping[Tier, Group] = MappingProxyType({})

_EVENTS: Mapping[Kind, type[circuits.ConnectFailed | circuits.CallFailed]] = {
    Kind.NOT_SENT: circuits.ConnectFailed,
    Kind.BROKEN: circuits.CallFailed,
    Kind.INTERNAL: circuits.CallFailed,
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
    asked_ms = failure.retry_after_ms
    if failure.kind is Kind.DRAINING or (failure.kind is Kind.OVERLOADED and asked_ms is not None):
        return circuits.Declined(at_s, None if asked_ms is None else asked_ms / 1000.0)
    return _EVENTS.get(failure.kind, circuits.Succeeded)(at_s)


@dataclass(frozen=True, slots=True)
class Routes:
    """One moment's knowledge of a service, as one client sees it."""

    topology: Topology = field(default_factory=Topology)
    health: Mapping[str, NodeHealth] = field(default_factory=lambda: _NOTHING)
    picker: Picker = field(default_factory=lambda: Picker(_NOTHING_PICKED))
    here: Viewpoint = field(default_factory=Viewpoint)

    def after(self, event: membership.Event) -> "Routes":
        """The routes after news of the membership; health of other incarnations is dropped.

        A node that joins a service begins with a slow start. That an absent node is silent counts
        only while a node that is listed works: else the list is what is wrong, or our network.
        """
        if isinstance(event, membership.Silent) and not self._vouched_for():
            return self
        topology = self.topology.apply(event)
        if topology.epoch == self.topology.epoch:
            return self if topology is self.topology else replace(self, topology=topology)
        kept = {n: h for n, h in self.health.items() if _current(topology, n, h.incarnation)}
        if isinstance(event, membership.Listed) and self.topology.members:
            kept |= self._joining(topology, event.at_s)
        return self._with(topology, kept)

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

    def half_open(self) -> Iterator[Instance]:
        """Nodes whose circuit waits for its one probe, longest first."""
        waiting = [(node.until_s, n) for n, node in self.health.items() if node.probe_due]
        for _, node_id in sorted(waiting):
            yield self.topology.members[node_id].instance

    def absent(self) -> Iterator[Instance]:
        """Nodes that are used although the registry no longer lists them."""
        for member in self.topology.members.values():
            if member.absent and not self.health_of(member.instance).ejected:
                yield member.instance

    def _vouched_for(self) -> bool:
        """Whether a node that the registry lists works, as far as is known."""
        return any(
            not member.absent and not self.health_of(member.instance).ejected
            for member in self.topology.members.values()
        )

    def _joining(self, topology: Topology, at_s: float) -> dict[str, NodeHealth]:
        """Nodes that take statements now and did not before."""
        before = self.topology.members
        return {
            node_id: circuits.joining(member.instance.incarnation, at_s)
            for node_id, member in topology.members.items()
            if _takes(member) and not _same(before.get(node_id), member)
        }

    def _changed(self, news: Mapping[str, NodeHealth]) -> "Routes":
        if all(self.health.get(node_id) is node for node_id, node in news.items()):
            return self
        merged = {**self.health, **news}
        known = {n: h for n, h in merged.items() if h != NodeHealth(h.incarnation)}
        if _routing(known) == _routing(self.health):
            return replace(self, health=MappingProxyType(known))
        return self._with(self.topology, known)

    def _with(self, topology: Topology, known: Mapping[str, NodeHealth]) -> "Routes":
        sorted_anew = build(topology, known, self.here)
        return Routes(topology, MappingProxyType(dict(known)), sorted_anew, self.here)


def _routing(known: Mapping[str, NodeHealth]) -> frozenset[tuple[str, bool, bool, float]]:
    """The part of health that the picker depends on."""
    marked = ((n, h.ejected, h.spared, h.share) for n, h in known.items())
    return frozenset(entry for entry in marked if entry[1:] != _WELL)


_WELL = (False, False, 1.0)


def _takes(member: Member) -> bool:
    return not member.absent and member.instance.state is NodeState.UP


def _same(before: Member | None, now: Member) -> bool:
    if before is None or before.instance.state is not NodeState.UP:
        return False
    return before.instance.incarnation == now.instance.incarnation


def _current(topology: Topology, node_id: str, incarnation: str) -> bool:
    member: Member | None = topology.members.get(node_id)
    return member is not None and member.instance.incarnation == incarnation
