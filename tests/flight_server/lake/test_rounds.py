"""Rounds of upkeep on a lake that two databases share: one at a time, each thing by itself."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine import lake_upkeep
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.deletions import DeletionRefused
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.lake.gates import gate, upkeep_gate
from flightkeeper.flight_server.lake.location import Backend, Location
from flightkeeper.flight_server.lake.rounds import Order, Rounds
from flightkeeper.flight_server.lake.turns import GateBroken, Line
from flightkeeper.flight_server.lake.upkeep import Keeping, Run, Step

pytestmark = pytest.mark.lake

NOW_S = 1_800_000_000.0
KEEPING = Keeping(10**9, 10**8, 10**9, 1 << 20)


class Stopped(Exception):
    """Whoever does the round is to stop."""


def nothing() -> None:
    """Nobody stops it."""


def rounds(
    database: Database, location: Location, author: str = "n1", *, step_s: float = 1.0
) -> Rounds:
    """`step_s`: what passes each time that the clock is looked at."""
    ticks = count()
    clocks = Clocks(lambda: NOW_S, lambda: next(ticks) * step_s)
    line = Line(gate(location, database))
    entrance = upkeep_gate(location, database)
    return Rounds(Order(Backend.SQLITE, database, line, entrance, clocks, lambda: author))


@pytest.fixture
def doing(here: Database, location: Location) -> Rounds:
    connection = here.connect()
    for name in ("t", "u"):
        connection.command(f"CREATE TABLE {name} (i BIGINT)")
        for _ in range(8):
            connection.command(f"INSERT INTO {name} FROM range(20)")
    connection.close()
    return rounds(here, location)


def told(runs: object) -> list[tuple[Step, str, str]]:
    assert isinstance(runs, list)
    return [(run.step, run.outcome, run.detail) for run in runs]


def test_a_round_does_what_is_to_be_done_and_says_so(
    doing: Rounds, there: Database, location: Location
) -> None:
    runs = doing.round(KEEPING, nothing)
    merged = "main.t: 8 files into 1; main.u: 8 files into 1"
    assert told(runs) == [(Step.MERGE, "done", merged), (Step.ORPHANS, "done", "0 files")]
    other = rounds(there, location, "n2")
    backlog, found = other.look(KEEPING)
    assert sum(table.small for table in backlog.tables) == 2
    assert found[Step.MERGE] == Run(Step.MERGE, "n1", NOW_S, 1000, "done", merged)
    assert other.round(KEEPING, nothing) == []


def test_one_does_it_at_a_time(doing: Rounds, there: Database, location: Location) -> None:
    other = rounds(there, location, "n2")
    seen: list[object] = []
    doing.round(KEEPING, lambda: seen.append(other.round(KEEPING, nothing)))
    assert seen
    assert set(seen) == {None}


def failing(error: EngineFailed, wrong: str) -> Callable[..., str]:
    real = lake_upkeep.perform

    def perform(*told: object) -> str:
        if wrong in str(told[1]):
            raise error
        return real(*told)  # type: ignore[arg-type]

    return perform


@pytest.mark.parametrize(
    ("words", "outcome"),
    [("Transaction conflict: compacted", "put off"), ("disk full\nand more", "failed")],
)
def test_what_fails_is_said_and_the_rest_is_done(
    doing: Rounds, monkeypatch: pytest.MonkeyPatch, words: str, outcome: str
) -> None:
    monkeypatch.setattr(lake_upkeep, "perform", failing(EngineFailed(words), "'t'"))
    runs = doing.round(KEEPING, nothing)
    detail = f"main.t: {' '.join(words.split())}"
    assert told(runs)[0] == (Step.MERGE, outcome, detail)
    backlog, _ = doing.look(KEEPING)
    assert {table.name: table.small for table in backlog.tables} == {"t": 8, "u": 1}


@pytest.mark.parametrize(("step_s", "again"), [(1.0, False), (50_000.0, True)])
def test_who_may_not_delete_files_says_so_and_tries_again_after_a_day(
    here: Database,
    location: Location,
    monkeypatch: pytest.MonkeyPatch,
    step_s: float,
    *,
    again: bool,
) -> None:
    doing = rounds(here, location, step_s=step_s)
    error = DeletionRefused("files may not be deleted from here")
    # Looked for in each round, because nothing is kept for longer.
    keeping = replace(KEEPING, files_s=0)
    with monkeypatch.context() as patched:
        patched.setattr(lake_upkeep, "perform", failing(error, "orphans"))
        assert told(doing.round(keeping, nothing)) == [(Step.ORPHANS, "failed", str(error))]
    assert bool(doing.round(keeping, nothing)) is again


def test_a_round_that_is_stopped_ends_before_the_next_thing(doing: Rounds) -> None:
    asked = count()

    def check() -> None:
        if next(asked) == 1:
            raise Stopped

    with pytest.raises(Stopped):
        doing.round(KEEPING, check)
    backlog, found = doing.look(KEEPING)
    assert sorted(table.small for table in backlog.tables) == [1, 8]
    assert not found
    assert told(doing.round(KEEPING, nothing))[0][2] == "main.u: 8 files into 1"


def test_what_is_interrupted_tells_of_the_stop(
    doing: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    over: list[bool] = []

    def stopped(*_: object) -> str:
        doing.stop()
        over.append(True)
        raise EngineFailed("interrupted")

    def check() -> None:
        if over:
            raise Stopped

    monkeypatch.setattr(lake_upkeep, "perform", stopped)
    with pytest.raises(Stopped):
        doing.round(KEEPING, check)
    doing.stop()
    assert not doing.look(KEEPING)[1]


def test_without_a_lock_nothing_is_done(doing: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> bool:
        raise GateBroken("nobody answers")

    monkeypatch.setattr(doing._order.gate, "try_enter", broken)
    assert doing.round(KEEPING, nothing) is None
