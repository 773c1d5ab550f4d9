"""What an ingest takes, and whether it can be sent once more."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from flightkeeper.client import sources
from flightkeeper.client.sources import SourceUsedUp, source_of

TABLE = pa.table({"n": range(10)})


class StreamOnly:
    """Arrow's stream interface, and nothing else."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        reader: Any = TABLE.to_reader()
        return reader.__arrow_c_stream__(requested_schema)


class ArrayOnly:
    """Arrow's array interface, and nothing else."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        batch: Any = TABLE.to_batches()[0]
        return batch.__arrow_c_array__(requested_schema)


def values(batches: Iterator[pa.RecordBatch]) -> list[Any]:
    return [value for batch in batches for value in batch.column(0).to_pylist()]


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        TABLE.to_batches()[0],
        TABLE.to_pandas(),
        pl.DataFrame({"n": range(10)}),
        pd.DataFrame({"n": range(10)}),
        StreamOnly(),
        ArrayOnly(),
    ],
    ids=["table", "batch", "from table", "polars", "pandas", "stream", "array"],
)
def test_everything_that_speaks_arrow(data: Any) -> None:
    source = source_of(data)
    assert source.schema.names == ["n"]
    assert values(source.batches()) == list(range(10))
    # All of it is still there.
    assert values(source.batches()) == list(range(10))


@pytest.mark.parametrize("data", [[1, 2], {"n": [1]}, "n", None])
def test_everything_else_is_refused(data: object) -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        source_of(data)


def test_big_batches_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BATCH_BYTES", 1000)
    big = pa.table({"n": range(10_000)})
    pieces = list(source_of(big).batches())
    assert sum(piece.num_rows for piece in pieces) == 10_000
    assert max(pa.ipc.get_record_batch_size(piece) for piece in pieces) <= 1500
    assert list(source_of(TABLE.slice(0, 0)).batches()) == []


def test_a_stream_is_read_on_until_its_beginning_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    size = pa.ipc.get_record_batch_size(TABLE.to_batches()[0])
    monkeypatch.setattr(sources, "KEPT_BYTES", 2 * size)
    reader = pa.RecordBatchReader.from_batches(TABLE.schema, TABLE.to_batches() * 4)
    source = source_of(reader)
    first = source.batches()
    assert next(first).num_rows == 10
    second = source.batches()
    assert next(second).num_rows == 10
    assert next(second).num_rows == 10
    third = source.batches()
    assert len(values(third)) == 40
    with pytest.raises(SourceUsedUp):
        source.batches()


def test_a_batch_that_was_cut_loses_nothing_when_it_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "BATCH_BYTES", 1000)
    big = pa.table({"n": range(2_000)})
    source = source_of(pa.RecordBatchReader.from_batches(big.schema, big.to_batches() * 2))
    first = source.batches()
    assert next(first).num_rows < 2_000
    del first
    assert values(source.batches()) == [*range(2_000), *range(2_000)]
