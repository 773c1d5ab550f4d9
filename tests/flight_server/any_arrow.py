"""Arrow data of every type that DuckDB has a place for, made by hypothesis."""

import json
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

NEW = duckdb.__version__ >= "2"
"""Whether it is DuckDB 2.0, which has a TIMESTAMPTZ_NS."""

arrow: Any = pa
"""Its published types know few of the combinations here."""

_DEPTH = 3
_DAY = 86_400
_LAST_US = 2**63 - 1

_WHOLE: dict[pa.DataType, tuple[int, int, int]] = {
    **{
        kind: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 1)
        for kind, bits in ((pa.int8(), 8), (pa.int16(), 16), (pa.int32(), 32), (pa.int64(), 64))
    },
    **{
        kind: (0, 2**bits - 1, 1)
        for kind, bits in ((pa.uint8(), 8), (pa.uint16(), 16), (pa.uint32(), 32), (pa.uint64(), 64))
    },
    pa.date32(): (-(2**31) + 1, 2**31 - 1, 1),
    pa.date64(): (-(2**31) * _DAY * 1000, (2**31 - 1) * _DAY * 1000, _DAY * 1000),
    pa.time32("s"): (0, _DAY - 1, 1),
    pa.time32("ms"): (0, _DAY * 1000 - 1, 1),
    pa.time64("us"): (0, _DAY * 1_000_000 - 1, 1),
    pa.time64("ns"): (0, _DAY * 1_000_000_000 - 1, 1),
    pa.timestamp("s"): (-9_223_372_022_400, 9_223_372_036_854, 1),
    pa.timestamp("ms"): (-9_223_372_022_400_000, 9_223_372_036_854_775, 1),
    pa.timestamp("us"): (-9_223_372_022_400_000_000, _LAST_US, 1),
    pa.timestamp("ns"): (-9_223_286_400_000_000_000, _LAST_US, 1),
    pa.timestamp("s", "Asia/Tokyo"): (-9_223_372_022_400, 9_223_372_036_854, 1),
    pa.timestamp("us", "UTC"): (-9_223_372_022_400_000_000, _LAST_US, 1),
    pa.timestamp("us", "+05:30"): (-9_223_372_022_400_000_000, _LAST_US, 1),
    pa.timestamp("ns", "UTC"): (-9_223_286_400_000_000_000, 2**62, 1 if NEW else 1000),
    pa.duration("s"): (-(2**33), 2**33, 1),
    pa.duration("ms"): (-(2**43), 2**43, 1),
    pa.duration("us"): (-(2**53), 2**53, 1),
    pa.duration("ns"): (-(2**62), 2**62, 1000),
}
"""Types whose values are whole numbers: the least, the greatest, and of what they are multiples."""

_DECIMALS: list[Any] = [
    pa.decimal32(7, 2), pa.decimal64(18, 18), pa.decimal128(38, 0), pa.decimal128(38, 38),
    pa.decimal128(5, -3), pa.decimal256(38, 10),
]  # fmt: skip
_TEXTS: list[Any] = [pa.string(), pa.large_string(), pa.string_view()]
_BYTES: list[Any] = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3), pa.uuid()]
_OTHERS: list[Any] = [pa.bool_(), pa.null(), pa.month_day_nano_interval(), pa.json_(), pa.bool8()]
_FLOATS = [pa.float16(), pa.float32(), pa.float64()]
LEAVES: list[pa.DataType] = [*_WHOLE, *_DECIMALS, *_TEXTS, *_BYTES, *_OTHERS, *_FLOATS]
_ENCODED = [kind for kind in LEAVES if kind not in (pa.null(), pa.uuid(), pa.json_(), pa.bool8())]
"""What IPC takes as values of dictionaries."""

_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
_text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\[]{}(),:= NULL"))


def names(least: int, most: int) -> st.SearchStrategy[list[str]]:
    """Names of columns or fields: as odd as they come, but different whatever the case."""
    distinct = st.lists(_names, min_size=least, max_size=most, unique_by=str.lower)
    return distinct.map(lambda found: [name[:20] for name in found]).filter(
        lambda found: len({name.lower() for name in found}) == len(found)
    )


