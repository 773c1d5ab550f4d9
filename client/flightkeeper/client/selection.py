"""Selection: in which order one statement tries the nodes.

Theory. A plan draws from the picker lazily, tier by tier, and draws nothing twice, so it names
every node once. Within a tier, in this order:

1. Affinity. A statement with a key has homes: the nodes that rendezvous hashing gives the key,
   whose caches have what it reads. A home is taken unless it carries `HOME_LOAD_MAX` times what
   an equal share of the tier's load would be.
2. Two random choices: of two random nodes the less loaded one, which avoids both the pile-up of
   "least loaded" on stale news and the blindness of round robin.
3. Zone. Both are asked of the client's own zone first. Its node is passed over for one of
   another zone when it is busy and carries more than `ZONE_LOAD_MAX` times the other's load.

Pure: load is a function argument, randomness is an argument.
Spec: power of two choices after Mitzenmacher 2001; bounded loads after Mirrokni, Thorup and
Zadimoghaddam 2016.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from math import inf
from random import Random
from typing import NamedTuple

from flightkeeper.client.picker import LEAST_SHARE, Candidate, Candidates, Part, Picker, Tier
from flightkeeper.client.rendezvous import mark
from flightkeeper.discovery.records import Instance

HOME_LOAD_MAX = 1.25
"""Load of a home, in equal shares, from which on a statement goes elsewhere."""
HOME_LOAD_FREE = 2.0
"""Statements in flight below which a home of usual weight is never left for its load."""
ZONE_LOAD_MAX = 2.0
"""Load of a node in the own zone, in loads of one elsewhere, from which on that one is taken."""
ZONE_LOAD_FREE = 4.0
"""Statements in flight below which a node of the own zone is never left for its load."""

LoadOf = Callable[[str], float]
"""By node id: statements in flight there, as far as this client can tell."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What one statement asks of its node.

    Attributes:
        role: only nodes that have this role, or that name no roles at all; "" = any.
        affinity: statements with the same text here prefer the same node, for its caches.
    """

    role: str = ""
    affinity: str = ""


ANY = Hints()


class Rule(Enum):
    """Why a node was picked before the others of its tier."""

    ONLY = "the only one left"
    TWO_CHOICES = "the less loaded of two"
    HOME = "has this in its caches"
    OTHER_ZONE = "the own zone is busy"


class Pick(NamedTuple):
    """A node and why it is the one.

    Attributes:
        share: its weight, 1.0 = the usual one, less what slow start takes off.
        load: what it was taken to carry.
        other: the node it was compared with, if any, and what that one carried.
        home: the node the statement's affinity names first, if it has any.
    """

    instance: Instance
    tier: Tier
    rule: Rule
    share: float
    load: float
    other: Instance | None = None
    other_load: float = 0.0
    home: Instance | None = None


def picks(picker: Picker, load_of: LoadOf, rng: Random, hints: Hints = ANY) -> Iterator[Pick]:
    """Draw the nodes one statement may try, best first, each with the reason.

    Args:
        rng: decides between equals; seed it to reproduce a choice.

    Returns:
        Every node of the picker once that may serve the hints' role, tier by tier.
    """
    key = mark(hints.affinity) if hints.affinity else None
    for tier, group in picker.groups.items():
        chosen = group.serving(hints.role) if hints.role else group
        near = _drawn(tier, chosen.near, load_of, rng, key)
        if chosen.far.candidates:
            far = _drawn(tier, chosen.far, load_of, rng, key)
            near = _with_other_zones(near, far)
        yield from near


def plan(picker: Picker, load_of: LoadOf, rng: Random, hints: Hints = ANY) -> Iterator[Instance]:
    """The nodes of `picks`, drawn as they are needed."""
    for pick in picks(picker, load_of, rng, hints):
        yield pick.instance


def _drawn(tier: Tier, part: Part, load_of: LoadOf, rng: Random, key: int | None) -> Iterator[Pick]:
    if key is None or len(part.candidates) < 2:  # noqa: PLR2004  nothing to choose
        return _two_choices(tier, part.candidates, load_of, rng)
    return _by_affinity(tier, part, load_of, rng, key)


def _by_affinity(tier: Tier, part: Part, load_of: LoadOf, rng: Random, key: int) -> Iterator[Pick]:
    homes = part.homes(key)
    first = homes[0].instance
    full: list[Candidate] = []
    for home in homes:
        load = load_of(home.instance.node_id)
        if load < HOME_LOAD_FREE * home.share or load < _allowed(part, load_of) * home.share:
            yield Pick(home.instance, tier, Rule.HOME, home.share, load, home=first)
        else:
            full.append(home)
    marks = {home.mark for home in homes}
    others = tuple(c for c in part.candidates if c.mark not in marks)
    for candidates in (others, tuple(full)):
        for pick in _two_choices(tier, candidates, load_of, rng):
            yield pick._replace(home=first)


def _allowed(part: Part, load_of: LoadOf) -> float:
    """The load from which on a home of usual weight is full."""
    # Spec: with bounded loads a node takes at most c times the average, the new one included.
    total = sum(load_of(candidate.instance.node_id) for candidate in part.candidates) + 1.0
    shares = sum(candidate.share for candidate in part.candidates) or 1.0
    return HOME_LOAD_MAX * total / shares


def _two_choices(
    tier: Tier, candidates: Candidates, load_of: LoadOf, rng: Random
) -> Iterator[Pick]:
    # A Fisher-Yates shuffle that keeps only the places it has changed: a draw copies nothing.
    moved: dict[int, Candidate] = {}
    for last in range(len(candidates) - 1, 0, -1):
        place = int(rng.random() * (last + 1))
        other_place = (place + 1 + int(rng.random() * last)) % (last + 1)
        chosen = moved.get(place, candidates[place])
        other = moved.get(other_place, candidates[other_place])
        load, other_load = load_of(chosen.instance.node_id), load_of(other.instance.node_id)
        if _cost(other, other_load, rng) < _cost(chosen, load, rng):
            place, chosen, load, other, other_load = other_place, other, other_load, chosen, load
        yield Pick(
            chosen.instance,
            tier,
            Rule.TWO_CHOICES,
            chosen.share,
            load,
            other.instance,
            other_load,
        )
        moved[place] = moved.get(last, candidates[last])
    if candidates:
        only = moved.get(0, candidates[0])
        load = load_of(only.instance.node_id)
        yield Pick(only.instance, tier, Rule.ONLY, only.share, load)


def _with_other_zones(near: Iterator[Pick], far: Iterator[Pick]) -> Iterator[Pick]:
    away: Pick | None = None
    for home in near:
        while home.load >= ZONE_LOAD_FREE * home.share:
            away = away or next(far, None)
            if away is None or not _spills(home, away):
                break
            yield away._replace(rule=Rule.OTHER_ZONE, other=home.instance, other_load=home.load)
            away = None
        yield home
    if away is not None:
        yield away
    yield from far


def _spills(home: Pick, away: Pick) -> bool:
    here = (home.load + 1.0) / (home.share or LEAST_SHARE)
    return here > ZONE_LOAD_MAX * (away.load + 1.0) / (away.share or LEAST_SHARE)


def _cost(candidate: Candidate, load: float, rng: Random) -> float:
    # In its slow start a node takes part in so many of the choices that it would take part in.
    if candidate.ramp < 1.0 and rng.random() >= candidate.ramp:
        return inf
    # Spec: Envoy's weighted least request divides the active requests, plus one, by the weight.
    return (load + 1.0) / (candidate.weight or LEAST_SHARE)
