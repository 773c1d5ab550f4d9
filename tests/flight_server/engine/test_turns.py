"""Turns: one thread at a time, and who is stopped while it waits does not begin."""

import threading
from collections.abc import Callable

import pytest

from flightkeeper.flight_server.engine.turns import Turn, Turns
from flightkeeper.flight_server.errors import Cancelled
from tests.flight_server.wire_client import eventually


class Waiter:
    """A thread that wants a turn, and what came of it."""

    def __init__(self, turns: Turns) -> None:
        self.outcome: list[str] = []
        self._turns = turns
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        eventually(lambda: self.thread.ident in turns._waiting)

    def _run(self) -> None:
        try:
            with self._turns:
                self.outcome.append("had its turn")
        except Cancelled as exc:
            self.outcome.append(str(exc))


def test_a_turn_may_be_had_again_by_who_has_it() -> None:
    turns = Turns()
    with turns, turns:
        pass


def test_others_wait() -> None:
    turns = Turns()
    with turns:
        waiter = Waiter(turns)
    waiter.thread.join(10)
    assert waiter.outcome == ["had its turn"]
    assert not turns._waiting


@pytest.mark.parametrize(
    "whom", [lambda waiter: waiter.thread.ident, lambda _: None], ids=["this one", "all"]
)
def test_who_is_stopped_while_it_waits_does_not_begin(
    whom: Callable[[Waiter], int | None],
) -> None:
    turns = Turns()
    with turns:
        waiter = Waiter(turns)
        turns.stop(whom(waiter))
        waiter.thread.join(10)
        assert (
            "while it waited for another one of its session; nothing was run" in (waiter.outcome[0])
        )
    with turns:
        assert not turns._waiting


def test_stopping_somebody_else_stops_nobody() -> None:
    turns = Turns()
    with turns:
        waiter = Waiter(turns)
        turns.stop(threading.get_ident())
    waiter.thread.join(10)
    assert waiter.outcome == ["had its turn"]


def test_a_stop_within_one_wait_ends_the_one_around_it() -> None:
    turns = Turns()
    with turns.stoppable() as check:
        with turns.stoppable() as check_within:
            check_within()
            turns.stop(threading.get_ident())
        with pytest.raises(Cancelled):
            check()
    with turns.stoppable() as check:
        check()


def test_a_turn_that_came_with_the_stop_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    checks = iter([None, Cancelled("stopped")])

    def check() -> None:
        if (error := next(checks)) is not None:
            raise error

    monkeypatch.setattr(turns, "_check", check)
    released = threading.Event()

    def hold() -> None:
        with turns:
            holding.set()
            released.wait(10)

    holding = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    threading.Timer(0.08, released.set).start()
    with pytest.raises(Cancelled), turns:
        raise AssertionError
    holder.join(10)
    assert turns.lock.acquire(blocking=False)
    turns.lock.release()


def test_a_turn_begins_with_the_same_thing_and_ends_when_that_fails() -> None:
    turns, done = Turns(), []

    def first() -> None:
        done.append("first")
        if len(done) > 1:
            raise ValueError

    turn = Turn(turns, first)
    with turn:
        assert done == ["first"]
    with pytest.raises(ValueError), turn:  # noqa: PT011 - its own
        pytest.fail("it does not begin")
    free: list[bool] = []
    other = threading.Thread(target=lambda: free.append(turns.lock.acquire(blocking=False)))
    other.start()
    other.join(10)
    assert free == [True]
