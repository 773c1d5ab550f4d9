"""The topology: scenarios are data, and what no sequence of events may break."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.topology import (
    Elapsed,
    Event,
    Listed,
    Member,
    Silent,
    Topology,
    Unreachable,
)
from tests.discovery.backends import instance

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))


def node(text: str) -> Instance:
    """An instance from `n1/i1` or `n1/i1/DRAINING`."""
    node_id, incarnation, *state = text.split("/")
    return Instance("analytics", node_id, "grpc://h:1", incarnation, NodeState(*state or ["UP"]))


def event(fields: dict[str, Any]) -> Event:
    """An event from a scenario's fields."""
    if "listed" in fields:
        return Listed(tuple(node(text) for text in fields["listed"]), fields["at_s"])
    if "silent" in fields:
        return Silent(*fields["silent"].split("/"))
    return (Elapsed if "elapsed" in fields else Unreachable)(fields["at_s"])


def shown(member: Member) -> str:
    """A member as scenarios spell it."""
    state = " held" if member.absent_held else " absent" if member.absent else ""
    return member.instance.incarnation + state


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path) -> None:
    topology = Topology()
    for number, phase in enumerate(json.loads(path.read_text())["phases"]):
        before = topology
        topology = before.apply(event(phase["event"]))
        seen = {
            "members": {node_id: shown(m) for node_id, m in topology.members.items()},
            "epoch": topology.epoch,
            "reachable": topology.reachable,
        }
        assert seen == phase["expect"], f"phase {number}"
        assert (topology.members is before.members) == (topology.epoch == before.epoch)


def test_members_are_in_the_order_of_their_ids() -> None:
    topology = Topology().apply(Listed((node("n3/i"), node("n1/i"), node("n2/i")), 0.0))
    assert list(topology.members) == ["n1", "n2", "n3"]


def test_what_is_no_event() -> None:
    with pytest.raises(AssertionError):
        Topology().apply("Listed")  # type: ignore[arg-type]


def test_age() -> None:
    assert Topology().age_s(5.0) is None
    assert Topology().apply(Listed((), 2.0)).age_s(5.0) == 3.0


def test_members_cannot_be_edited() -> None:
    topology = Topology().apply(Listed((instance("i1"),), 0.0))
    with pytest.raises(TypeError):
        topology.members["n1"] = Member(instance("i2"))  # type: ignore[index]


TEXTS = st.sampled_from(
    [f"{n}/{i}{s}" for n in ("n1", "n2", "n3") for i in "ab" for s in ("", "/DRAINING")]
)
EVENTS = st.one_of(
    st.builds(
        lambda texts: Listed(tuple({node(t).node_id: node(t) for t in texts}.values()), 0.0),
        st.lists(TEXTS, max_size=3),
    ),
    st.just(Unreachable(0.0)),
    st.builds(Elapsed, st.sampled_from([0.0, 19.0, 21.0])),
    st.builds(Silent, st.sampled_from(["n1", "n2", "n3"]), st.sampled_from("ab")),
)


@given(st.lists(EVENTS, max_size=12))
def test_no_sequence_of_events_breaks_the_rules(events: list[Event]) -> None:
    topology = Topology()
    for each in events:
        before, topology = topology, topology.apply(each)
        assert topology.epoch - before.epoch == (topology.members != before.members)
        assert list(topology.members) == sorted(topology.members)
        if isinstance(each, Listed):
            present = {m.instance for m in topology.members.values() if not m.absent}
            assert present == set(each.instances)
            assert topology.members or not before.members, "a list emptied the topology"
        elif isinstance(each, Elapsed):
            assert topology.members or not before.members, "time emptied the topology"
        elif isinstance(each, Unreachable):
            assert topology.members == before.members
