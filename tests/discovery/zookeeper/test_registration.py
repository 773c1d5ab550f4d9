"""One registration against scripted znodes."""

import pytest

from flightkeeper.discovery.errors import DuplicateNode, RegistryDenied
from flightkeeper.discovery.records import encode
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.registration import ZooKeeperRegistration
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.backends import instance
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

PATH = "/services/analytics/n1"
ME = instance("me")
ELSEWHERE = instance("other", location="grpc://other:1")


class Made:
    """A registration, its znodes, and how often it asked to be run."""

    def __init__(self, *, others_alive: bool = False, spread_s: float = 0.0) -> None:
        self.wakes = 0
        self.now_s = 1000.0
        self.znodes = FakeZnodes()
        self.registration = ZooKeeperRegistration(
            Paths(""),
            ME,
            probe=lambda _: others_alive,
            wake=self._wake,
            clock=lambda: self.now_s,
            spread=lambda: spread_s,
        )

    def _wake(self) -> None:
        self.wakes += 1

    def run(self) -> float | None:
        return self.registration.run(self.znodes)

    def held(self) -> bool:
        znode = self.znodes.at(PATH)
        return znode is not None and (znode.data, znode.owner) == (
            encode(ME),
            self.znodes.session_id,
        )


@pytest.fixture
def made() -> Made:
    return Made()


def test_it_makes_the_parents_and_the_znode(made: Made) -> None:
    assert made.run() == 30
    assert made.held()
    assert made.registration.active


def test_a_second_run_changes_nothing(made: Made) -> None:
    made.run()
    made.znodes.done.clear()
    made.run()
    assert made.znodes.done == ["read"]


@pytest.mark.parametrize("after", ["done", "not done"])
def test_a_lost_answer_to_create_is_cleared_up_by_looking(made: Made, after: str) -> None:
    lost = AnswerLost("lost")
    if after == "done":
        made.znodes.lose_answer["create"] = [lost]
    else:
        made.znodes.before["create"] = [lost]
    with pytest.raises(AnswerLost):
        made.run()
    made.registration.failed(lost)
    assert not made.registration.active
    made.run()
    assert made.held()
    assert made.registration.active


def test_it_wants_to_run_when_its_znode_changes(made: Made) -> None:
    made.run()
    made.znodes.remove(PATH)
    assert made.wakes == 1
    made.run()
    assert made.held()


def test_it_comes_back_after_expiry(made: Made) -> None:
    made.run()
    made.znodes.expire()
    made.registration.suspended()
    assert made.registration.active
    made.registration.lost()
    assert not made.registration.active
    made.run()
    assert made.held()
    assert made.registration.active


def test_what_was_lost_is_put_back_after_a_while_of_its_own() -> None:
    made = Made(spread_s=3.0)
    assert made.run() == 30, "the first time is not put off"
    made.znodes.expire()
    made.registration.lost()
    assert made.run() == 3
    made.now_s += 2
    made.registration.lost()
    assert made.run() == 1, "and it is put off once"
    made.now_s += 1
    assert made.run() == 30
    assert made.held()
    made.znodes.remove(PATH)
    assert made.run() == 30, "nor is what only others took out"


def test_a_loss_after_which_all_is_there_puts_nothing_off() -> None:
    made = Made(spread_s=3.0)
    made.run()
    made.registration.lost()
    assert made.run() == 30
    assert made.registration.active


def test_leaving_is_not_put_off() -> None:
    made = Made(spread_s=3.0)
    made.run()
    made.znodes.expire()
    made.registration.lost()
    made.registration.withdraw(0)
    assert made.run() is None


def test_a_stale_znode_of_its_earlier_session_is_replaced(made: Made) -> None:
    made.znodes.put("/services/analytics", b"")
    made.znodes.put(PATH, encode(ME), owner=99)
    made.run()
    assert made.held()
    assert made.znodes.done.count("replace") == 1


def test_a_stale_znode_that_vanishes_meanwhile(made: Made) -> None:
    made.znodes.put("/services/analytics", b"")
    made.znodes.put(PATH, encode(ELSEWHERE), owner=99)
    made.znodes.before["replace"] = [lambda: made.znodes.remove(PATH)]
    made.run()
    assert made.held()


def test_another_creates_it_meanwhile() -> None:
    made = Made(others_alive=True)
    made.znodes.before["create"] = [lambda: made.znodes.put(PATH, encode(ELSEWHERE), owner=9)]
    assert made.run() == 2
    with pytest.raises(DuplicateNode, match="grpc://other:1"):
        made.registration.wait(0)
    made.znodes.remove(PATH)
    made.run()
    assert made.registration.wait(0)


def test_a_dead_other_is_replaced(made: Made) -> None:
    made.znodes.put(PATH, encode(ELSEWHERE), owner=9)
    made.run()
    assert made.held()


def test_who_was_displaced_yields(made: Made) -> None:
    made.run()
    made.znodes.put(PATH, encode(instance("successor")), owner=9)
    made.run()
    with pytest.raises(DuplicateNode):
        made.registration.wait(0)
    assert not made.held()


def test_an_update_is_written_once(made: Made) -> None:
    made.run()
    draining = instance("me", location="grpc://new:1")
    made.registration.update(draining)
    assert made.wakes == 1
    made.run()
    made.run()
    znode = made.znodes.at(PATH)
    assert znode is not None
    assert (znode.data, znode.version) == (encode(draining), 1)


def test_a_znode_that_never_rests_is_given_up_for_now(made: Made) -> None:
    made.znodes.put("/services/analytics", b"")

    def come_and_go() -> None:
        made.znodes.put(PATH, b"garbage", owner=9)

    made.znodes.before["create"] = [come_and_go] * 20
    made.znodes.before["replace"] = [lambda: made.znodes.remove(PATH)] * 20
    with pytest.raises(AnswerLost, match="keeps changing"):
        made.run()


def test_withdraw_deletes_and_ends_the_duty(made: Made) -> None:
    made.run()
    made.registration.withdraw(0)
    assert made.run() is None
    assert made.znodes.at(PATH) is None
    assert made.registration.over


def test_withdraw_leaves_what_belongs_to_others(made: Made) -> None:
    made.run()
    made.znodes.put(PATH, encode(ELSEWHERE), owner=9)
    made.registration.withdraw(0)
    assert made.run() is None
    assert made.znodes.at(PATH) is not None


def test_withdraw_of_what_is_gone(made: Made) -> None:
    made.run()
    made.znodes.before["delete"] = [lambda: made.znodes.remove(PATH)]
    made.registration.withdraw(0)
    assert made.run() is None


def test_a_refused_permission_is_told_to_those_who_wait(made: Made) -> None:
    denied = RegistryDenied("NoAuth")
    made.registration.failed(denied)
    with pytest.raises(RegistryDenied):
        made.registration.wait(0)


def test_a_registration_that_is_refused_for_good_is_withdrawn_at_once(made: Made) -> None:
    made.registration.refuse(DuplicateNode("taken"))
    made.registration.withdraw(0)
    assert not made.registration.wait(0)


def test_an_ended_session_ends_it(made: Made) -> None:
    made.run()
    made.registration.ended()
    assert made.registration.over
    assert not made.registration.active
