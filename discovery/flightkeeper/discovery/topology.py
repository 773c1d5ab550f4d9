"""The topology: an immutable snapshot of a service's nodes, and how an event changes it.

Theory. The registry is a hint about membership, never the truth about health. So a snapshot is
replaced only by a complete successful read (`Listed`), losing the registry changes nothing but the
age of the view (`Unreachable`), and a node that vanished from the list stays routable while it
answers (`ABSENT`), until its grace is over (`Elapsed`) or a probe failed (`Silent`). When more than
half of the nodes vanish at once, or nobody is listed, the registry is what broke: nobody's grace
runs out. A node that was leaving is gone when it is not listed any more, unless that would leave
nobody.

Pure: no I/O, no clock, no randomness. Times are seconds of the caller's monotonic clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import assert_never

from flightkeeper.discovery.records import Instance, NodeState


@dataclass(frozen=True, slots=True)
class Listed:
    """A complete read of the service's records succeeded."""

    instances: tuple[Instance, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The registry stopped answering; the view grows old but stays."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Elapsed:
    """Time passed; absent nodes whose grace is over are forgotten."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Silent:
    """A probe of this incarnation failed; forgotten if the registry no longer lists it either."""

    node_id: str
    incarnation: str


Event = Listed | Unreachable | Elapsed | Silent


@dataclass(frozen=True, slots=True)
class Member:
    """A node as the snapshot knows it.

    Attributes:
        absent_since_s: when the registry stopped listing it; None while listed.
        absent_held: it vanished together with most others, so no grace runs.
    """

    instance: Instance
    absent_since_s: float | None = None
    absent_held: bool = False

    @property
    def absent(self) -> bool:
        """The registry no longer lists this node."""
        return self.absent_since_s is not None


@dataclass(frozen=True, slots=True)
class Topology:
    """All nodes of one service at one moment; replaced, never edited.

    Attributes:
        members: by node id, in the order of the ids.
        epoch: grows by one with every event that changed the members.
        listed_at_s: when the last complete read happened; None before the first.
        reachable: whether the registry answered last time.
        absent_grace_s: how long a vanished node stays routable.
    """

    members: Mapping[str, Member] = field(default_factory=lambda: MappingProxyType({}))
    epoch: int = 0
    listed_at_s: float | None = None
    reachable: bool = False
    absent_grace_s: float = 20.0

    def apply(self, event: Event) -> "Topology":
        """The next snapshot; `self` is untouched, and returned when nothing changed."""
        match event:
            case Listed(instances, at_s):
                listed = replace(self, listed_at_s=at_s, reachable=True)
                return _replace_members(listed, _merge(self.members, instances, at_s))
            case Unreachable():
                return replace(self, reachable=False) if self.reachable else self
            case Elapsed(at_s):
                if all(member.absent for member in self.members.values()):
                    return self
                kept = [m for m in self.members.values() if not self._expired(m, at_s)]
                return _replace_members(self, kept)
            case Silent(node_id, incarnation):
                kept = [m for m in self.members.values() if not _gone(m, node_id, incarnation)]
                return _replace_members(self, kept)
            case _:
                assert_never(event)

    def age_s(self, now_s: float) -> float | None:
        """Seconds since the last complete read, or None before the first."""
        return None if self.listed_at_s is None else now_s - self.listed_at_s

    def _expired(self, member: Member, now_s: float) -> bool:
        if member.absent_since_s is None or member.absent_held:
            return False
        return now_s - member.absent_since_s > self.absent_grace_s


def _merge(
    known: Mapping[str, Member], instances: tuple[Instance, ...], at_s: float
) -> Iterable[Member]:
    listed = {instance.node_id: Member(instance) for instance in instances}
    present_before = [node_id for node_id, member in known.items() if not member.absent]
    vanished = [node_id for node_id in present_before if node_id not in listed]
    hold = not listed or len(vanished) * 2 > len(present_before)
    yield from listed.values()
    unlisted = [member for node_id, member in known.items() if node_id not in listed]
    staying = [m for m in unlisted if m.instance.state is not NodeState.DRAINING]
    if not listed and not staying:
        staying = unlisted
    for member in staying:
        if member.absent:
            yield member
        else:
            yield replace(member, absent_since_s=at_s, absent_held=hold)


def _replace_members(topology: Topology, members: Iterable[Member]) -> Topology:
    chosen = {member.instance.node_id: member for member in members}
    if chosen == topology.members:
        return topology
    ordered = {node_id: chosen[node_id] for node_id in sorted(chosen)}
    return replace(topology, members=MappingProxyType(ordered), epoch=topology.epoch + 1)


def _gone(member: Member, node_id: str, incarnation: str) -> bool:
    instance = member.instance
    return member.absent and (instance.node_id, instance.incarnation) == (node_id, incarnation)
