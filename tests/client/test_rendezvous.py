"""Who belongs to whom: evenly, alike for everybody, and moving as little as can be."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.client.rendezvous import distance, mark

NODES = [f"node-{number}" for number in range(20)]
KEYS = [f"table {number}" for number in range(4_000)]


def home(key: str, nodes: list[str]) -> str:
    return min(nodes, key=lambda node: distance(mark(key), mark(node)))


def test_a_mark_is_the_same_everywhere() -> None:
    assert mark("shop.sales") == 0xF34AA57B7BFFC5A4


def test_keys_spread_evenly() -> None:
    counts = Counter(home(key, NODES) for key in KEYS)
    assert set(counts) == set(NODES)
    assert 140 < min(counts.values()) <= max(counts.values()) < 260


def test_a_node_that_leaves_takes_only_its_own_keys_along() -> None:
    before = {key: home(key, NODES) for key in KEYS}
    after = {key: home(key, NODES[1:]) for key in KEYS}
    assert {key for key in KEYS if before[key] != after[key]} == {
        key for key in KEYS if before[key] == NODES[0]
    }


def test_similar_names_do_not_stick_together() -> None:
    pairs = Counter((home(f"t{n}", NODES), home(f"t{n + 1}", NODES)) for n in range(4_000))
    same = sum(count for (one, other), count in pairs.items() if one == other)
    assert 120 < same < 290


def test_twice_the_weight_wins_twice_as_often() -> None:
    def heaviest(key: str) -> str:
        weights = {"a": 2.0, "b": 1.0, "c": 1.0}
        return min(weights, key=lambda node: distance(mark(key), mark(node), weights[node]))

    counts = Counter(map(heaviest, KEYS))
    assert 0.47 < counts["a"] / len(KEYS) < 0.53


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_distance_is_a_number_that_both_ends_agree_on(one: int, other: int) -> None:
    assert 0.0 <= distance(one, other) < 45.0
    assert distance(one, other) == distance(other, one)
