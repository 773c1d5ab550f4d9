"""The statements of a node: what runs, what ended and how, within bounds."""

import pytest

from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument
from flightkeeper.flight_server.system import activity
from flightkeeper.flight_server.system.activity import Activity, Ended, Killing, Outcome
from flightkeeper.flight_server.system.running import Running
from flightkeeper.flightsql import headers
from tests.flight_server.system.callers import caller
from tests.flight_server.wire_client import Clock


def begun(known: Activity, text: str = "SELECT 1") -> Running:
    return known.begin(caller(), parse(text), 0)


def test_a_statement_runs_and_then_is_remembered() -> None:
    clock = Clock()
    known = Activity(clock.clocks)
    running = begun(known, "SELECT 1; SELECT 2")
    assert known.running() == (running,)
    assert known.find(running.statement_id) is running
    clock.now_s += 2
    running.complete = True
    running.delivered(5, 40)
    known.end(running)
    assert known.running() == ()
    (ended,) = known.log()
    assert known.find(running.statement_id) == ended
    assert (ended.text, ended.duration_s, ended.rows, ended.nbytes) == (
        "SELECT 1; SELECT 2",
        2,
        5,
        40,
    )
    assert ended.outcome is Outcome.FINISHED


def fails(running: Running, error: Exception) -> None:
    with pytest.raises(type(error)), running:
        raise error


@pytest.mark.parametrize(
    ("happens", "outcome", "error"),
    [
        (lambda r: setattr(r, "complete", True), Outcome.FINISHED, ""),
        (lambda r: fails(r, InvalidArgument("x")), Outcome.FAILED, "InvalidArgument"),
        (lambda r: fails(r, Cancelled("x")), Outcome.CANCELLED, "Cancelled"),
        (lambda r: r.kill("bob", 0), Outcome.KILLED, ""),
        (lambda _: None, Outcome.DROPPED, ""),
    ],
)
def test_how_it_ended(happens: object, outcome: Outcome, error: str) -> None:
    assert callable(happens)
    known = Activity(Clock().clocks)
    running = begun(known)
    happens(running)
    known.end(running)
    (ended,) = known.log()
    assert (ended.outcome, ended.error) == (outcome, error)


def test_names_are_never_used_twice() -> None:
    nodes = [Activity(Clock().clocks) for _ in range(3)]
    names = [begun(node).statement_id for node in nodes for _ in range(10)]
    assert len(set(names)) == 30


def test_what_has_no_text_runs_and_is_not_remembered() -> None:
    known = Activity(Clock().clocks)
    running = known.begin(caller(), (), 0)
    assert known.running() == (running,)
    known.end(running)
    assert known.log() == ()


def test_what_is_done_without_sql_has_a_text_as_well() -> None:
    known = Activity(Clock().clocks)
    assert known.begin(caller(), (), 0, "INGEST INTO t").text == "INGEST INTO t"


def test_killing_says_whether_it_has_ended() -> None:
    known = Activity(Clock().clocks)
    running = begun(known)
    assert known.kill([running], "bob", 0) is Killing.STOPPING
    known.end(running)
    assert known.kill([running], "bob", 0) is Killing.STOPPED


def test_the_log_is_bounded_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "LOG_ENTRIES_MAX", 50)
    known = Activity(Clock().clocks)
    for _ in range(200):
        known.end(begun(known))
    assert len(known.log()) == 50
    monkeypatch.setattr(activity, "LOG_BYTES_MAX", 100_000)
    known = Activity(Clock().clocks)
    text = f"SELECT '{'x' * 10_000}'"
    for _ in range(200):
        known.end(begun(known, text))
    assert 1 < len(known.log()) < 20
    assert {len(entry.text) for entry in known.log()} == {activity.TEXT_CHARACTERS_MAX}


def test_an_unknown_one_is_not_found() -> None:
    found: Running | Ended | None = Activity(Clock().clocks).find("nothing")
    assert found is None


def test_a_caller_ends_only_its_own_by_its_own_name() -> None:
    known = Activity(Clock().clocks)
    calls = [
        caller("ada", **{headers.STATEMENT_ID: "mine"}),
        caller("eve", **{headers.STATEMENT_ID: "mine"}),
        caller("ada"),
    ]
    for call in calls:
        known.begin(call, parse("SELECT 1"), 0)
    known.cancel("", "ada")
    assert not any(call.middleware.cancelled for call in calls)
    known.cancel("mine", "ada")
    assert [call.middleware.cancelled for call in calls] == [True, False, False]
