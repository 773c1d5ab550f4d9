"""Values of Arrow as JSON can hold them, and as text; the round trips have every type."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.cli.values import as_text, beyond, dump, in_milliseconds, plain, texts

INFINITE = 2**63 - 1


def test_parts_of_a_slice_are_those_of_the_slice() -> None:
    rows: list[Any] = [[1], None, [2, 3], []]
    pairs = [None if row is None else [(str(item), item) for item in row] for row in rows]
    kinds: tuple[Any, ...] = (pa.list_(pa.int64()), pa.large_list(pa.int64()))
    for kind in kinds:
        assert plain(pa.array(rows, kind).slice(1, 2)) == [None, [2, 3]]
    maps = pa.array(pairs, pa.map_(pa.string(), pa.int64()))
    assert plain(maps.slice(1, 2)) == [None, [["2", 2], ["3", 3]]]
    fixed = pa.array([[1, 2], None, [3, None]], pa.list_(pa.int64(), 2))
    assert plain(fixed.slice(1)) == [None, [3, None]]
    structs = pa.array([{"a": 1}, None, {"a": None}])
    assert plain(structs.slice(1)) == [None, {"a": None}]


def test_a_union_without_values_that_came_from_a_node_has_none() -> None:
    """Asking such a one for its parts ends the process."""
    nothing: list[Any] = [pa.array([], pa.int32()), pa.array([], pa.string())]
    union: Any = pa.UnionArray.from_sparse(pa.array([], pa.int8()), nothing)
    lists = pa.ListArray.from_arrays(pa.array([0, 0, 0], pa.int32()), union)
    sent = pa.BufferOutputStream()
    with pa.ipc.new_stream(sent, pa.schema([pa.field("v", lists.type)])) as writer:
        writer.write_batch(pa.record_batch([lists], ["v"]))
    assert plain(pa.ipc.open_stream(sent.getvalue()).read_all()["v"]) == [[], []]


def test_a_struct_of_a_union_may_be_null() -> None:
    """Flattening such ones ends the process."""
    union = pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])]
    )
    structs: Any = pa.StructArray.from_arrays([union], ["u"], mask=pa.array([False, True, False]))
    assert plain(structs) == [{"u": 1}, None, {"u": 3}]
    assert plain(structs.slice(1)) == [None, {"u": 3}]


def test_a_struct_without_parts_is_one() -> None:
    assert plain(pa.array([{}, None], pa.struct([]))) == [{}, None]


def test_chunks_are_read_in_order() -> None:
    assert plain(pa.chunked_array([[1.5], [float("nan")]])) == [1.5, "NaN"]


def test_texts_and_what_json_has_no_form_for() -> None:
    assert texts(pa.array([float("inf"), None])) == ["inf", None]
    assert plain(pa.array([float("inf"), None])) == ["Infinity", None]
    assert texts(pa.array([[True, False]])) == ["[true, false]"]
    assert as_text(pa.array([b"\x01"])).to_pylist() == ["\\x01"]
    assert dump({"a": "ü"}) == '{"a": "ü"}'


def test_a_zone_that_is_not_known_here_is_the_same_moment() -> None:
    assert plain(pa.array([0], pa.timestamp("s", "No/Where"))) == ["1970-01-01T00:00:00+00:00"]


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        ([0, None], pa.date32(), False),
        ([2**31 - 1], pa.date32(), True),
        ([-719_163], pa.date32(), True),
        ([86_399], pa.time32("s"), False),
        ([86_400_000_000], pa.time64("us"), True),
        ([0], pa.timestamp("us"), False),
        ([INFINITE], pa.timestamp("ns"), True),
        ([253_402_300_800], pa.timestamp("s"), True),
        ([None], pa.timestamp("s"), False),
        ([1], pa.int64(), False),
        ([Decimal("0.1")], pa.decimal128(38, 38), False),
        ([Decimal(0)], pa.decimal128(38, 10), True),
        ([Decimal(0)], pa.decimal128(9, 2), False),
    ],
)
def test_what_arrow_would_not_write_well(
    values: list[Any], kind: pa.DataType, *, found: bool
) -> None:
    stored: Any = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    if pa.types.is_time32(kind):
        stored = pa.int32()
    column = pa.array(values, kind if pa.types.is_decimal(kind) else stored)
    assert beyond(column.cast(kind)) is found


def test_seconds_as_milliseconds() -> None:
    seconds = pa.array([1, None, INFINITE, -INFINITE], pa.timestamp("s"))
    made = in_milliseconds(seconds)
    assert made.type == pa.timestamp("ms")
    assert made.cast(pa.int64()).to_pylist() == [1000, None, INFINITE, -INFINITE]
