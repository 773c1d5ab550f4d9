"""The rule of the line: who holds, who waits for whom, and that nobody is forgotten."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.contention import (
    EXCLUSIVE,
    PERMITS_MAX,
    SHARED,
    Claim,
    Place,
    claim_of,
    held_in,
    turn,
)

THREE = Claim(permits=3)


def line(*claims: Claim) -> list[Place]:
    return [Place(str(number), claim) for number, claim in enumerate(claims)]


def test_one_after_another() -> None:
    assert turn(EXCLUSIVE, []) == 0
    assert turn(EXCLUSIVE, line(EXCLUSIVE, EXCLUSIVE)) == (Place("1"),)


def test_readers_go_together_and_not_past_a_writer() -> None:
    assert turn(SHARED, line(SHARED, SHARED)) == 0
    assert turn(EXCLUSIVE, line(SHARED, SHARED)) == (Place("1", SHARED),)
    assert turn(SHARED, line(SHARED, EXCLUSIVE, SHARED)) == (Place("1"),)


def test_permits_are_taken_in_the_order_of_the_line() -> None:
    held = [Place("a", THREE, 2), Place("b", THREE, 0)]
    assert turn(THREE, []) == 0
    assert turn(THREE, held) == 1
    assert turn(THREE, [*held, Place("c", THREE)]) == (Place("c", THREE),)
    full = [*held, Place("c", THREE, 1)]
    assert turn(THREE, full) == tuple(full)


@pytest.mark.parametrize("other", [EXCLUSIVE, SHARED, Claim(permits=2)])
def test_who_claims_it_otherwise_is_waited_for(other: Claim) -> None:
    assert turn(THREE, [Place("a", other, 0)]) == (Place("a", other, 0),)
    assert turn(other, [Place("a", THREE, 0)]) == (Place("a", THREE, 0),)


@given(st.sampled_from([SHARED, *(Claim(permits=n) for n in (1, 2, 7, PERMITS_MAX))]))
def test_a_claim_is_read_from_its_code(claim: Claim) -> None:
    assert claim_of(claim.code) == claim


@pytest.mark.parametrize("code", ["", "x", "0", "257", "-1", "٣x", "lock"])
def test_what_nobody_here_wrote_excludes_all(code: str) -> None:
    assert claim_of(code) == EXCLUSIVE


@pytest.mark.parametrize(
    ("shared", "permits"), [(False, 0), (False, -1), (False, PERMITS_MAX + 1), (True, 2)]
)
def test_claims_that_nobody_could_hold_are_refused(shared: bool, permits: int) -> None:  # noqa: FBT001
    with pytest.raises(ValueError, match=r"permits|can not hold"):
        Claim(shared, permits)


class Crowd:
    """Contenders that come, look, take permits, leave and die, in any order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.line: list[Place] = []
        self.waits: dict[str, tuple[Place, ...]] = {}
        self.due: set[str] = set()
        self.accepted: dict[int, int] = {}
        self.came = 0
        self.held = 0

    def step(self) -> None:
        deed = self.chance.choice([self.come, self.look, self.look, self.look, self.leave])
        deed()
        self.check()

    def come(self) -> None:
        if len(self.line) < 12:
            self.came += 1
            claim = self.chance.choice([EXCLUSIVE, SHARED, THREE, THREE, Claim(permits=2)])
            self.line.append(Place(str(self.came), claim))
            self.due.add(str(self.came))

    def look(self) -> None:
        if self.due:
            self.look_by(self.chance.choice(sorted(self.due)))

    def look_by(self, name: str) -> None:
        self.due.discard(name)
        index = [place.name for place in self.line].index(name)
        own = self.line[index]
        found = turn(own.claim, self.known(self.line[:index], own.claim))
        if not isinstance(found, int):
            self.waits[name] = found
            return
        self.waits.pop(name, None)
        self.held += 1
        self.line[index] = Place(name, own.claim, found)
        if not own.claim.shared:
            # What a resource asks of each permit.
            assert int(name) > self.accepted.get(found, 0)
            self.accepted[found] = int(name)
        self.tell(name)

    def known(self, before: list[Place], claim: Claim) -> list[Place]:
        if len(before) <= claim.permits:
            return before
        return [Place(place.name, place.claim) for place in before]

    def leave(self) -> None:
        holders = [place for place in self.line if place.permit is not None]
        if self.line:
            often = holders if holders and self.chance.random() < 0.8 else self.line
            gone = self.chance.choice(often)
            self.line.remove(gone)
            self.due.discard(gone.name)
            self.waits.pop(gone.name, None)
            self.tell(gone.name)

    def tell(self, name: str) -> None:
        for waiting, places in self.waits.items():
            if name in {place.name for place in places}:
                self.due.add(waiting)

    def check(self) -> None:
        holders = [place for place in self.line if place.permit is not None]
        claims = {place.claim for place in holders}
        assert len(claims) <= 1
        for claim in claims:
            if not claim.shared:
                permits = [place.permit for place in holders]
                assert len(set(permits)) == len(permits) <= claim.permits

    def settle(self) -> None:
        """Everybody who was told looks; then nobody may wait who could hold."""
        while self.due:
            self.look()
            self.check()
        for index, place in enumerate(self.line):
            found = turn(place.claim, self.known(self.line[:index], place.claim))
            assert place.permit is not None or not isinstance(found, int)


@pytest.mark.parametrize("seed", range(60))
def test_holders_never_exclude_each_other_and_nobody_is_forgotten(seed: int) -> None:
    crowd = Crowd(seed)
    for number in range(400):
        crowd.step()
        if number % 40 == 0:
            crowd.settle()
    crowd.settle()
    while crowd.line:
        crowd.leave()
        crowd.settle()
    assert crowd.held > 30


def test_of_a_whole_line_those_hold_it_whose_turn_it_is() -> None:
    assert held_in([]) == []
    assert held_in(line(EXCLUSIVE, EXCLUSIVE)) == [True, False]
    assert held_in(line(SHARED, SHARED, EXCLUSIVE, SHARED)) == [True, True, False, False]
    several = Claim(permits=2)
    places = [Place("0", several, 1), Place("1", several, 0), Place("2", several)]
    assert held_in(places) == [True, True, False]
