"""The line of writers: one at a time, and nobody waits for ever."""

import threading
from pathlib import Path

import pytest

from flightkeeper.flight_server.errors import Cancelled
from flightkeeper.flight_server.lake.turns import FileGate, GateBroken, Line


class Gate:
    """A gate whose answers are given, as words."""

    def __init__(self, answers: str) -> None:
        self.answers = answers.split()
        self.inside = 0

    def try_enter(self, within_s: float = 0.0) -> bool:
        del within_s
        entered = self.answers.pop(0) == "yes"
        self.inside += entered
        return entered

    def leave(self) -> None:
        self.inside -= 1


class BrokenGate(Gate):
    def try_enter(self, within_s: float = 0.0) -> bool:
        del within_s
        raise GateBroken("nobody answers")


def nothing() -> None:
    """Nobody has stopped who waits."""


def test_who_has_the_turn_is_inside_and_leaves() -> None:
    gate = Gate("no no yes")
    with Line(gate).turn(nothing):
        assert gate.inside == 1
    assert gate.inside == 0


def test_an_error_inside_ends_the_turn() -> None:
    gate = Gate("yes yes")
    line = Line(gate)
    with pytest.raises(LookupError), line.turn(nothing):
        raise LookupError
    with line.turn(nothing):
        assert gate.inside == 1


def test_who_has_waited_long_enough_goes_without() -> None:
    gate = Gate("no")
    with Line(gate, patience_s=-1).turn(nothing):
        assert gate.inside == 0


def test_without_a_gate_there_is_still_a_line() -> None:
    line, order = Line(BrokenGate("")), list[str]()
    began = threading.Event()

    def second() -> None:
        with line.turn(began.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with line.turn(nothing):
        thread.start()
        assert began.wait(20)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_who_is_stopped_while_waiting_does_not_enter() -> None:
    gate = Gate("no yes")
    line = Line(gate)

    def stopped() -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled), line.turn(stopped):
        pytest.fail("it entered")
    with line.turn(nothing):
        assert gate.inside == 1


def test_a_locked_file_keeps_others_out(tmp_path: Path) -> None:
    mine, theirs = FileGate(tmp_path / "lock"), FileGate(tmp_path / "lock")
    assert mine.try_enter()
    assert not theirs.try_enter()
    mine.leave()
    assert theirs.try_enter()
    theirs.leave()
