"""An open result read from any Arrow reader: whole, or an error."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import open_result as module
from flightkeeper.flight_server.engine.open_result import OpenResult
from flightkeeper.flight_server.engine.work import Work
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument

_SCHEMA = pa.schema([pa.field("a", pa.int64())])
_ROWS = 4


def opened(*batches: list[int] | Exception) -> tuple[OpenResult, list[OpenResult]]:
    """A result of these batches, and the list of how often it told that it is finished."""

    def made() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if isinstance(batch, Exception):
                raise batch
            yield pa.record_batch([pa.array(batch, pa.int64())], schema=_SCHEMA)

    finished: list[OpenResult] = []
    reader = pa.RecordBatchReader.from_batches(_SCHEMA, made())
    lock = threading.RLock()
    result = OpenResult(reader, ("SELECT", "SELECT"), _ROWS, 1000, Work(), lock, finished.append)
    return result, finished


def read(result: OpenResult) -> list[int | None]:
    return [value for batch in result.batches() for value in batch["a"].to_pylist()]


@pytest.mark.parametrize(
    ("batches", "rows"),
    [
        ([], 0),
        ([[]], 0),
        ([[1]], 1),
        ([[1], [2]], 2),
        ([[1, 2, 3, 4], [5]], 5),
        ([[*range(200)]], None),
        ([[*range(200)], [1]], None),
    ],
)
def test_reading_ahead_finds_small_results_whole(
    batches: list[list[int]], rows: int | None
) -> None:
    result, _ = opened(*batches)
    result.read_first()
    assert result.rows_known == rows
    assert read(result) == [value for batch in batches for value in batch]


def test_an_error_ahead_is_raised_as_it_is() -> None:
    result, _ = opened(OSError("Binder Error: x"))
    with pytest.raises(OSError, match="Binder"):
        result.read_first()


@pytest.mark.parametrize(("interrupted", "kind"), [(True, Cancelled), (False, EngineFailed)])
def test_an_interrupt_that_nobody_asked_for_is_a_failure(
    kind: type[Exception], *, interrupted: bool
) -> None:
    result, _ = opened([1, 2, 3, 4], OSError("INTERRUPT Error: Interrupted!"))
    result.work.interrupted = interrupted
    with pytest.raises(kind):
        read(result)


def test_batches_without_rows_are_left_out() -> None:
    result, finished = opened([1, 2, 3, 4], [], [5], [])
    assert read(result) == [1, 2, 3, 4, 5]
    assert finished == [result]
    assert result.work.thread is None


def test_an_error_on_the_way_comes_after_the_rows_before_it() -> None:
    result, finished = opened([1], OSError("Conversion Error: late"))
    reading = result.batches()
    assert next(reading).num_rows == 1
    with pytest.raises(InvalidArgument, match="late"):
        next(reading)
    assert finished


def test_what_is_set_aside_is_read_on() -> None:
    result, finished = opened([1], [], [2], [3])
    result.park(lambda: None)
    assert result.finished
    assert read(result) == [1, 2, 3]
    assert not finished


def test_setting_aside_ends_when_who_waits_is_stopped() -> None:
    many = [*range(200)]
    result, finished = opened(many, many, many, many)
    checks = iter([None, Cancelled("stopped")])

    def check() -> None:
        assert result.work.thread == threading.get_ident()
        if (error := next(checks)) is not None:
            raise error

    with pytest.raises(Cancelled, match="stopped"):
        result.park(check)
    assert result.finished
    with pytest.raises(EngineFailed, match="another statement waited for it, and was stopped"):
        read(result)
    assert not finished


def test_what_is_set_aside_whole_stays_when_who_waits_is_stopped() -> None:
    def check() -> None:
        raise Cancelled("stopped")

    result, _ = opened([1], [2])
    with pytest.raises(Cancelled, match="stopped"):
        result.park(check)
    assert read(result) == [1, 2]


def test_too_much_to_set_aside_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PARKED_BYTES_MAX", 20)
    result, _ = opened([1], [2], [3], [4])
    result.park(lambda: None)
    with pytest.raises(EngineFailed, match="too big to keep"):
        read(result)


@pytest.mark.parametrize("parked", [True, False])
def test_what_is_dropped_is_an_error(*, parked: bool) -> None:
    result, _ = opened([1], [2])
    if parked:
        result.park(lambda: None)
    result.drop()
    result.drop()
    with pytest.raises(Cancelled, match="dropped before it was read to its end"):
        read(result)


def test_what_was_read_can_be_dropped() -> None:
    result, _ = opened([1])
    assert read(result) == [1]
    result.drop()
    assert read(result) == []
