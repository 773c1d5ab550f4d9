"""Which nodes are what kind of choice, and which of many are one client's own."""

from collections import Counter

import pytest

from flightkeeper.client.health import Circuit, NodeHealth
from flightkeeper.client.picker import SUBSET_MAX, Picker, Tier, Viewpoint, build
from flightkeeper.discovery.records import NodeState
from tests.client.instances import instance, topology
from tests.client.stories import records

CLIENTS = 400


def ids(picker: Picker) -> tuple[list[str], list[str], list[str]]:
    tiers = (Tier.PREFERRED, Tier.EJECTED, Tier.LAST_RESORT)
    first, second, third = ([node.node_id for node in picker.nodes(tier)] for tier in tiers)
    return first, second, third


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
        "marked": NodeHealth("one", spared_until_s=9.0),
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
    assert len(picker.nodes(Tier.EJECTED)) == (0 if panic else ejected)
    assert len(picker.nodes(Tier.PREFERRED)) == (4 if panic else 4 - ejected)


def test_draining_nodes_do_not_count_for_the_panic() -> None:
    nodes = [instance("a"), instance("b"), instance("c", state=NodeState.DRAINING)]
    health = {"a": NodeHealth("one", Circuit.OPEN)}
    assert ids(build(topology(*nodes), health)) == (["b"], ["a"], ["c"])


def subset(client: str, nodes: list[str], zone: str = "") -> set[str]:
    picker = build(topology(*records(nodes)), {}, Viewpoint(zone, client))
    return {node.node_id for node in picker.nodes(Tier.PREFERRED)}


def test_up_to_fifty_nodes_nobody_is_left_out() -> None:
    assert len(subset("c", ["n1..n50"])) == 50
    picker = build(topology(*records(["n1..n50"])), {}, Viewpoint("", "c"))
    assert picker.nodes(Tier.BEYOND) == ()


def test_the_others_of_a_large_service_come_after_the_subset() -> None:
    picker = build(topology(*records(["n1..n80"])), {}, Viewpoint("", "c"))
    own, others = picker.nodes(Tier.PREFERRED), picker.nodes(Tier.BEYOND)
    assert (len(own), len(others)) == (SUBSET_MAX, 30)
    assert len({node.node_id for node in own + others}) == 80


def test_a_client_keeps_its_subset() -> None:
    assert subset("c", ["n1..n200"]) == subset("c", ["n1..n200"])
    assert subset("c", ["n1..n200"]) != subset("d", ["n1..n200"])


def test_a_node_that_comes_or_goes_moves_at_most_one_place() -> None:
    for client in map(str, range(50)):
        before, after = subset(client, ["n1..n200"]), subset(client, ["n1..n201"])
        assert len(before - after) == len(after - before) <= 1


def test_clients_are_spread_evenly_over_nodes() -> None:
    counts = Counter(node for n in range(CLIENTS) for node in subset(f"c{n}", ["n1..n100"]))
    assert len(counts) == 100
    assert 0.8 * 200 < min(counts.values()) <= max(counts.values()) < 1.2 * 200


def test_a_subset_is_of_the_own_zone_as_far_as_that_goes() -> None:
    nodes = ["e1..e60 zone=east", "w1..w60 zone=west"]
    assert {name[0] for name in subset("c", nodes, "east")} == {"e"}
    few = ["e1..e10 zone=east", "w1..w90 zone=west"]
    assert Counter(name[0] for name in subset("c", few, "east")) == {"e": 10, "w": 40}


def test_ejected_nodes_are_replaced_in_the_subset() -> None:
    own = sorted(subset("c", ["n1..n80"]))
    health = {node_id: NodeHealth("1", Circuit.OPEN) for node_id in own[:10]}
    picker = build(topology(*records(["n1..n80"])), health, Viewpoint("", "c"))
    now = {node.node_id for node in picker.nodes(Tier.PREFERRED)}
    assert len(now) == SUBSET_MAX
    assert set(own[10:]) < now
