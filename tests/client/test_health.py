"""The circuit of a node; scenarios/health.json has its stories."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.client import health
from flightkeeper.client.health import (
    CallFailed,
    Circuit,
    ConnectFailed,
    Declined,
    Elapsed,
    Event,
    IllegalTransition,
    NodeHealth,
    Outlier,
    Policy,
    ProbeStarted,
    Succeeded,
    Unheard,
    advance,
)

SCENARIOS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "scenarios/health.json").read_text()
)
EXACT = Policy(jitter=0.0)
HARMLESS: list[type[Event]] = [
    Succeeded,
    CallFailed,
    ConnectFailed,
    Declined,
    Unheard,
    Outlier,
    Elapsed,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario["title"]))
def test_story(scenario: dict[str, Any]) -> None:
    node = NodeHealth("one")
    for step in scenario["steps"]:
        for event in step["events"]:
            node = advance(node, getattr(health, event)(step["at"]), Random(0), EXACT)
        seen = {
            "circuit": node.circuit.value,
            "errors": node.errors,
            "ejections": node.ejections,
            "probe_due": node.probe_due,
            "spared": node.spared,
            "lossy": node.lossy,
            "share": round(node.share, 2),
        }
        expected = {key: value for key, value in step.items() if key not in {"at", "events"}}
        assert {key: seen[key] for key in expected} == expected, step


def test_nothing_new_is_the_same_object() -> None:
    node = NodeHealth("one")
    assert advance(node, Succeeded(5.0), Random(0)) is node
    assert advance(node, Elapsed(5.0), Random(0)) is node


@pytest.mark.parametrize(
    "node",
    [
        NodeHealth("one"),
        NodeHealth("one", Circuit.OPEN),
        NodeHealth("one", Circuit.HALF_OPEN, probing=True),
    ],
)
def test_a_probe_out_of_turn_is_a_defect(node: NodeHealth) -> None:
    with pytest.raises(IllegalTransition, match=f"ProbeStarted in state {node.circuit.value}"):
        advance(node, ProbeStarted(0.0), Random(0))


def test_ejections_end_spread_by_a_tenth() -> None:
    rng = Random(1)
    ends = [advance(NodeHealth("one"), ConnectFailed(0.0), rng).until_s for _ in range(200)]
    assert 0.9 <= min(ends) < 0.92
    assert 1.08 < max(ends) <= 1.1


@given(st.lists(st.tuples(st.sampled_from(HARMLESS), st.floats(0, 60)), max_size=60))
def test_any_sequence_keeps_the_invariants(events: list[tuple[type[Event], float]]) -> None:
    node, now_s, rng = NodeHealth("one"), 0.0, Random(3)
    for kind, pause_s in events:
        now_s += pause_s
        node = advance(node, kind(now_s), rng)
        if node.probe_due:
            node = advance(node, ProbeStarted(now_s), rng)
        assert node.incarnation == "one"
        assert node.ejections >= 0
        assert node.probing is (node.circuit is Circuit.HALF_OPEN)
        assert node.circuit is not Circuit.CLOSED or node.errors < Policy().errors_max
        assert node.until_s <= now_s + Policy().ejection_max_s * 1.1
        assert node.ejected is (node.circuit is not Circuit.CLOSED)


@given(st.floats(0, 1000), st.integers(0, 2**40))
def test_a_node_that_came_back_is_closed_by_any_success(at_s: float, seed: int) -> None:
    for circuit in Circuit:
        node = advance(NodeHealth("one", circuit, errors=3), Succeeded(at_s), Random(seed))
        assert (node.circuit, node.errors) == (Circuit.CLOSED, 0)
