"""Dictionaries as plain values: the same values, in batches that are no bigger than others."""

from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.dictionaries import plain_result, plain_schema
from flightkeeper.flight_server.engine.result import Result

_ENTRIES: Any = pa.array(["a", "b", None, "a"]).dictionary_encode()
_KEYS: Any = pa.array(["a", "b", "c", "d"]).dictionary_encode()
_OFFSETS: Any = pa.array([0, 1, 3, 4])
_BATCH_BYTES = 64 * 1024


@pytest.mark.parametrize(
    "column",
    [
        _ENTRIES,
        pa.ListArray.from_arrays(_OFFSETS, _ENTRIES),
        pa.FixedSizeListArray.from_arrays(_ENTRIES, 2),
        pa.StructArray.from_arrays([_ENTRIES, pa.array([1, 2, 3, 4])], names=["x", "y"]),
        pa.MapArray.from_arrays(pa.array([0, 2, 4]), _KEYS, _ENTRIES),
    ],
    ids=lambda column: str(column.type).partition("<")[0],
)
def test_values_stay_the_same(column: Any) -> None:
    batch = pa.record_batch([column], names=["e"])
    found = plain_result(Result(batch.schema, iter([batch]), rows=len(batch)), _BATCH_BYTES)
    (plain,) = found
    assert "dictionary" not in str(found.schema)
    assert plain.schema == found.schema == plain_schema(batch.schema)
    assert plain.to_pylist() == batch.to_pylist()
    assert found.rows == len(batch)


def test_metadata_stay() -> None:
    field = pa.field("e", _ENTRIES.type, nullable=False, metadata={"a": "b"})
    (plain,) = plain_schema(pa.schema([field]))
    assert plain.equals(field.with_type(pa.string()), check_metadata=True)


def test_what_has_none_is_not_touched() -> None:
    result = Result(pa.schema([("n", pa.int64())]), iter(()))
    assert plain_result(result, _BATCH_BYTES) is result


def test_long_values_make_no_long_batches() -> None:
    entries: Any = pa.array(["x" * 1000] * 1000).dictionary_encode()
    batch = pa.record_batch([entries], names=["e"])
    found = list(plain_result(Result(batch.schema, iter([batch])), _BATCH_BYTES))
    assert sum(len(part) for part in found) == len(batch)
    assert max(pa.ipc.get_record_batch_size(part) for part in found) < 2 * _BATCH_BYTES


def test_stopping_and_closing_reach_the_result() -> None:
    done: list[str] = []

    def stop() -> bool:
        done.append("stopped")
        return True

    batch = pa.record_batch([_ENTRIES], names=["e"])
    source = Result(batch.schema, iter([batch]), stop=stop, close=lambda: done.append("closed"))
    found = plain_result(source, _BATCH_BYTES)
    assert found.stop()
    assert done[0] == "stopped"
    assert set(done) == {"stopped", "closed"}
