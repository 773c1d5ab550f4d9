"""A slice of the simulation, and that it finds what it is there to find.

The whole of it: python -m tests.simulation --seeds 10000.
"""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from flightkeeper.client import failover, health, router, routes, selection
from flightkeeper.client.failover import Step
from flightkeeper.client.failures import Kind
from flightkeeper.client.health import Circuit, NodeHealth
from flightkeeper.discovery import topology
from tests.simulation.running import Size, run
from tests.simulation.watching import Violation

SEEDS_IN_ALL = 240
BLOCK = 20


@pytest.mark.parametrize("first", range(1, SEEDS_IN_ALL, BLOCK))
def test_no_seed_breaks_a_promise(first: int) -> None:
    for seed in range(first, first + BLOCK):
        outcome = run(seed)
        assert outcome.statements


def test_a_seed_runs_the_same_again() -> None:
    assert run(7) == run(7)


def forget_incarnations(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(routes, "_current", lambda known, node_id, _life: node_id in known.members)


def repeat_writes(patch: pytest.MonkeyPatch) -> None:
    decide = failover.decide

    def careless(failure: Any, progress: Any, statement: Any) -> Any:
        decision = decide(failure, progress, statement)
        return Step.NEXT_NODE if failure.kind is Kind.BROKEN else decision

    patch.setattr(failover, "decide", careless)


def probe_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(routes.Routes, "half_open", lambda _self: iter(()))


def believe_an_empty_list(patch: pytest.MonkeyPatch) -> None:
    def merge(_known: object, instances: tuple[Any, ...], _at_s: float) -> Iterator[Any]:
        return (topology.Member(instance) for instance in instances)

    patch.setattr(topology, "_merge", merge)


def keep_who_vanished(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(topology.Topology, "_expired", lambda *_: False)


def keep_who_drained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(topology, "NodeState", SimpleNamespace(DRAINING=None))


def plan_once(patch: pytest.MonkeyPatch) -> None:
    def plan(self: router.Router, hints: selection.Hints) -> Iterator[Any]:
        return selection.plan(self.routes.picker, self._loads.of, self._rng, hints)

    patch.setattr(router.Router, "plan", plan)


def retry_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(router.Router, "may_retry", lambda _self: True)
    patch.setattr(failover, "OVERLOADED_ATTEMPTS_MAX", 1000)


def stay_half_open(patch: pytest.MonkeyPatch) -> None:
    table: Mapping[Any, Any] = {
        **health._TABLE,
        (Circuit.HALF_OPEN, health.Succeeded): lambda node, *_: node,
    }
    patch.setattr(health, "_TABLE", table)


def eject_for_ever(patch: pytest.MonkeyPatch) -> None:
    def open_for_long(node: NodeHealth, at_s: float, _rng: object, _policy: object) -> NodeHealth:
        return health._open(node, at_s, 600.0)

    patch.setattr(
        health, "_TABLE", {**health._TABLE, (Circuit.CLOSED, health.ConnectFailed): open_for_long}
    )


def eject_for_refusals(patch: pytest.MonkeyPatch) -> None:
    events = {**routes._EVENTS, Kind.NOT_READ_ONLY: health.ConnectFailed}
    patch.setattr(routes, "_EVENTS", events)


MANY = Size(4, 3, 40.0, 12, 1.5)
BUSY = Size(3, 1, 30.0, 8, 25.0)

DEFECTS: Mapping[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "late errors of an old life eject the new one": (forget_incarnations, "for nothing it did"),
    "a write whose answer was lost is sent again": (repeat_writes, "was sent 2 times"),
    "an ejected node is never probed": (probe_nobody, "still ejected|rogue0"),
    "an empty list is believed": (believe_an_empty_list, "routes are empty"),
    "an absent node is used for ever": (keep_who_vanished, "which has left"),
    "a node that drained keeps its grace": (keep_who_drained, "which has left"),
    "a plan is not told who left meanwhile": (plan_once, "has left|without asking"),
    "retries know no budget": (retry_without_end, "repetitions in"),
    "a good probe is not believed": (stay_half_open, "still ejected|rogue0"),
    "a refused connection ejects for ten minutes": (eject_for_ever, "still ejected|rogue0"),
    "a refused statement ejects": (eject_for_refusals, "for nothing it did"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, words = DEFECTS[defect]
    plant(monkeypatch)
    with pytest.raises(Violation, match=words):
        run_until_found(defect)


def run_until_found(defect: str) -> None:
    for seed in range(1, 200):
        run(seed, BUSY if "budget" in defect else MANY)
