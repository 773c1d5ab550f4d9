"""Selection: in which order one statement tries the nodes.

Theory. A picker is made once for every change of the topology or of somebody's health, and sorts
the nodes into tiers; a plan draws from it lazily, so that a pick costs the same for three nodes
and for a thousand. Within a tier the draw is "two random choices": of two random nodes the less
loaded one, which avoids both the pile-up of "least loaded" on stale news and the blindness of
round robin. Whatever is drawn is not drawn again, so a plan names every node once.

When more than half of the nodes are ejected the fault is more likely ours, and piling everything
on the rest would finish it: then ejection is ignored (panic).

Pure: load is a function argument, randomness is an argument.
Spec: power of two choices after Mitzenmacher 2001; panic threshold after Envoy.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from flightkeeper.client.health import NodeHealth
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Topology

PANIC_SHARE = 0.5
"""Share of nodes that may be ejected before ejection is ignored."""

LoadOf = Callable[[str], float]
"""By node id: statements this client has in flight there, plus what the node last reported."""


@dataclass(frozen=True, slots=True)
class Picker:
    """The nodes of a service in tiers, for one epoch of topology and health.

    Attributes:
        preferred: nodes that work, as far as is known.
        ejected: nodes whose circuit is open; empty in a panic.
        last_resort: nodes that are leaving, starting, or have weight 0.
    """

    preferred: tuple[Instance, ...] = ()
    ejected: tuple[Instance, ...] = ()
    last_resort: tuple[Instance, ...] = ()


def build(topology: Topology, health: Mapping[str, NodeHealth]) -> Picker:
    """Sort the nodes of a snapshot into tiers.

    Args:
        health: by node id; entries of another incarnation than the topology's do not count.
    """
    preferred: list[Instance] = []
    ejected: list[Instance] = []
    last_resort: list[Instance] = []
    for member in topology.members.values():
        instance = member.instance
        seen = health.get(instance.node_id)
        if seen is not None and seen.incarnation != instance.incarnation:
            seen = None
        if _unwilling(instance) or (seen is not None and seen.draining_until_s > 0.0):
            last_resort.append(instance)
        elif seen is not None and seen.ejected:
            ejected.append(instance)
        else:
            preferred.append(instance)
    if len(ejected) > PANIC_SHARE * (len(ejected) + len(preferred)):
        preferred, ejected = preferred + ejected, []
    return Picker(tuple(preferred), tuple(ejected), tuple(last_resort))


def plan(picker: Picker, load_of: LoadOf, rng: Random) -> Iterator[Instance]:
    """Order the nodes one statement may try, best first, drawn as they are needed.

    Args:
        rng: decides between equals; seed it to reproduce a choice.

    Returns:
        Every node of the picker once: preferred ones first, ejected ones only when those have
        been tried, draining ones only when nothing else is left.
    """
    yield from _draw(picker.preferred, load_of, rng)
    yield from _draw(picker.ejected, load_of, rng)
    yield from _draw(picker.last_resort, load_of, rng)


def _unwilling(instance: Instance) -> bool:
    return instance.state is not NodeState.UP or instance.weight <= 0


def _draw(tier: tuple[Instance, ...], load_of: LoadOf, rng: Random) -> Iterator[Instance]:
    # A Fisher-Yates shuffle that keeps only the places it has changed: a draw copies nothing.
    moved: dict[int, Instance] = {}
    for last in range(len(tier) - 1, -1, -1):
        place = int(rng.random() * (last + 1))
        chosen = moved.get(place, tier[place])
        if last:
            other_place = (place + 1 + int(rng.random() * last)) % (last + 1)
            other = moved.get(other_place, tier[other_place])
            if _cost(other, load_of) < _cost(chosen, load_of):
                place, chosen = other_place, other
        yield chosen
        moved[place] = moved.get(last, tier[last])


def _cost(instance: Instance, load_of: LoadOf) -> float:
    # Spec: Envoy's weighted least request divides the active requests, plus one, by the weight.
    return (load_of(instance.node_id) + 1.0) / max(instance.weight, 1)
