"""Results that wait: taken once, dropped when late, bounded in number."""

import pyarrow as pa
import pytest

from flightkeeper.flight_server import executions as module
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.executions import WRITE_WAITS_S, Answer, Cancelling, Executions


class Watched:
    """A result that tells what was done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.result = Result(
            pa.schema([]),
            iter(()),
            stop=self._stop,
            close=lambda: self.done.append("close"),
        )

    def _stop(self) -> bool:
        self.done.append("stop")
        return False


def answer(rows: int = 1) -> Answer:
    batch = pa.record_batch({"a": pa.array(range(rows), pa.int64())})
    return Answer(batch.schema, (batch,))


def test_a_read_is_taken_once() -> None:
    executions, watched = Executions(), Watched()
    executions.keep_read("a", watched.result, 0)
    assert executions.take("a") is watched.result
    assert executions.take("a") is None
    assert watched.done == []


def test_what_a_write_answered_is_fetched_as_often_as_one_likes() -> None:
    executions = Executions()
    executions.keep_write("a", answer(3), 0)
    for _ in range(3):
        taken = executions.take("a")
        assert taken is not None
        assert taken.rows == 3
        assert [batch.num_rows for batch in taken] == [3]


def test_a_read_that_waits_too_long_is_dropped() -> None:
    executions, watched = Executions(), Watched()
    executions.keep_read("a", watched.result, 100)
    executions.expire(110)
    assert watched.done == []
    executions.expire(110.1)
    assert watched.done == ["close"]
    assert executions.take("a") is None


def test_the_answer_of_a_write_is_dropped_later_unless_it_is_renewed() -> None:
    executions = Executions()
    for name in "ab":
        executions.keep_write(name, answer(), 100)
    executions.expire(400)
    assert executions.renew("a", 400)
    executions.expire(400.1)
    assert executions.take("a") is not None
    assert executions.take("b") is None
    assert not executions.renew("b", 401)
    executions.expire(700.1)
    assert executions.take("a") is None


def test_the_oldest_of_too_many_reads_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READS_MAX", 2)
    executions, kept = Executions(), [Watched() for _ in range(4)]
    for number, watched in enumerate(kept):
        executions.keep_read(str(number), watched.result, 0)
    assert [watched.done for watched in kept] == [["close"], ["close"], [], []]
    assert executions.take("3") is kept[3].result


@pytest.mark.parametrize(("limit", "most"), [("_WRITES_MAX", 2), ("_WRITES_BYTES_MAX", 1600)])
def test_the_oldest_of_too_many_or_too_big_writes_gives_way(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(module, limit, most)
    executions = Executions()
    for number in range(4):
        executions.keep_write(str(number), answer(100), 0)
    assert [executions.take(str(number)) is not None for number in range(4)] == [
        False,
        False,
        True,
        True,
    ]


def test_the_last_answer_stays_however_big() -> None:
    executions = Executions()
    executions.keep_write("a", answer(), 0)
    assert executions.take("a") is not None
    executions.expire(WRITE_WAITS_S + 1)
    assert executions.take("a") is None


def test_a_waiting_execution_is_cancelled() -> None:
    executions, watched = Executions(), Watched()
    executions.keep_read("a", watched.result, 0)
    assert executions.cancel("a") is Cancelling.STOPPED
    assert watched.done == ["close"]
    assert executions.cancel("a") is Cancelling.NOTHING


def test_what_has_had_its_effect_keeps_its_answer() -> None:
    executions = Executions()
    executions.keep_write("a", answer(), 0)
    assert executions.cancel("a") is Cancelling.FINISHED
    assert executions.take("a") is not None


def test_a_fetched_execution_is_stopped_until_it_ends() -> None:
    executions, one, other = Executions(), Watched(), Watched()
    executions.fetching("a", one.result.stop)
    executions.fetching("a", other.result.stop)
    assert executions.cancel("a") is Cancelling.STOPPED
    assert one.done == other.done == ["stop"]
    executions.fetched("a", one.result.stop)
    executions.fetched("a", one.result.stop)
    assert executions.cancel("a") is Cancelling.STOPPED
    executions.fetched("a", other.result.stop)
    assert executions.cancel("a") is Cancelling.NOTHING


def test_closing_drops_what_waits_and_stops_what_runs() -> None:
    executions, read, running = Executions(), Watched(), Watched()
    executions.keep_read("a", read.result, 0)
    executions.keep_write("b", answer(), 0)
    executions.fetching("c", running.result.stop)
    executions.close()
    executions.close()
    assert read.done == ["close"]
    assert executions.take("b") is None
    assert set(running.done) == {"stop"}


def test_names_never_meet() -> None:
    one, two = Executions(), Executions()
    names = [executions.new_id() for executions in (one, two) for _ in range(100)]
    assert len(set(names)) == 200


def test_results_are_for_callers_who_may_do_what_they_could() -> None:
    executions, watched = Executions(), Watched()
    executions.keep_read("a", watched.result, 0, under="much")
    assert executions.take("a", under="less") is None
    assert watched.done == ["close"]
    executions.keep_read("b", Watched().result, 0, under="much")
    assert executions.take("b", under="much") is not None
    executions.keep_write("c", answer(), 0, under="much")
    assert executions.take("c", under="less") is None
    assert executions.take("c", under="much") is not None
