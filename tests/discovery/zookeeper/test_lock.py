"""A contender against scripted znodes, on a clock of its own."""

from collections.abc import Callable

import pytest

from flightkeeper.discovery.contention import EXCLUSIVE, SHARED, Claim
from flightkeeper.discovery.errors import RegistryDenied
from flightkeeper.discovery.locks import LockLost
from flightkeeper.discovery.zookeeper.lock import Contender, ZooKeeperHold
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

FOLDER = "/locks/etl"
SESSION_S = 10.0


class Fixture:
    """One contender for a lock that others may want, too."""

    def __init__(self, znodes: FakeZnodes | None = None, claim: Claim = EXCLUSIVE) -> None:
        self.znodes = znodes or FakeZnodes()
        self.now_s = 100.0
        self.woken = 0
        self.hold = ZooKeeperHold("etl", claim, leave=self._wake, clock=lambda: self.now_s)
        self.contender = Contender(self.hold, FOLDER, wake=self._wake, clock=lambda: self.now_s)

    def _wake(self) -> None:
        self.woken += 1

    def run(self) -> float | None:
        return self.contender.run(self.znodes)

    @property
    def line(self) -> list[str]:
        return sorted(self.znodes.children(FOLDER), key=lambda name: name.rpartition("-")[2])


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_first_in_line_has_it_and_its_birth_is_the_token(fixture: Fixture) -> None:
    assert fixture.run() == pytest.approx(SESSION_S / 6)
    assert fixture.hold.wait_held(0)
    (own,) = fixture.line
    assert fixture.hold.place == f"{FOLDER}/{own}"
    znode = fixture.znodes.at(fixture.hold.place)
    assert znode is not None
    assert fixture.hold.token == znode.czxid > 0


def test_who_comes_later_waits_for_the_one_before_it_only(fixture: Fixture) -> None:
    second, third = Fixture(fixture.znodes), Fixture(fixture.znodes)
    for each in (fixture, second, third):
        each.run()
    assert not second.hold.wait_held(0)
    assert not third.hold.wait_held(0)
    fixture.hold.release()
    assert fixture.run() is None
    assert (second.woken, third.woken) == (1, 0)
    second.run()
    assert second.hold.wait_held(0)
    assert second.hold.token > fixture.hold.token
    assert second.hold.place.endswith(fixture.line[0])


def test_one_who_gives_up_in_the_middle_lets_the_next_one_look(fixture: Fixture) -> None:
    second, third = Fixture(fixture.znodes), Fixture(fixture.znodes)
    for each in (fixture, second, third):
        each.run()
    second.hold.release()
    second.run()
    assert third.woken == 1
    third.run()
    assert not third.hold.wait_held(0)
    assert len(third.line) == 2


def test_a_place_whose_answer_was_lost_is_found_again(fixture: Fixture) -> None:
    fixture.znodes.lose_answer["create_sequential"] = [AnswerLost("lost")]
    with pytest.raises(AnswerLost):
        fixture.run()
    fixture.contender.failed(AnswerLost("lost"))
    fixture.run()
    assert len(fixture.line) == 1
    assert fixture.hold.wait_held(0)


def test_who_waits_stands_in_line_again_in_a_new_session(fixture: Fixture) -> None:
    second = Fixture(fixture.znodes)
    fixture.run()
    second.run()
    fixture.znodes.session_id = 7  # of both; what is there is of the old one
    second.contender.suspended()
    second.contender.lost()
    second.run()
    assert len(fixture.line) == 2
    fixture.run()
    assert fixture.hold.lost
    second.run()
    assert second.hold.wait_held(0)


@pytest.mark.parametrize(
    "happens",
    [
        lambda fixture: fixture.contender.lost(),
        lambda fixture: fixture.znodes.remove(fixture.hold.place),
        lambda fixture: fixture.znodes.expire(),
    ],
    ids=["session lost", "znode removed", "session expired"],
)
def test_what_is_lost_is_not_taken_again(
    fixture: Fixture, happens: Callable[[Fixture], None]
) -> None:
    fixture.run()
    happens(fixture)
    assert fixture.run() is None
    assert fixture.hold.lost
    assert fixture.line == []
    with pytest.raises(LockLost, match="no longer held for sure"):
        fixture.hold.check()


def test_without_a_word_of_the_registry_it_is_over_at_two_thirds_of_the_session(
    fixture: Fixture,
) -> None:
    fixture.run()
    fixture.now_s += 6.6
    fixture.hold.check()
    fixture.run()
    fixture.now_s += 6.6
    fixture.hold.check()
    fixture.now_s += 0.1
    assert fixture.hold.lost
    assert fixture.hold.wait_lost(0)
    # It still is first in line; but somebody may have been told that it is over.
    fixture.run()
    assert fixture.hold.lost
    assert fixture.run() is None
    assert fixture.line == []


def test_who_is_told_to_stop_keeps_its_place_until_it_lets_go(fixture: Fixture) -> None:
    fixture.run()
    fixture.hold.stop()
    assert fixture.run() is not None
    assert fixture.hold.lost
    assert len(fixture.line) == 1
    fixture.hold.release()
    assert fixture.run() is None
    assert fixture.line == []


def test_time_counts_from_before_the_question(fixture: Fixture) -> None:
    def slow() -> None:
        fixture.now_s += 5

    fixture.run()
    fixture.znodes.before["children"] = [slow]
    fixture.run()
    fixture.now_s += 1.6
    fixture.hold.check()
    fixture.now_s += 0.1
    assert fixture.hold.lost


def test_the_servers_word_on_the_session_counts(fixture: Fixture) -> None:
    fixture.znodes.session_timeout_s = 3.0
    assert fixture.run() == pytest.approx(0.5)
    fixture.now_s += 2.1
    assert fixture.hold.lost


