"""A statement in progress: its limit, its end from afar, its counters."""

import threading
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument, TimedOut
from flightkeeper.flight_server.system.running import Phase, Running
from tests.flight_server.system.callers import caller
from tests.flight_server.wire_client import Clock

BATCH = pa.record_batch({"a": pa.array([1, 2, 3], pa.int64())})


def running(timeout_ms: int = 0, clock: Clock | None = None) -> Running:
    call = caller("ada", "s1", x_flightkeeper_statement_id="theirs")
    return Running("n-1", call, "SELECT 1", (clock or Clock()).clocks, timeout_ms)


def test_it_says_whose_it_is() -> None:
    found = running()
    assert (found.statement_id, found.client_id) == ("n-1", "theirs")
    assert (found.principal, found.session_id, found.text) == ("ada", "s1", "SELECT 1")


@pytest.mark.parametrize(("timeout_ms", "told"), [(0, Cancelled), (1000, TimedOut)])
def test_what_was_stopped_at_the_limit_is_told_as_that(
    timeout_ms: int, told: type[BaseException]
) -> None:
    clock = Clock()
    limited = running(timeout_ms, clock)
    with pytest.raises(Cancelled, match="by hand"), limited:
        raise Cancelled("by hand")
    assert not limited.over()
    clock.now_s += 1
    assert limited.over() == bool(timeout_ms)
    with pytest.raises(told), limited:
        raise Cancelled("interrupted")
    assert limited.error == told.__name__
    with pytest.raises(ValueError, match="another"), limited:
        raise ValueError("another")
    assert limited.error == "Internal"


def test_what_was_killed_is_told_as_that_and_by_whom() -> None:
    killed = running(1000)
    killed.kill("bob", 0)
    assert killed.over()
    with pytest.raises(Cancelled, match="killed by bob; what it had not committed"), killed:
        raise Cancelled("interrupted")


def test_another_error_stays_what_it_is_although_it_was_killed() -> None:
    killed = running()
    killed.kill("bob", 0)
    with pytest.raises(InvalidArgument, match="its own"), killed:
        raise InvalidArgument("its own")
    assert killed.error == "InvalidArgument"


def test_killing_waits_for_the_end_and_no_longer_than_asked() -> None:
    killed = running()
    assert killed.kill("bob", 0.01) is False
    killed.ended()
    assert killed.kill("bob", 60) is True
    waited: list[bool] = []
    other = running()
    thread = threading.Thread(target=lambda: waited.append(other.kill("bob", 60)))
    thread.start()
    while not other.killed:
        pass
    other.ended()
    thread.join(10)
    assert waited == [True]


def test_a_result_that_nobody_works_for_is_stopped_by_who_kills_it() -> None:
    killed = running()

    def stop() -> bool:
        killed.ended()
        return True

    killed.wait_for_fetch(Result(BATCH.schema, iter(()), stop=stop))
    assert killed.phase is Phase.WAITING
    assert killed.kill("bob", 0) is True


def test_what_is_delivered_is_counted_and_only_all_of_it_is_complete() -> None:
    counted = running()
    batches = counted.delivering(iter([BATCH, BATCH]))
    next(batches)
    assert (counted.rows, counted.nbytes, counted.complete) == (3, 24, False)
    assert counted.phase is Phase.DELIVERING
    assert list(batches) == [BATCH]
    assert (counted.rows, counted.nbytes, counted.complete) == (6, 48, True)


def test_a_delivery_that_is_given_up_is_no_error_and_not_complete() -> None:
    dropped = running()
    batches: Any = dropped.delivering(iter([BATCH, BATCH]))
    next(batches)
    batches.close()
    assert (dropped.error, dropped.complete) == ("", False)
