"""The key ring: its rules, its document, and that neighbours in time understand each other."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.auth import key_ring, keys
from flightkeeper.flight_server.auth.key_ring import (
    GENERATIONS_MAX,
    KeyState,
    MalformedRing,
    Ring,
    RingRefused,
)

_MADE = [keys.generate(marked=number > 0) for number in range(40)]
_KEEP_S = 100.0

steps = st.lists(st.tuples(st.sampled_from(["publish", "promote", "prune"]), st.integers(0, 80)))


def history(taken: list[tuple[str, int]]) -> list[tuple[float, Ring]]:
    """A ring as steps change it, and when; steps that are refused change nothing."""
    now_s, rings = 1000.0, [(1000.0, key_ring.first(_MADE[0]))]
    for number, (step, pause_s) in enumerate(taken):
        now_s += pause_s
        ring = rings[-1][1]
        try:
            if step == "publish":
                ring = key_ring.publish(ring, _MADE[1 + number % 39], now_s)
            elif step == "promote":
                ring = key_ring.promote(ring, now_s, _KEEP_S)
            else:
                ring = key_ring.prune(ring, now_s)
        except RingRefused:
            continue
        rings.append((now_s, ring))
    return rings


@given(steps)
def test_a_document_comes_back_as_it_was(taken: list[tuple[str, int]]) -> None:
    for _, ring in history(taken):
        assert key_ring.decode(key_ring.encode(ring)) == ring


@given(steps, st.integers(0, 99))
def test_neighbours_in_time_understand_each_other(taken: list[tuple[str, int]], age_s: int) -> None:
    rings = history(taken)
    for (_, before), (now_s, after) in pairwise(rings):
        old, new = key_ring.decide(before, now_s), key_ring.decide(after, now_s)
        assert old.signing in new.verifying
        assert new.signing in old.verifying
        later = key_ring.decide(after, now_s + age_s)
        assert old.signing in later.verifying
        assert after.revision in {before.revision, before.revision + 1}


def test_a_key_lives_as_long_as_was_said() -> None:
    ring = key_ring.promote(key_ring.publish(key_ring.first(_MADE[0]), _MADE[1], 5.0), 10.0, 100.0)
    held = key_ring.decide(ring, 109.9)
    assert held.verifying == (_MADE[1], _MADE[0])
    assert (held.signing, held.revision, held.until_s) == (_MADE[1], 2, 110.0)
    assert key_ring.decide(ring, 110.0).verifying == (_MADE[1],)
    assert key_ring.prune(ring, 109.0) is ring
    assert [g.keys for g in key_ring.prune(ring, 110.0).generations] == [_MADE[1]]


def test_what_cannot_be_changed_is_refused() -> None:
    ring = key_ring.first(_MADE[0])
    with pytest.raises(RingRefused, match="no key was published"):
        key_ring.promote(ring, 0.0, 1.0)
    published = key_ring.publish(ring, _MADE[1], 0.0)
    with pytest.raises(RingRefused, match=f"{_MADE[1].kid} is published already"):
        key_ring.publish(published, _MADE[2], 0.0)
    with pytest.raises(RingRefused, match="same name"):
        key_ring.publish(ring, _MADE[0], 0.0)
    with pytest.raises(RingRefused, match="the current one: rotate first"):
        key_ring.prune(ring, 0.0, _MADE[0].kid)
    with pytest.raises(RingRefused, match="there is no key other"):
        key_ring.prune(ring, 0.0, "other")
    assert key_ring.prune(published, 0.0, _MADE[1].kid).next is None


def test_there_is_a_limit() -> None:
    ring = key_ring.first(_MADE[0])
    for number in range(1, GENERATIONS_MAX):
        ring = key_ring.promote(key_ring.publish(ring, _MADE[number], 1.0), 1.0, 1000.0)
    with pytest.raises(RingRefused, match="at most 16 keys"):
        key_ring.publish(ring, _MADE[20], 2.0)
    assert key_ring.publish(ring, _MADE[20], 2000.0).next is not None


def test_a_file_of_keys_is_a_generation_of_the_document() -> None:
    document = json.loads(key_ring.encode(key_ring.first(_MADE[0])))
    assert keys.decode(json.dumps(document["generations"][0]).encode()) == _MADE[0]


def _damaged(**fields: object) -> bytes:
    return json.dumps({**json.loads(key_ring.encode(key_ring.first(_MADE[0]))), **fields}).encode()


_GENERATION = json.loads(key_ring.encode(key_ring.first(_MADE[0])))["generations"][0]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"canary", b"[]", b"{}", b"\xff", b"[" * 100_000,
        _damaged(v=2), _damaged(revision="canary"), _damaged(generations=[]),
        _damaged(generations=[_GENERATION, _GENERATION]),
        _damaged(generations=[_GENERATION | {"state": "canary"}]),
        _damaged(generations=[_GENERATION | {"state": KeyState.NEXT}]),
        _damaged(generations=[_GENERATION | {"token_seed": "canary"}]),
        _damaged(generations=[_GENERATION | {"handle_mark": "00"}]),
        _damaged(generations=[_GENERATION | {"handle_mark": 7}]),
        _damaged(generations=[_GENERATION | {"until_s": float("nan")}]),
        _damaged(generations=7),
    ],
)  # fmt: skip
def test_what_is_no_ring_is_refused_without_being_shown(data: bytes) -> None:
    with pytest.raises(MalformedRing) as caught:
        key_ring.decode(data)
    assert "canary" not in str(caught.value)


@given(st.binary())
def test_any_bytes_are_refused_in_the_same_way(data: bytes) -> None:
    with pytest.raises(MalformedRing):
        key_ring.decode(data)
