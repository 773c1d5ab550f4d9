"""The picker: the nodes of a service sorted for choosing, once for every change.

Theory. A picker is made when the topology or somebody's health has changed, and sorts the nodes
into tiers; `selection` draws from it, so that a pick costs the same for three nodes and for a
thousand.

A service of more than `SUBSET_MAX` nodes is not used by one client as a whole: each prefers the
subset that hashing gives it, of its own zone first, and takes others when that has failed.

When more than half of the nodes are ejected the fault is more likely ours, and piling everything
on the rest would finish it: then ejection is ignored (panic).

Pure.
Spec: panic threshold after Envoy; subsets after gRPC's A68.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest

from flightkeeper.client.health import NodeHealth
from flightkeeper.client.rendezvous import distance, mark
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Topology

PANIC_SHARE = 0.5
"""Share of nodes that may be ejected before ejection is ignored."""
SUBSET_MAX = 50
"""Nodes that one client spreads its statements over."""
HOMES_MAX = 3
"""Nodes that a key has, in the order in which they are tried."""
KEYS_MAX = 1_024
"""Keys whose homes are remembered."""

_USUAL_WEIGHT = 100.0
LEAST_SHARE = 0.01
"""Stands for a weight of nothing where it divides."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Who is choosing: what makes the same service look different to two clients.

    Attributes:
        zone: where the client is; its own zone's nodes are preferred. "" = anywhere.
        client: names the client, to give it its subset of a large service.
    """

    zone: str = ""
    client: str = ""


ANYWHERE = Viewpoint()


class Tier(Enum):
    """What kind of choice a node is; in the order in which a plan names them."""

    PREFERRED = "preferred"
    """Works, as far as is known."""
    BEYOND = "beyond the subset"
    """Works, and is left to other clients of a large service."""
    EJECTED = "ejected"
    """Its circuit is open."""
    LAST_RESORT = "last resort"
    """Leaving, starting, of weight 0, or it asked to be spared for a while."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as the picker sees it.

    Attributes:
        weight: 1.0 = the usual one.
        ramp: what slow start leaves of its traffic; 1.0 = all.
        mark: stands for its id in rendezvous hashing.
    """

    instance: Instance
    weight: float
    ramp: float
    mark: int

    def distance(self, key: int) -> float:
        """How far it is from a key; the nearest has it."""
        return distance(key, self.mark, self.weight or LEAST_SHARE)

    @property
    def share(self) -> float:
        """Its part of the traffic, 1.0 = that of a usual node."""
        return self.weight * self.ramp

    def serves(self, role: str) -> bool:
        """Whether it may be asked for something of this role."""
        return not self.instance.roles or role in self.instance.roles


Candidates = tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Nodes among which zone makes no difference."""

    candidates: Candidates = ()
    # What was worked out before, by key: the answer never changes.
    _homes: dict[int, Candidates] = field(default_factory=dict, compare=False, repr=False)

    def homes(self, key: int) -> Candidates:
        """The nodes that have a key, best first."""
        found = self._homes.get(key)
        if found is None:
            # Slow start must not move a key: it counts later, where the load is bounded.
            found = tuple(nsmallest(HOMES_MAX, self.candidates, lambda c: c.distance(key)))
            if len(self._homes) >= KEYS_MAX:
                self._homes.clear()
            self._homes[key] = found
        return found

    def serving(self, role: str) -> "Part":
        """Those that may be asked for something of a role."""
        return Part(tuple(candidate for candidate in self.candidates if candidate.serves(role)))


@dataclass(frozen=True, slots=True)
class Group:
    """The nodes of one tier.

    Attributes:
        near: of the client's zone; all of them when it has none, or when none is of its zone.
        far: the others.
    """

    near: Part
    far: Part = field(default_factory=Part)

    def serving(self, role: str) -> "Group":
        """Those that may be asked for something of a role."""
        near, far = self.near.serving(role), self.far.serving(role)
        return Group(near, far) if near.candidates else Group(far)


@dataclass(frozen=True, slots=True)
class Picker:
    """The nodes of a service in tiers, for one epoch of topology and health.

    Attributes:
        panic: most nodes are ejected, so ejection is ignored.
    """

    groups: Mapping[Tier, Group]
    panic: bool = False

    def nodes(self, tier: Tier) -> tuple[Instance, ...]:
        """Who is in a tier."""
        group = self.groups.get(tier)
        if group is None:
            return ()
        both = group.near.candidates + group.far.candidates
        return tuple(candidate.instance for candidate in both)


def build(
    topology: Topology, health: Mapping[str, NodeHealth], here: Viewpoint = ANYWHERE
) -> Picker:
    """Sort the nodes of a snapshot into tiers.

    Args:
        health: by node id; entries of another incarnation than the topology's do not count.
    """
    willing: list[Candidate] = []
    ejected: list[Candidate] = []
    last_resort: list[Candidate] = []
    for member in topology.members.values():
        instance = member.instance
        seen = health.get(instance.node_id)
        if seen is not None and seen.incarnation != instance.incarnation:
            seen = None
        ramp = 1.0 if seen is None else seen.share
        weight = instance.weight / _USUAL_WEIGHT
        candidate = Candidate(instance, weight, ramp, mark(instance.node_id))
        if _unwilling(instance) or (seen is not None and seen.spared):
            last_resort.append(candidate)
        elif seen is not None and seen.ejected:
            ejected.append(candidate)
        else:
            willing.append(candidate)
    panic = len(ejected) > PANIC_SHARE * (len(ejected) + len(willing))
    if panic:
        willing, ejected = willing + ejected, []
    preferred, beyond = _subset(willing, here)
    parts = zip(Tier, (preferred, beyond, ejected, last_resort), strict=True)
    return Picker({tier: _by_zone(part, here.zone) for tier, part in parts if part}, panic)


def _unwilling(instance: Instance) -> bool:
    return instance.state is not NodeState.UP or instance.weight <= 0


def _subset(willing: list[Candidate], here: Viewpoint) -> tuple[list[Candidate], list[Candidate]]:
    """A client's own nodes, and those it leaves to others."""
    if len(willing) <= SUBSET_MAX:
        return willing, []
    own = mark(here.client)
    ranked = sorted(willing, key=lambda c: distance(own, c.mark))
    if here.zone:
        # Stable: within a zone, the order of the hash.
        ranked.sort(key=lambda candidate: candidate.instance.zone != here.zone)
    return ranked[:SUBSET_MAX], ranked[SUBSET_MAX:]


def _by_zone(candidates: list[Candidate], zone: str) -> Group:
    near = tuple(c for c in candidates if c.instance.zone == zone) if zone else ()
    if not near:
        return Group(Part(tuple(candidates)))
    return Group(Part(near), Part(tuple(c for c in candidates if c.instance.zone != zone)))
