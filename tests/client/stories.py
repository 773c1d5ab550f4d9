"""Stories: phases of what happens to a router, and what it must know and do after each.

Runs the real router, routes, health, selection, outliers, loads and budget, without a socket and
without a thread; scenarios/README.md has the format.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.picker import Tier
from flightkeeper.client.router import TICK_S
from flightkeeper.client.saved_topology import SavedTopology
from flightkeeper.client.selection import Hints
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import Listed, Unreachable
from tests.client.still_router import StillRouter

Phase = Mapping[str, Any]

PICKS = 2_000
TOLERANCE = 0.04


def record(text: str) -> Instance:
    """A node's record, from `ID[/INCARNATION[/STATE]] [zone=…] [weight=…] [roles=…,…]`."""
    name, *facts = text.split()
    node_id, incarnation, state = (name.split("/") + ["1", "UP"][name.count("/") :])[:3]
    said = dict(fact.split("=") for fact in facts)
    return Instance(
        "flights",
        node_id,
        f"grpc://{said.get('at', node_id)}.example:31337",
        incarnation,
        state=NodeState(state),
        zone=said.get("zone", ""),
        weight=int(said.get("weight", 100)),
        roles=tuple(filter(None, said.get("roles", "").split(","))),
    )


def records(texts: list[str]) -> tuple[Instance, ...]:
    """Records; `n1..n60` stands for so many."""
    found = []
    for text in texts:
        first, dots, rest = text.partition("..")
        if not dots:
            found.append(record(text))
            continue
        last, _, facts = rest.partition(" ")
        numbers = range(int(first[1:]), int(last[1:]) + 1)
        found += [record(f"{first[0]}{number} {facts}") for number in numbers]
    return tuple(found)


def failure(text: str) -> Failure | None:
    """How a call ended: `well`, or a kind of failure and after how long to ask again."""
    if text == "well":
        return None
    kind, _, retry_after_ms = text.partition(" retry-after-ms=")
    return Failure(Kind[kind], "", int(retry_after_ms) if retry_after_ms else None)


