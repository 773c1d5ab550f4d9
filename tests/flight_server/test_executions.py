"""Results that wait: taken once, dropped when late, bounded in number."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from flightkeeper.flight_server import executions as module
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.executions import Executions


class Watched:
    """A result that tells what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.result = Result(
            pa.schema([]),
            iter(()),
            stop=self._remember("stop"),
            close=self._remember("close"),
        )

    def _remember(self, what: str) -> Callable[[], None]:
        return lambda: self.done.append(what)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_result_is_taken_once(*, repeatable: bool) -> None:
    executions, watched = Executions(), Watched()
    executions.keep("a", watched.result, 0, repeatable=repeatable)
    assert executions.take("a") is watched.result
    assert executions.take("a") is None
    assert watched.done == []


@pytest.mark.parametrize(("repeatable", "limit_s"), [(True, 10), (False, 300)])
def test_what_waits_too_long_is_dropped(*, repeatable: bool, limit_s: float) -> None:
    executions, watched = Executions(), Watched()
    executions.keep("a", watched.result, 100, repeatable=repeatable)
    executions.expire(100 + limit_s)
    assert watched.done == []
    executions.expire(100.1 + limit_s)
    assert watched.done == ["close"]
    assert executions.take("a") is None


@pytest.mark.parametrize("repeatable", [True, False])
def test_the_oldest_of_too_many_gives_way(
    monkeypatch: pytest.MonkeyPatch, *, repeatable: bool
) -> None:
    monkeypatch.setattr(module, "_READS_MAX" if repeatable else "_WRITES_MAX", 2)
    executions, kept = Executions(), [Watched() for _ in range(4)]
    other = Watched()
    executions.keep("other", other.result, 0, repeatable=not repeatable)
    for number, watched in enumerate(kept):
        executions.keep(str(number), watched.result, 0, repeatable=repeatable)
    assert [watched.done for watched in kept] == [["close"], ["close"], [], []]
    assert executions.take("3") is kept[3].result
    assert other.done == []


def test_a_waiting_execution_is_cancelled() -> None:
    executions, watched = Executions(), Watched()
    executions.keep("a", watched.result, 0, repeatable=True)
    assert executions.cancel("a")
    assert watched.done == ["close"]
    assert not executions.cancel("a")


def test_a_fetched_execution_is_stopped_until_it_ends() -> None:
    executions, watched = Executions(), Watched()
    executions.fetching("a", watched.result)
    assert executions.cancel("a")
    assert watched.done == ["stop"]
    executions.fetched("a")
    executions.fetched("a")
    assert not executions.cancel("a")


def test_closing_drops_what_waits_and_stops_what_runs() -> None:
    executions, read, write, running = Executions(), Watched(), Watched(), Watched()
    executions.keep("a", read.result, 0, repeatable=True)
    executions.keep("b", write.result, 0, repeatable=False)
    executions.fetching("c", running.result)
    executions.close()
    executions.close()
    assert (read.done, write.done) == (["close"], ["close"])
    assert set(running.done) == {"stop"}


def test_names_never_meet() -> None:
    one, two = Executions(), Executions()
    names = [executions.new_id() for executions in (one, two) for _ in range(100)]
    assert len(set(names)) == 200
