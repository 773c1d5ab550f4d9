"""Which node is tried first, and in which order the rest."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.client.health import Circuit, NodeHealth
from flightkeeper.client.selection import Picker, build, plan
from flightkeeper.discovery.records import NodeState
from tests.client.instances import instance, topology

SCENARIOS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "scenarios/selection.json").read_text()
)
ITERATIONS = 10_000
TOLERANCE = 0.02


def no_load(_node_id: str) -> float:
    return 0


def ids(picker: Picker) -> tuple[list[str], list[str], list[str]]:
    tiers = (picker.preferred, picker.ejected, picker.last_resort)
    first, second, third = ([node.node_id for node in tier] for tier in tiers)
    return first, second, third


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario["title"]))
def test_frequencies(scenario: dict[str, Any]) -> None:
    loads, weights = scenario["loads"], scenario.get("weights", {})
    nodes = [instance(node_id, weight=weights.get(node_id, 100)) for node_id in loads]
    picker, rng = build(topology(*nodes), {}), Random(20)
    first = Counter(next(plan(picker, loads.__getitem__, rng)).node_id for _ in range(ITERATIONS))
    for node_id, expected in scenario["expected"].items():
        assert first[node_id] / ITERATIONS == pytest.approx(expected, abs=TOLERANCE)


@given(st.sets(st.integers(0, 200), max_size=40), st.integers(0, 2**40))
def test_a_plan_names_every_node_once(numbers: set[int], seed: int) -> None:
    nodes = [instance(f"n{number}") for number in numbers]
    health = {node.node_id: NodeHealth("one", Circuit.OPEN) for node in nodes[::3]}
    planned = list(plan(build(topology(*nodes), health), no_load, Random(seed)))
    assert sorted(node.node_id for node in planned) == sorted(node.node_id for node in nodes)


@given(st.integers(2, 30), st.integers(0, 2**40))
def test_the_second_draw_is_as_fair_as_the_first(count: int, seed: int) -> None:
    nodes = [instance(f"n{number}") for number in range(count)]
    picker, busiest = build(topology(*nodes), {}), f"n{count - 1}"
    planned = list(plan(picker, lambda node_id: int(node_id[1:]), Random(seed)))
    # Whatever was drawn before, the busiest loses against any other.
    assert planned[-1].node_id == busiest


def test_ejected_nodes_come_after_working_ones_and_draining_ones_last() -> None:
    nodes = [
        instance("draining", state=NodeState.DRAINING),
        instance("ejected"),
        instance("marked"),
        instance("starting", state=NodeState.STARTING),
        instance("weightless", weight=0),
        instance("works-a"),
        instance("works-b"),
    ]
    health = {
        "ejected": NodeHealth("one", Circuit.HALF_OPEN),
        "marked": NodeHealth("one", draining_until_s=9.0),
        "works-a": NodeHealth("one", errors=4),
    }
    assert ids(build(topology(*nodes), health)) == (
        ["works-a", "works-b"],
        ["ejected"],
        ["draining", "marked", "starting", "weightless"],
    )


def test_health_of_another_incarnation_does_not_count() -> None:
    health = {"a": NodeHealth("one", Circuit.OPEN)}
    nodes = [instance("a", "two"), instance("b"), instance("c")]
    assert ids(build(topology(*nodes), health)) == (["a", "b", "c"], [], [])


@pytest.mark.parametrize(("ejected", "panic"), [(1, False), (2, False), (3, True), (4, True)])
def test_when_most_are_ejected_nobody_is(ejected: int, *, panic: bool) -> None:
    nodes = [instance(f"n{number}") for number in range(4)]
    health = {node.node_id: NodeHealth("one", Circuit.OPEN) for node in nodes[:ejected]}
    picker = build(topology(*nodes), health)
    assert len(picker.ejected) == (0 if panic else ejected)
    assert len(picker.preferred) == (4 if panic else 4 - ejected)


def test_draining_nodes_do_not_count_for_the_panic() -> None:
    nodes = [instance("a"), instance("b"), instance("c", state=NodeState.DRAINING)]
    health = {"a": NodeHealth("one", Circuit.OPEN)}
    assert ids(build(topology(*nodes), health)) == (["b"], ["a"], ["c"])


def test_a_pick_costs_the_same_for_a_thousand_nodes() -> None:
    rng, seconds = Random(4), {}
    for count in (3, 1000):
        picker = build(topology(*(instance(f"n{number}") for number in range(count))), {})
        best = 1.0
        for _ in range(50):
            started = perf_counter()
            for _ in range(100):
                next(plan(picker, no_load, rng))
            best = min(best, (perf_counter() - started) / 100)
        seconds[count] = best
    assert seconds[1000] < 20e-6
    assert seconds[1000] < 3 * seconds[3]