class Story:
    """One scenario under way."""

    def __init__(self, scenario: Mapping[str, Any], directory: Path) -> None:
        """Begin it, with nothing known.

        Args:
            directory: empty, for the saved list of nodes.
        """
        saved = SavedTopology(directory, "story")
        if "saved" in scenario:
            saved.save(records(scenario["saved"]), 0.0)
        self.still = StillRouter(saved, scenario.get("zone", ""))
        self.router = self.still.router
        self.hints = Hints(scenario.get("role", ""), scenario.get("affinity", ""))
        self.from_s = self.still.now_s
        self.still.start()

    def play(self, phase: Phase) -> None:
        """Let a phase happen, then look whether all it expects is so."""
        if "at" in phase:
            self._wait(phase["at"])
        for name, do in self._events().items():
            if name in phase:
                do(phase[name])
        looks = self._looks()
        expected = phase.get("expect", {})
        assert set(expected) <= set(looks), set(expected) - set(looks)
        assert {name: looks[name](value) for name, value in expected.items()} == expected, phase

    def _wait(self, at_s: float) -> None:
        while self.still.now_s - self.from_s < at_s:
            left_s = self.from_s + at_s - self.still.now_s
            self.still.tick(min(TICK_S, left_s))

    def _events(self) -> Mapping[str, Callable[[Any], object]]:
        return {
            "probes": self._answer_probes,
            "listed": lambda texts: self.still.registry.listener(
                Listed(records(texts), self.still.now_s)
            ),
            "unreachable": lambda _yes: self.still.registry.listener(Unreachable(self.still.now_s)),
            "running": self._run,
            "reported": self._report_loads,
            "calls": self._calls,
            "looked_at": self._tick_now,
        }

    def _looks(self) -> Mapping[str, Callable[[Any], object]]:
        """What can be seen, by name; each takes what is expected, for its shape."""
        return {
            "members": lambda _: sorted(self.router.routes.topology.members),
            "absent": lambda _: [s.instance.node_id for s in self.router.nodes() if s.absent],
            "circuits": self._circuits,
            "shares": lambda expected: {n: round(self._health(n).share, 2) for n in expected},
            "spared": lambda _: sorted(n for n, h in self.router.routes.health.items() if h.spared),
            "plan": self._plan,
            "preferred": lambda _: self._tier(Tier.PREFERRED),
            "preferred_count": lambda _: len(self._tier(Tier.PREFERRED)),
            "preferred_zones": lambda _: self._zones(),
            "first": self._first,
            "rules": lambda _: [p.rule.value for p in self.router.explain(self.hints).picks],
            "panic": lambda _: self.router.routes.picker.panic,
            "probed": lambda _: self._probed(),
            "asked": lambda _: self._asked(),
            "retries_left": self._retries,
            "nobody": lambda _: self.router.why_nobody(self.hints),
        }

    def _answer_probes(self, answers: Mapping[str, str]) -> None:
        self.still.silent |= {node_id: failure(text) for node_id, text in answers.items()}

    def _report_loads(self, loads: Mapping[str, int]) -> None:
        for node_id, load in loads.items():
            self.still.loads.report(node_id, load)

    def _run(self, counts: Mapping[str, int]) -> None:
        for node_id, count in counts.items():
            for _ in range(count):
                self.still.loads.entered(node_id)

    def _calls(self, calls: list[list[Any]]) -> None:
        for call in calls:
            self._call(*call)

    def _call(self, name: str, end: str, times: int = 1) -> None:
        node_id, slash, incarnation = name.partition("/")
        members = self.router.routes.topology.members
        known = members[node_id].instance.incarnation if node_id in members else "1"
        instance = record(f"{node_id}/{incarnation if slash else known}")
        for _ in range(times):
            self.router.report(instance, failure(end))

    def _tick_now(self, _yes: bool) -> None:  # noqa: FBT001  the value in the phase
        self.still.tick(0.0)

    def _circuits(self, expected: Mapping[str, str]) -> dict[str, str]:
        states = {status.instance.node_id: status.health for status in self.router.nodes()}
        return {node_id: states.get(node_id, "unknown") for node_id in expected}

    def _health(self, node_id: str) -> Any:
        return self.router.routes.health_of(self.router.routes.topology.members[node_id].instance)

    def _plan(self, expected: list[str]) -> list[str]:
        """The plan, cut where the expected one is; within a part any order is the same."""
        order = iter([node.node_id for node in self.router.plan(self.hints)])
        parts = [" ".join(sorted(next(order, "nobody") for _ in part.split())) for part in expected]
        return [*parts, *order]

    def _tier(self, tier: Tier) -> list[str]:
        return sorted(node.node_id for node in self.router.routes.picker.nodes(tier))

    def _zones(self) -> dict[str, int]:
        preferred = self.router.routes.picker.nodes(Tier.PREFERRED)
        return dict(Counter(node.zone for node in preferred))

    def _first(self, expected: Mapping[str, float]) -> Mapping[str, float]:
        """Share of statements that each node is first for; what is near enough is as expected."""
        count = Counter(next(self.router.plan(self.hints)).node_id for _ in range(PICKS))
        shares = {node_id: count[node_id] / PICKS for node_id in {**expected, **count}}
        return {
            node_id: expected[node_id]
            if node_id in expected and abs(share - expected[node_id]) <= TOLERANCE
            else share
            for node_id, share in shares.items()
        }

    def _probed(self) -> list[str]:
        """Who was probed since the last look, over a connection of its own."""
        probed = [node_id for node_id, in_use in self.still.probed if not in_use]
        self.still.probed.clear()
        return probed

    def _asked(self) -> int:
        """How often a node was asked for its load since the last look."""
        asked = sum(in_use for _, in_use in self.still.probed)
        self.still.probed.clear()
        return asked

    def _retries(self, _expected: int) -> int:
        left = 0
        while self.router.may_retry():
            left += 1
        return left
