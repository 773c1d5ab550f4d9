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
from flightkeeper.client.picker import build
from flightkeeper.client.selection import HOME_LOAD_MAX, Hints, Rule, picks, plan
from tests.client.instances import instance, topology

SCENARIOS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "scenarios/selection.json").read_text()
)
ITERATIONS = 10_000
TOLERANCE = 0.02


def no_load(_node_id: str) -> float:
    return 0


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


@given(st.integers(2, 12), st.text(min_size=1), st.lists(st.integers(0, 40), min_size=12))
def test_a_statement_with_a_key_is_planned_as_completely(
    count: int, key: str, loads: list[int]
) -> None:
    nodes = [instance(f"n{number}") for number in range(count)]
    picker = build(topology(*nodes), {})
    drawn = picks(picker, lambda node_id: loads[int(node_id[1:])], Random(1), Hints("", key))
    assert sorted(pick.instance.node_id for pick in drawn) == sorted(n.node_id for n in nodes)


def test_no_node_is_given_more_than_its_bound_however_popular_a_key_is() -> None:
    loads = Counter({f"n{number}": 0 for number in range(10)})
    picker, rng = build(topology(*map(instance, loads)), {}), Random(3)
    for _ in range(400):
        pick = next(picks(picker, loads.__getitem__, rng, Hints(affinity="the one table")))
        loads[pick.instance.node_id] += 1
    assert max(loads.values()) <= HOME_LOAD_MAX * 40 + 1
    assert min(loads.values()) >= 30


def test_few_statements_with_keys_all_go_home() -> None:
    picker, rng = build(topology(*(instance(f"n{n}") for n in range(10))), {}), Random(3)
    homes = Counter()  # type: Counter[str]
    for key in range(2_000):
        pick = next(picks(picker, no_load, rng, Hints(affinity=f"table {key}")))
        assert (pick.rule, pick.home) == (Rule.HOME, pick.instance)
        homes[pick.instance.node_id] += 1
    assert 150 < min(homes.values()) <= max(homes.values()) < 250
