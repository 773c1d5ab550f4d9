"""Results: batch sizes, order, and closing."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.engine.result import Result, cut, rows_per_batch

_TYPES = ["BIGINT", "BOOLEAN", "VARCHAR", "DECIMAL(18,3)", "INTEGER[]", "TIMESTAMP WITH TIME ZONE"]
_VECTOR = 2048


@given(st.lists(st.sampled_from(_TYPES)), st.integers(65_536, 67_108_864))
def test_rows_are_whole_vectors_and_about_the_bytes(types: list[str], batch_bytes: int) -> None:
    rows = rows_per_batch(types, batch_bytes)
    assert rows % _VECTOR == 0
    assert _VECTOR <= rows <= 122_880


@pytest.mark.parametrize(
    ("types", "rows"),
    [
        (["BIGINT"], 122_880),
        (["BIGINT"] * 8, 32_768),
        (["VARCHAR"], 65_536),
        (["DECIMAL(38,0)"] * 64, 2048),
        (["BIGINT"] * 100_000, 2048),
        ([], 122_880),
    ],
)
def test_wide_rows_make_short_batches(types: list[str], rows: int) -> None:
    assert rows_per_batch(types, 2 * 1024 * 1024) == rows


@given(lengths=st.lists(st.integers(0, 3000), max_size=80), batch_bytes=st.integers(1, 20_000))
def test_cutting_keeps_all_rows_in_order(lengths: list[int], batch_bytes: int) -> None:
    batch = pa.record_batch({"a": [f"{i:0{n + 3}}" for i, n in enumerate(lengths)]})
    pieces = list(cut(batch, batch_bytes))
    assert pa.Table.from_batches(pieces, batch.schema).combine_chunks().to_pylist() == (
        batch.to_pylist()
    )
    assert all(p.nbytes <= 1.5 * batch_bytes or p.num_rows <= 1 for p in pieces)


def test_a_batch_of_the_right_size_is_passed_as_it_is() -> None:
    batch = pa.record_batch({"a": range(100)})
    (piece,) = cut(batch, 800)
    assert piece is batch


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
    result.stop()
    result.close()
    assert (list(result), result.rows) == ([], 0)
    stopped: list[str] = []
    Result(pa.schema([]), iter(()), stop=lambda: stopped.append("x")).stop()
    assert stopped
