"""Results: order, and closing."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.result import Result


def _batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    return (pa.record_batch({"a": range(size)}) for size in sizes)


def test_a_result_closes_at_its_end() -> None:
    closed: list[str] = []
    result = Result(
        pa.schema([("a", pa.int64())]), _batches(2, 3), close=lambda: closed.append("x")
    )
    assert [batch.num_rows for batch in result] == [2, 3]
    assert closed


def test_a_result_closes_when_its_reader_goes() -> None:
    closed: list[str] = []
    result = Result(
        pa.schema([("a", pa.int64())]), _batches(2, 3), close=lambda: closed.append("x")
    )
    reading = iter(result)
    next(reading)
    assert not closed
    reading.close()  # type: ignore[attr-defined]
    assert closed


def test_a_result_closes_when_it_fails() -> None:
    closed: list[str] = []

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        raise OSError("gone")

    result = Result(pa.schema([]), broken(), close=lambda: closed.append("x"))
    with pytest.raises(OSError, match="gone"):
        list(result)
    assert closed


def test_a_result_of_nothing_held_can_be_stopped_and_closed() -> None:
    result = Result(pa.schema([]), iter(()), rows=0)
    assert not result.stop()
    result.close()
    assert (list(result), result.rows) == ([], 0)


@pytest.mark.parametrize("ended", [True, False])
def test_what_is_stopped_is_closed_if_nothing_is_left_of_it(*, ended: bool) -> None:
    closed: list[str] = []
    result = Result(pa.schema([]), iter(()), stop=lambda: ended, close=lambda: closed.append("x"))
    assert result.stop() is ended
    assert bool(closed) is ended