@st.composite
def kinds(draw: st.DrawFn, depth: int = _DEPTH, *, unions: bool = True) -> Any:
    """A type, nested no deeper than this."""
    shapes = ["leaf"] if depth == 0 else ["leaf", *_SHAPES]
    shape = draw(st.sampled_from([name for name in shapes if unions or name != "union"]))
    if shape == "leaf":
        return draw(st.sampled_from(LEAVES))
    if shape in {"dictionary", "runs"}:
        value: Any = draw(st.sampled_from(_ENCODED))
        return arrow.dictionary(pa.int16(), value) if shape == "dictionary" else _runs(value)
    inner = kinds(depth - 1, unions=unions)
    if shape == "map":
        keys: list[Any] = [pa.string(), pa.int8(), pa.date32()]
        return arrow.map_(draw(st.sampled_from(keys)), draw(inner))
    if shape in _LISTS:
        return _LISTS[shape](draw(inner))
    fields = [pa.field(name, draw(inner)) for name in draw(names(1, 3))]
    if shape == "struct":
        return pa.struct(fields)
    return draw(st.sampled_from([pa.sparse_union, pa.dense_union]))(fields)


def _runs(value: Any) -> Any:
    return pa.run_end_encoded(pa.int32(), value)


_LISTS: dict[str, Any] = {
    "list": pa.list_,
    "large_list": pa.large_list,
    "list_view": pa.list_view,
    "large_list_view": pa.large_list_view,
    "array": lambda kind: pa.list_(kind, 2),
}
_SHAPES = [*_LISTS, "struct", "map", "union", "dictionary", "runs"]


@st.composite
def tables(draw: st.DrawFn, rows: int, *, unions: bool = True, columns: int = 3) -> pa.Table:
    """A table of this many rows."""
    found = draw(names(1, columns))
    arrays = [draw(_array(draw(kinds(unions=unions)), rows)) for _ in found]
    return pa.Table.from_arrays(arrays, names=found)


def _array(kind: pa.DataType, rows: int) -> st.SearchStrategy[Any]:
    many = st.lists(values(kind), min_size=rows, max_size=rows)
    return many.map(lambda found: made(kind, found))


def values(kind: Any) -> st.SearchStrategy[Any]:
    """A value of a type, in the form that `made` takes; None is NULL."""
    if pa.types.is_union(kind):
        return st.integers(0, kind.num_fields - 1).flatmap(
            lambda member: st.tuples(st.just(member), values(kind.field(member).type))
        )
    return st.none() | _value(kind)


def _value(kind: Any) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 - one case for each type
    if kind in _WHOLE:
        low, high, step = _WHOLE[kind]
        return st.integers(low // step + 1 if step > 1 else low, high // step).map(
            lambda number: number * step
        )
    if kind in _DECIMALS:
        most = 10**kind.precision - 1
        return st.integers(-most, most).map(lambda n: Decimal(n).scaleb(-kind.scale, _EXACT))
    if kind in _TEXTS:
        return _text
    if kind in _BYTES:
        size = {pa.binary(3): 3, pa.uuid(): 16}.get(kind)
        return st.binary(min_size=size or 0, max_size=size or 20)
    if kind in _FLOATS:
        return st.floats(width=kind.bit_width)
    if kind in _FIXED:
        return _FIXED[kind]
    if pa.types.is_struct(kind):
        return st.tuples(*(values(field.type) for field in kind))
    if pa.types.is_map(kind):
        pair = st.tuples(_value(kind.key_type), values(kind.item_type))
        return st.lists(pair, max_size=3, unique_by=lambda entry: entry[0])
    size = kind.list_size if pa.types.is_fixed_size_list(kind) else None
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _value(kind.value_type)
    return st.lists(values(kind.value_type), min_size=size or 0, max_size=size or 3)


_EXACT = Context(prec=100)
_FIXED: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.null(): st.none(),
    pa.bool_(): st.booleans(),
    pa.bool8(): st.integers(0, 1),
    pa.json_(): st.one_of(st.integers(-9, 9), st.lists(st.booleans())).map(json.dumps),
    pa.month_day_nano_interval(): st.tuples(
        st.integers(-(2**31), 2**31 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.integers(-(2**53), 2**53).map(lambda us: us * 1000),
    ),
}


