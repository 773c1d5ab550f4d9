"""Topology, health and picker as one value."""

from dataclasses import replace
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.client import health, selection
from flightkeeper.client.failures import Failure, Kind
from flightkeeper.client.health import Circuit, NodeHealth
from flightkeeper.client.picker import Tier, build
from flightkeeper.client.routes import Routes, event_for
from flightkeeper.discovery.records import NodeState
from flightkeeper.discovery.topology import Listed, Silent, Unreachable
from tests.client.instances import instance

A, B, C = instance("a"), instance("b"), instance("c")
RNG = Random(0)


def no_load(_node_id: str) -> float:
    return 0.0


def routes(*instances: object) -> Routes:
    return Routes().after(Listed(tuple(instances) or (A, B, C), 0.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (None, health.Succeeded(7.0)),
        (Kind.NOT_SENT, health.ConnectFailed(7.0)),
        (Kind.BROKEN, health.CallFailed(7.0)),
        (Kind.INTERNAL, health.CallFailed(7.0)),
        (Kind.DRAINING, health.Declined(7.0)),
        (Kind.OVERLOADED, health.Succeeded(7.0)),
        (Kind.REFUSED, health.Succeeded(7.0)),
        (Kind.UNAUTHENTICATED, health.Succeeded(7.0)),
        (Kind.TIMED_OUT, None),
        (Kind.CANCELLED, None),
    ],
)
def test_what_an_end_says_of_the_node(failure: Kind | None, expected: health.Event | None) -> None:
    given_failure = None if failure is None else Failure(failure, "")
    assert event_for(given_failure, 7.0) == expected


def test_news_of_membership_make_a_new_picker() -> None:
    assert routes().picker.nodes(Tier.PREFERRED) == (A, B, C)


def test_no_news_are_the_same_object() -> None:
    before = routes()
    assert before.seen(A, health.Succeeded(1.0), RNG) is before
    assert before.elapsed(1.0, RNG) is before
    lost = before.after(Unreachable(1.0))
    assert lost.picker is before.picker
    assert lost.after(Unreachable(2.0)) is lost


def test_an_ejection_changes_the_picker_and_a_counted_error_does_not() -> None:
    before = routes()
    counted = before.seen(A, health.CallFailed(1.0), RNG)
    assert counted.health_of(A).errors == 1
    assert counted.picker is before.picker
    ejected = counted.seen(A, health.ConnectFailed(1.0), RNG)
    assert ejected.picker.nodes(Tier.PREFERRED) == (B, C)
    assert ejected.picker.nodes(Tier.EJECTED) == (A,)
    assert ejected.seen(A, health.ConnectFailed(1.0), RNG) is ejected


def test_a_node_that_is_well_again_leaves_no_entry() -> None:
    counted = routes().seen(A, health.CallFailed(1.0), RNG)
    assert not counted.seen(A, health.Succeeded(2.0), RNG).health


def test_late_news_of_an_older_incarnation_change_nothing() -> None:
    back = instance("a", "two")
    current = routes().seen(A, health.ConnectFailed(1.0), RNG).after(Listed((back, B, C), 2.0))
    assert back in current.picker.nodes(Tier.PREFERRED)
    assert current.health_of(back).circuit is Circuit.CLOSED
    assert current.seen(A, health.ConnectFailed(3.0), RNG) is current


def test_news_of_a_node_nobody_knows_change_nothing() -> None:
    current = routes()
    assert current.seen(instance("z"), health.ConnectFailed(1.0), RNG) is current


def test_probes_are_due_for_half_open_and_for_absent_nodes() -> None:
    current = routes().seen(A, health.ConnectFailed(0.0), RNG).elapsed(5.0, RNG)
    assert current.health_of(A).circuit is Circuit.HALF_OPEN
    assert list(current.half_open()) == [A]
    probing = current.seen(A, health.ProbeStarted(5.0), RNG)
    assert list(probing.half_open()) == []
    absent = probing.after(Listed((A, C), 6.0))
    assert list(absent.absent()) == [B]
    assert list(absent.seen(B, health.ConnectFailed(6.0), RNG).absent()) == []


def test_time_forgets_absent_nodes() -> None:
    current = routes().after(Listed((A, B), 1.0))
    assert "c" in current.topology.members
    assert "c" not in current.elapsed(60.0, RNG).topology.members


EVENTS = [health.Succeeded, health.CallFailed, health.ConnectFailed, health.Declined]


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from("abc"), st.sampled_from(["one", "two"]), st.sampled_from(EVENTS)
            ),
            st.lists(
                st.tuples(st.sampled_from("abcd"), st.sampled_from(["one", "two"])), max_size=4
            ),
            st.floats(0, 40),
        ),
        max_size=30,
    )
)
def test_the_picker_is_always_what_would_be_built_anew(events: list[object]) -> None:
    current, now_s, rng = routes(), 0.0, Random(5)
    for event in events:
        if isinstance(event, float):
            now_s += event
            current = current.elapsed(now_s, rng)
        elif isinstance(event, list):
            listed = tuple(instance(node_id, incarnation) for node_id, incarnation in event)
            current = current.after(Listed(listed, now_s))
        else:
            assert isinstance(event, tuple)
            node_id, incarnation, kind = event
            current = current.seen(instance(node_id, incarnation), kind(now_s), rng)
        assert current.picker == build(current.topology, current.health)
        for node_id, node in current.health.items():
            assert node != NodeHealth(node.incarnation)
            assert current.topology.members[node_id].instance.incarnation == node.incarnation


LISTS = [
    Listed(records, 0.0)
    for size in range(3)
    for records in combinations(
        [
            instance("a"),
            instance("a", state=NodeState.DRAINING),
            instance("b"),
            instance("b", "two"),
            instance("rogue"),
        ],
        size,
    )
    if len({record.node_id for record in records}) == size
]
SAID: list[Listed | Unreachable] = [*LISTS, Unreachable(0.0)]


def test_nothing_that_a_registry_says_empties_the_routes() -> None:
    """Every sequence of up to three answers, with any time between them and silent probes."""
    for first, *rest in product(LISTS[1:], SAID, SAID):
        current = Routes().after(first)
        for number, event in enumerate(rest, start=1):
            current = current.after(replace(event, at_s=50.0 * number)).elapsed(50.0 * number, RNG)
            for member in current.topology.members.values():
                if member.absent:
                    silent = Silent(member.instance.node_id, member.instance.incarnation)
                    tried = current.seen(member.instance, health.ConnectFailed(50.0), RNG)
                    assert tried.after(silent).topology.members
            named = [node.node_id for node in selection.plan(current.picker, no_load, RNG)]
            assert sorted(named) == sorted(current.topology.members)
            assert named


def test_a_healthy_node_outlives_any_answer_that_drops_most() -> None:
    for said in LISTS:
        known = {member.node_id for member in said.instances}
        if len({"a", "b", "c"} - known) * 2 > 3:
            current = routes().after(replace(said, at_s=1.0)).elapsed(1000.0, RNG)
            assert {"a", "b", "c"} <= set(current.topology.members)
