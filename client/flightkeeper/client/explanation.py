"""Explanation: why this node, as a value; for people who ask where a statement would go.

Pure: the same draw as a plan's, with what it was decided on.
"""

from dataclasses import dataclass
from random import Random

from flightkeeper.client.picker import Tier
from flightkeeper.client.routes import Routes
from flightkeeper.client.selection import Hints, LoadOf, Pick, Rule, picks


@dataclass(frozen=True, slots=True)
class Explanation:
    """The order in which a statement would try the nodes, and what it was decided on.

    Attributes:
        picks: best first, each with its reason.
        left_out: ids of nodes that do not have the role that was asked for.
        panic: most nodes are ejected, so ejection was ignored.
        zone: the client's own, or "".
        circuits: by node id, the state of those that are not plainly well.
        absent: ids of nodes that the registry no longer lists.
    """

    hints: Hints
    picks: tuple[Pick, ...]
    left_out: tuple[str, ...]
    panic: bool
    zone: str
    circuits: dict[str, str]
    absent: frozenset[str]

    def lines(self) -> tuple[str, ...]:
        """In words: one line a node, and what holds for all of them."""
        shown = [f"{n}. {self._words(pick)}" for n, pick in enumerate(self.picks, start=1)]
        if self.left_out:
            names = ", ".join(self.left_out)
            shown.append(f"left out, without the role {self.hints.role!r}: {names}")
        if self.panic:
            shown.append("more than half of the nodes are ejected, so ejection is ignored")
        return tuple(shown)

    def _words(self, pick: Pick) -> str:
        node_id = pick.instance.node_id
        facts = [pick.rule.value, f"load {pick.load:g}"]
        if pick.other is not None:
            facts.append(f"{pick.other.node_id} has {pick.other_load:g}")
        if pick.tier is not Tier.PREFERRED:
            facts.append(pick.tier.value)
        if pick.home is not None and pick.rule is not Rule.HOME:
            facts.append(f"its home is {pick.home.node_id}")
        if pick.share < pick.instance.weight / 100.0:
            facts.append(f"slow start, share {pick.share:.2f}")
        if node_id in self.circuits:
            facts.append(f"circuit {self.circuits[node_id]}")
        if node_id in self.absent:
            facts.append("not listed by the registry")
        if self.zone and pick.instance.zone != self.zone:
            facts.append(f"in zone {pick.instance.zone or 'unknown'!r}, not {self.zone!r}")
        return f"{node_id}: " + "; ".join(facts)


def explain(routes: Routes, load_of: LoadOf, rng: Random, hints: Hints) -> Explanation:
    """What a plan would be now, and why."""
    drawn = tuple(picks(routes.picker, load_of, rng, hints))
    members = routes.topology.members
    named = {pick.instance.node_id for pick in drawn}
    return Explanation(
        hints=hints,
        picks=drawn,
        left_out=tuple(node_id for node_id in members if node_id not in named),
        panic=routes.picker.panic,
        zone=routes.here.zone,
        circuits={n: h.circuit.value for n, h in routes.health.items() if h.ejected},
        absent=frozenset(node_id for node_id, member in members.items() if member.absent),
    )
