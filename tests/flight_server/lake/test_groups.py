"""Who waits, who is taken along, and who is stopped when. No lake."""

import threading
from typing import Any

import pytest

from flightkeeper.flight_server.errors import Cancelled, EngineFailed
from flightkeeper.flight_server.lake import groups
from flightkeeper.flight_server.lake.groups import Member, Waiting


class Connection:
    """Notes who was interrupted."""

    def __init__(self) -> None:
        self.interrupted: list[int | None] = []

    def interrupt(self, thread: int | None = None, *, waits: bool = True) -> None:
        assert not waits, "its own caller goes on"
        self.interrupted.append(thread)


CONNECTION: Any = Connection()


def member(key: str, rows: int = 1) -> Member:
    return Member(key, "", lambda _: rows)


def wanted() -> None:
    """Its caller still waits."""


def unwanted() -> None:
    raise Cancelled("stopped")


def joined(waiting: Waiting, *keys: str) -> list[Member]:
    members = [member(key) for key in keys]
    for each in members:
        waiting.join(each)
    return members


def taken(waiting: Waiting, leader: Member) -> list[Member]:
    assert waiting.is_next(leader)
    return waiting.take()


def taken_when(waiting: Waiting, here: list[Member], *keys: str) -> list[str]:
    """The keys of a group that some are here for, and others come while it is gathered."""
    group: list[Member] = []
    thread = threading.Thread(target=lambda: group.extend(taken(waiting, here[0])))
    thread.start()
    joined(waiting, *keys)
    thread.join(20)
    return [one.key for one in group]


def test_the_first_to_ask_takes_along_who_waits() -> None:
    waiting = Waiting()
    one, two, three = joined(waiting, "a", "b", "c")
    assert waiting.is_next(two)
    assert not waiting.is_next(one)
    assert waiting.take() == [two, one, three]
    assert not waiting.is_next(one), "it was taken along"
    assert not len(waiting)


def test_two_of_one_id_are_not_in_one_group() -> None:
    waiting = Waiting()
    one, two, three = joined(waiting, "a", "a", "b")
    assert taken(waiting, one) == [one, three]
    assert taken(waiting, two) == [two]


def test_a_group_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MEMBERS_MAX", 2)
    waiting = Waiting()
    one, two, three = joined(waiting, "a", "b", "c")
    assert taken(waiting, one) == [one, two]
    assert taken(waiting, three) == [three]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_GATHER_MAX_S", 20.0)
    monkeypatch.setattr(groups, "_GATHER_SHARE", 1e9)


@pytest.mark.usefixtures("patient")
def test_those_of_the_last_group_are_waited_for() -> None:
    waiting = Waiting()
    waiting.ended(taken(waiting, joined(waiting, "a", "b")[0]))
    assert taken_when(waiting, joined(waiting, "c"), "d") == ["c", "d"]


@pytest.mark.usefixtures("patient")
def test_two_groups_that_let_each_other_wait_become_one() -> None:
    waiting = Waiting()
    first = taken(waiting, joined(waiting, "a", "b")[0])
    others = joined(waiting, "c", "d")
    waiting.ended(first)
    assert taken_when(waiting, others, "a2", "b2") == ["c", "d", "a2", "b2"]


def test_nobody_waits_for_longer_than_it_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_GATHER_SHARE", 0.0)
    waiting = Waiting()
    waiting.ended(taken(waiting, joined(waiting, "a", "b")[0]))
    assert taken_when(waiting, joined(waiting, "c")) == ["c"]


def test_who_is_stopped_while_it_waits_is_gone() -> None:
    waiting = Waiting()
    one, two = joined(waiting, "a", "b")
    assert waiting.is_next(one)
    waiting.look(one, wanted)
    with pytest.raises(Cancelled):
        waiting.look(one, unwanted)
    assert taken(waiting, two) == [two]


def test_who_was_taken_along_is_left_to_the_one_who_took_it() -> None:
    waiting = Waiting()
    one, two = joined(waiting, "a", "b")
    taken(waiting, two)
    waiting.look(one, unwanted)
    assert one.stopped
    with pytest.raises(Cancelled, match="nothing of it was written"):
        waiting.run(one, CONNECTION)
    waiting.run(two, CONNECTION)
    assert two.rows == 1
    assert not CONNECTION.interrupted


def test_who_is_stopped_while_it_runs_is_interrupted() -> None:
    waiting = Waiting()
    connection: Any = Connection()
    began, interrupted = threading.Event(), threading.Event()

    def run(_: object) -> int:
        began.set()
        assert interrupted.wait(20)
        raise Cancelled("interrupted")

    slow = Member("a", "", run)
    waiting.join(slow)
    taken(waiting, slow)
    told: list[BaseException] = []

    def lead() -> None:
        try:
            waiting.run(slow, connection)
        except Cancelled as exc:
            told.append(exc)

    thread = threading.Thread(target=lead)
    thread.start()
    assert began.wait(20)
    waiting.look(slow, unwanted)
    assert connection.interrupted == [thread.ident]
    interrupted.set()
    thread.join(20)
    assert len(told) == 1
    waiting.look(slow, unwanted)
    assert len(connection.interrupted) == 1, "it does not run any more"


def test_who_is_put_back_comes_before_who_came_later() -> None:
    waiting = Waiting()
    members = joined(waiting, "a", "b", "c")
    group = taken(waiting, members[0])
    (late,) = joined(waiting, "d")
    waiting.put_back(group[1:])
    assert taken(waiting, late) == [late, *group[1:]]


def test_an_error_of_all_is_raised_to_each() -> None:
    one, two = member("a"), member("b")
    error = EngineFailed("the catalog failed")
    for each in (one, two):
        assert not each.settled
        each.settle(error)
        assert each.settled
        assert each.wait()
        with pytest.raises(EngineFailed, match="the catalog failed") as caught:
            each.raise_error()
        assert caught.value is not error
    fine = member("c")
    fine.settle(None)
    fine.raise_error()


def test_a_defect_is_raised_as_it_is() -> None:
    broken = member("a")
    broken.settle(LookupError())
    with pytest.raises(LookupError):
        broken.raise_error()