def test_who_is_let_go_before_it_stood_in_line_leaves_nothing(fixture: Fixture) -> None:
    fixture.hold.end()
    assert fixture.run() is None
    assert fixture.hold.gone
    assert fixture.line == []


def test_of_two_places_the_first_one_counts_and_the_other_is_given_up(fixture: Fixture) -> None:
    other = Fixture(fixture.znodes)
    other.run()
    fixture.znodes.lose_answer["create_sequential"] = [AnswerLost("lost")]
    with pytest.raises(AnswerLost):
        fixture.run()
    mark = fixture.line[1].rpartition("-")[0] + "-"
    # It was made, was not seen by the next server, and made again.
    fixture.znodes.create_sequential(f"{FOLDER}/{mark}", b"")
    fixture.run()
    assert len(fixture.line) == 2
    other.hold.release()
    other.run()
    fixture.run()
    assert fixture.hold.wait_held(0)
    fixture.hold.release()
    assert fixture.run() is None
    assert fixture.line == []


def test_a_place_that_shows_late_is_given_up_as_well(fixture: Fixture) -> None:
    fixture.znodes.before["create_sequential"] = [AnswerLost("lost")]
    with pytest.raises(AnswerLost):
        fixture.run()
    fixture.contender.failed(AnswerLost("lost"))
    fixture.hold.release()
    mark = fixture.contender._mark
    fixture.znodes.before["sync"] = [
        lambda: _ignored(fixture.znodes.create_sequential(f"{FOLDER}/{mark}", b""))
    ]
    assert fixture.run() is None
    assert fixture.line == []


def test_a_server_that_answers_reads_only_confirms_nothing(fixture: Fixture) -> None:
    fixture.run()
    fixture.now_s += 5
    fixture.znodes.before["write"] = [AnswerLost("no leader")]
    with pytest.raises(AnswerLost):
        fixture.run()
    fixture.now_s += 1.7
    assert fixture.hold.lost


def test_who_may_not_is_told_why(fixture: Fixture) -> None:
    fixture.contender.failed(RegistryDenied("no"))
    assert not fixture.hold.wait_held(10)
    assert str(fixture.hold.refusal) == "no"


def test_who_asks_whether_it_wants_to_wait_gives_up(fixture: Fixture) -> None:
    def no_more() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fixture.hold.wait_held(10, no_more)


def test_only_writers_are_waited_for_by_readers() -> None:
    znodes = FakeZnodes()
    first, second = Fixture(znodes, SHARED), Fixture(znodes, SHARED)
    writer, late = Fixture(znodes), Fixture(znodes, SHARED)
    for each in (first, second, writer, late):
        each.run()
    assert [each.hold.wait_held(0) for each in (first, second, writer, late)] == [
        True,
        True,
        False,
        False,
    ]
    first.hold.release()
    first.run()
    assert late.woken == 0
    writer.hold.release()
    writer.run()
    assert late.woken == 1
    late.run()
    assert late.hold.wait_held(0)


def test_the_first_of_those_who_wait_hears_of_a_permit() -> None:
    znodes, two = FakeZnodes(), Claim(permits=2)
    crowd = [Fixture(znodes, two) for _ in range(5)]
    for each in crowd:
        each.run()
    held = [each for each in crowd if each.hold.wait_held(0)]
    assert held == crowd[:2]
    assert [each.hold.permit for each in held] == [0, 1]
    # It also hears of those who come.
    assert crowd[2].woken == 1
    crowd[2].run()
    for each in crowd:
        each.woken = 0
    crowd[0].hold.release()
    crowd[0].run()
    assert [each.woken for each in crowd[2:]] == [1, 0, 0]
    crowd[2].run()
    assert (crowd[2].hold.permit, crowd[2].hold.wait_held(0)) == (0, True)
    # The one behind it is the first of those who wait now.
    assert [each.woken for each in crowd[3:]] == [1, 0]


def test_a_permit_is_not_taken_before_the_one_in_front_has_chosen() -> None:
    znodes, two = FakeZnodes(), Claim(permits=2)
    first, second = Fixture(znodes, two), Fixture(znodes, two)
    znodes.before["write"] = [AnswerLost("not done")]
    with pytest.raises(AnswerLost):
        first.run()
    second.run()
    assert not second.hold.wait_held(0)
    first.run()
    assert second.woken == 1
    second.run()
    assert (first.hold.permit, second.hold.permit) == (0, 1)


def test_a_permit_whose_answer_was_lost_stays_the_same() -> None:
    znodes, two = FakeZnodes(), Claim(permits=2)
    first, second, third = (Fixture(znodes, two) for _ in range(3))
    first.run()
    znodes.lose_answer["write"] = [AnswerLost("done")]
    with pytest.raises(AnswerLost):
        second.run()
    first.hold.release()
    first.run()
    second.run()
    third.run()
    assert (second.hold.permit, third.hold.permit) == (1, 0)


def test_who_chose_between_a_look_and_the_watch_is_seen() -> None:
    znodes, two = FakeZnodes(), Claim(permits=2)
    first, second = Fixture(znodes, two), Fixture(znodes, two)
    znodes.before["write"] = [AnswerLost("not done")]
    with pytest.raises(AnswerLost):
        first.run()
    # Its own place is read first, then that of the one in front, with the watch.
    znodes.before["read"] = [_nothing, lambda: _ignored(first.run())]
    second.run()
    assert second.hold.wait_held(0)


def _nothing() -> None:
    """Nobody does anything between two operations."""


def _ignored(_made: object) -> None:
    """For a call whose answer nobody wants."""
