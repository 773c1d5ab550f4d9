"""Types from outside: each becomes one that DuckDB takes with all its values, or is refused."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from flightkeeper.flight_server.engine import conversions as module
from flightkeeper.flight_server.engine.conversions import Refused, conversion
from tests.flight_server.any_arrow import LEAVES, made, tables
from tests.flight_server.arrow_values import meaning

_MAX = 2**63 - 1
_MANY = 100_001


def converted(array: Any) -> Any:
    one = conversion(array.type)
    result = one(array)
    result.validate(full=True)
    assert result.type == one.kind
    return result


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [
        (pa.null(), pa.int32()),
        (pa.float16(), pa.float32()),
        (pa.string_view(), pa.string()),
        (pa.binary_view(), pa.binary()),
        (pa.large_string(), pa.large_string()),
        (pa.date64(), pa.date32()),
        (pa.duration("s"), pa.duration("us")),
        (pa.timestamp("s"), pa.timestamp("s")),
        (pa.timestamp("ms", "Nowhere/At all"), pa.timestamp("us", "UTC")),
        (pa.decimal32(5, 2), pa.decimal128(5, 2)),
        (pa.decimal256(38, 38), pa.decimal128(38, 38)),
        (pa.decimal128(5, -2), pa.decimal128(7, 0)),
        (pa.decimal128(2, 7), pa.decimal128(7, 7)),
        (pa.dictionary(pa.int8(), pa.string_view()), pa.string()),
        (pa.run_end_encoded(pa.int16(), pa.null()), pa.int32()),
        (pa.list_view(pa.int8()), pa.list_(pa.int8())),
        (pa.large_list(pa.float16()), pa.list_(pa.float32())),
        (pa.list_(pa.int8()), pa.list_(pa.int8())),
        (pa.list_(pa.float16(), 3), pa.list_(pa.float32(), 3)),
        (pa.struct([("a", pa.date64())]), pa.struct([("a", pa.date32())])),
        (pa.map_(pa.string_view(), pa.null()), pa.map_(pa.string(), pa.int32())),
        (
            pa.dense_union([pa.field("a", pa.null())], type_codes=[7]),
            pa.sparse_union([pa.field("a", pa.int32())]),
        ),
        (pa.uuid(), pa.uuid()),
        (pa.bool8(), pa.bool_()),
        (pa.opaque(pa.string_view(), "a", "b"), pa.string()),
        (pa.opaque(pa.binary(16), "hugeint", "DuckDB"), None),
        (pa.fixed_shape_tensor(pa.int8(), [2]), pa.list_(pa.int8(), 2)),
    ],
    ids=str,
)
def test_a_type_becomes_one_that_duckdb_takes(kind: Any, becomes: Any) -> None:
    assert conversion(kind).kind == (becomes or kind)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (pa.decimal256(39, 0), "38 digits"),
        (pa.decimal128(38, -1), "38 digits"),
        (pa.decimal128(5, 39), "38 digits"),
        (pa.list_(pa.int8(), 0), "1 to 100000 values"),
        (pa.list_(pa.int8(), _MANY), "1 to 100000 values"),
        (pa.struct([]), "different names"),
        (pa.struct([("a", pa.int8()), ("A", pa.int8())]), "different names"),
        (pa.struct([("", pa.int8())]), "different names"),
        (pa.struct([("a\0b", pa.int8())]), "null character"),
        (pa.sparse_union([pa.field("a", pa.int8()), pa.field("a", pa.int8())]), "different names"),
        (pa.opaque(pa.binary(), "bit", "DuckDB"), "send text"),
        (pa.opaque(pa.binary(), "hugeint", "DuckDB"), "send text"),
        (pa.list_(pa.struct([])), "different names"),
    ],
    ids=str,
)
def test_a_type_without_a_counterpart_is_refused(kind: Any, why: str) -> None:
    with pytest.raises(Refused, match=why):
        conversion(kind)


def test_a_type_nobody_has_thought_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RULES", ())
    with pytest.raises(Refused, match="no such type"):
        conversion(pa.int8())


@pytest.mark.parametrize(
    ("kind", "within", "beyond"),
    [
        (pa.timestamp("s"), [-9_223_372_022_400, 9_223_372_036_854, _MAX], 9_223_372_036_855),
        (pa.timestamp("s"), [-_MAX], -9_223_372_022_401),
        (pa.timestamp("ms"), [9_223_372_036_854_775, -_MAX], 9_223_372_036_854_776),
        (pa.timestamp("us"), [-9_223_372_022_400_000_000, _MAX], -9_223_372_022_400_000_001),
        (pa.timestamp("us", "UTC"), [-_MAX], -(2**63)),
        (pa.timestamp("ns"), [-9_223_286_400_000_000_000, -_MAX], -9_223_286_400_000_000_001),
        (pa.date32(), [-(2**31) + 1, 2**31 - 1], -(2**31)),
    ],
    ids=str,
)
def test_moments_outside_of_the_calendar_are_refused(
    kind: Any, within: list[int], beyond: int
) -> None:
    ints = pa.int32() if pa.types.is_date(kind) else pa.int64()
    good = pa.array([*within, None], ints).view(kind)
    assert converted(good).equals(good)
    with pytest.raises(Refused, match="beyond DuckDB's calendar"):
        converted(pa.array([*within, beyond], ints).view(kind))
    nested = pa.ListArray.from_arrays([0, 1], pa.array([beyond], ints).view(kind))
    with pytest.raises(Refused, match="beyond DuckDB's calendar"):
        converted(nested)


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1001], pa.duration("ns")),
        pa.array([2**62], pa.duration("s")),
        pa.array([2**62], pa.timestamp("ms", "UTC")),
        pa.array([2**36 * 86_400_000], pa.int64()).view(pa.date64()),
    ],
    ids=lambda array: str(array.type),
)
def test_a_cast_that_would_lose_something_is_refused(array: Any) -> None:
    with pytest.raises(pa.ArrowInvalid, match="Casting"):
        converted(array)


def test_nanoseconds_of_an_interval_are_refused_where_they_are() -> None:
    kind = pa.month_day_nano_interval()
    whole = pa.array([(1, -2, 3000), None, (0, 0, -1000)], kind)
    assert converted(whole).equals(whole)
    assert converted(pa.array([None], kind)).null_count == 1
    mixed = pa.array([(0, 0, 1), (0, 0, 1000)], kind)
    assert converted(mixed.slice(1)).equals(mixed.slice(1))
    with pytest.raises(Refused, match="has nanoseconds"):
        converted(mixed)


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(table=tables(4, columns=1))
def test_any_array_keeps_its_meaning_also_in_part(table: pa.Table) -> None:
    array = table.column(0).chunk(0)
    assert meaning(converted(array)) == meaning(array)
    part = array.slice(1, 2)
    assert meaning(converted(part)) == meaning(array)[1:3]


@pytest.mark.parametrize("kind", LEAVES, ids=str)
def test_no_rows_at_all_are_converted_as_well(kind: Any) -> None:
    assert len(converted(made(kind, []))) == 0
    assert converted(made(pa.list_(kind), [[], None])).to_pylist() == [[], None]
    assert len(converted(made(pa.dense_union([pa.field("a", kind)]), []))) == 0


def test_list_views_may_lie_in_any_order_and_overlap() -> None:
    values = pa.array([1, 2, 3], pa.int8())
    arrow: Any = pa
    views = arrow.ListViewArray.from_arrays(
        pa.array([1, 0, 0], pa.int32()), pa.array([2, 2, 0], pa.int32()), values
    )
    assert converted(views).to_pylist() == [[2, 3], [1, 2], []]


def test_what_lies_under_a_null_struct_stays_hidden() -> None:
    unions = pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])], ["a"])
    struct = pa.StructArray.from_arrays([unions], ["u"], mask=pa.array([True, False]))
    assert meaning(converted(struct)) == [None, (("u", ("a", 2)),)]


def test_decimals_keep_their_value() -> None:
    thousands = pa.Array.from_buffers(
        pa.decimal128(3, -3), 1, [None, pa.py_buffer((12).to_bytes(16, "little"))]
    )
    assert converted(thousands).to_pylist() == [Decimal(12_000)]


def test_metadata_inside_of_a_type_does_not_reach_duckdb() -> None:
    hidden = pa.field("item", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    for kind in (pa.list_(hidden), pa.struct([hidden]), pa.list_(hidden, 1)):
        assert converted(pa.array([None], kind)).type.field(0).metadata is None