def made(kind: Any, found: Sequence[Any]) -> Any:
    """An array of values; of types that pyarrow makes no arrays of too."""
    for applies, make in _MAKERS:
        if applies(kind):
            return make(kind, found)
    return pa.array(found, kind)


def _extension(kind: Any, found: Sequence[Any]) -> Any:
    return arrow.ExtensionArray.from_storage(kind, pa.array(found, kind.storage_type))


def _dictionary(kind: Any, found: Sequence[Any]) -> Any:
    numbers = [None if value is None else number for number, value in enumerate(found)]
    return arrow.DictionaryArray.from_arrays(
        pa.array(numbers, kind.index_type), made(kind.value_type, found)
    )


def _run_ends(kind: Any, found: Sequence[Any]) -> Any:
    ends = pa.array(range(1, len(found) + 1), pa.int32())
    return arrow.RunEndEncodedArray.from_arrays(ends, made(kind.value_type, found))


def _list(kind: Any, found: Sequence[Any]) -> Any:
    inner = made(kind.value_type, [value for row in found for value in row or ()])
    nulls = pa.array([row is None for row in found], pa.bool_())
    sizes = [len(row or ()) for row in found]
    ends = [sum(sizes[:number]) for number in range(len(found) + 1)]
    wide = pa.types.is_large_list(kind) or pa.types.is_large_list_view(kind)
    offsets = pa.array(ends, pa.int64() if wide else pa.int32())
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        view = arrow.LargeListViewArray if wide else arrow.ListViewArray
        return view.from_arrays(offsets[:-1], pa.array(sizes, offsets.type), inner, mask=nulls)
    plain = arrow.LargeListArray if wide else arrow.ListArray
    return plain.from_arrays(offsets, inner, mask=nulls)


def _fixed(kind: Any, found: Sequence[Any]) -> Any:
    size = kind.list_size
    null = [_nothing(kind.value_type)] * size
    inner = made(kind.value_type, [value for row in found for value in row or null])
    nulls = pa.array([row is None for row in found], pa.bool_())
    return arrow.FixedSizeListArray.from_arrays(inner, size, mask=nulls)


def _struct(kind: Any, found: Sequence[Any]) -> Any:
    columns = [
        made(field.type, [_nothing(field.type) if row is None else row[number] for row in found])
        for number, field in enumerate(kind)
    ]
    nulls = pa.array([row is None for row in found], pa.bool_())
    return arrow.StructArray.from_arrays(columns, fields=list(kind), mask=nulls)


def _nothing(kind: Any) -> Any:
    return (0, _nothing(kind.field(0).type)) if pa.types.is_union(kind) else None


def _map(kind: Any, found: Sequence[Any]) -> Any:
    pairs = [pair for row in found for pair in row or ()]
    ends = [sum(len(row or ()) for row in found[:number]) for number in range(len(found) + 1)]
    return arrow.MapArray.from_arrays(
        pa.array(ends, pa.int32()),
        made(kind.key_type, [key for key, _ in pairs]),
        made(kind.item_type, [item for _, item in pairs]),
        mask=pa.array([row is None for row in found], pa.bool_()),
    )


def _union(kind: Any, found: Sequence[Any]) -> Any:
    tags = pa.array([member for member, _ in found], pa.int8())
    members = [kind.field(number) for number in range(kind.num_fields)]
    titles = [member.name for member in members]
    if kind.mode == "sparse":
        columns = [
            made(field.type, [v if tag == number else _nothing(field.type) for tag, v in found])
            for number, field in enumerate(members)
        ]
        return arrow.UnionArray.from_sparse(tags, columns, titles)
    columns = [
        made(field.type, [value for tag, value in found if tag == number])
        for number, field in enumerate(members)
    ]
    places = [sum(tag == member for tag, _ in found[:row]) for row, (member, _) in enumerate(found)]
    return arrow.UnionArray.from_dense(tags, pa.array(places, pa.int32()), columns, titles)


_MAKERS: Sequence[Any] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_run_end_encoded, _run_ends),
    (pa.types.is_map, _map),
    (pa.types.is_struct, _struct),
    (pa.types.is_union, _union),
    (pa.types.is_fixed_size_list, _fixed),
    (lambda kind: hasattr(kind, "value_field"), _list),
)
