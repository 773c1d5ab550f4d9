"""Which Arrow type DuckDB is given for each Arrow type, and how the values get there.

Owns the table of types from outside: what DuckDB takes as it is, what is rebuilt because DuckDB
does not know it, reads it wrongly or breaks on it, and what is refused. No conversion loses
anything: a value without a place in the target is refused. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import compute

pc: Any = compute
"""Its published types know neither numbers beside arrays nor all of its functions."""

_INFINITE = 2**63 - 1
_MOMENT_MIN_US = -9_223_372_022_400_000_000
_MOMENTS = {
    "s": (_MOMENT_MIN_US // 1_000_000, _INFINITE // 1_000_000),
    "ms": (_MOMENT_MIN_US // 1_000, _INFINITE // 1_000),
    "us": (_MOMENT_MIN_US, _INFINITE),
    "ns": (-9_223_286_400_000_000_000, _INFINITE),
}
"""The first and the last moment of DuckDB's timestamps, by unit, beside the infinite ones."""
_DAYS = (-(2**31) + 1, 2**31 - 1)
_NS_WITH_ZONE = int(duckdb.__version__.split(".")[0]) >= 2  # noqa: PLR2004 - TIMESTAMPTZ_NS
_PRECISION_MAX = 38
_ARRAY_MAX = 100_000
_OWN_INTEGERS = {"hugeint", "uhugeint"}


class Refused(Exception):
    """A type or a value that DuckDB has no place for; says why."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How an array of one type is given to DuckDB.

    Attributes:
        kind: the type it then has.
        apply: makes it so, raising `Refused` or pyarrow's errors; None = it is so already.
    """

    kind: pa.DataType
    apply: Callable[[Any], Any] | None = None

    def __call__(self, array: Any) -> Any:
        """The array as DuckDB takes it."""
        return array if self.apply is None else self.apply(array)


def conversion(kind: pa.DataType) -> Conversion:
    """How an array of this type is given to DuckDB.

    Raises:
        Refused: DuckDB has no type that holds all of its values.
    """
    for applies, make in _RULES:
        if applies(kind):
            return make(kind)
    raise Refused("DuckDB has no such type")


def _as_it_is(kind: Any) -> Conversion:
    return Conversion(kind)


def _to(target: pa.DataType) -> Callable[[Any], Conversion]:
    """A cast, which refuses values that the target has not."""
    return lambda kind: Conversion(
        target, None if kind == target else lambda array: array.cast(target)
    )


def _decimal(kind: Any) -> Conversion:
    # DuckDB knows no negative scale, and none beyond the precision.
    scale = max(kind.scale, 0)
    precision = max(kind.precision - kind.scale + scale, scale)
    if precision > _PRECISION_MAX:
        raise Refused(f"DuckDB's decimals have {_PRECISION_MAX} digits: send DOUBLE or text")
    return _to(pa.decimal128(precision, scale))(kind)


def _date(kind: Any) -> Conversion:
    del kind
    days = pa.date32()
    return Conversion(days, lambda array: _within(array.cast(days), pa.int32(), *_DAYS))


def _moment(kind: Any) -> Conversion:
    if kind.tz is None:
        return Conversion(kind, lambda array: _in_time(array, kind.unit))
    # Only the moment is kept: which zone it is shown in is a setting of the session.
    unit = "ns" if kind.unit == "ns" and _NS_WITH_ZONE else "us"
    source: Any = pa.timestamp(kind.unit, "UTC")
    target: Any = pa.timestamp(unit, "UTC")
    return Conversion(target, lambda array: _in_time(array.view(source).cast(target), unit))


def _in_time(array: Any, unit: str) -> Any:
    return _within(array, pa.int64(), *_MOMENTS[unit], also=(_INFINITE, -_INFINITE))


def _within(
    array: Any, integers: pa.DataType, low: int, high: int, also: Sequence[int] = ()
) -> Any:
    """The array, if its values, as integers, are from `low` to `high` or one of `also`."""
    values: Any = array.view(integers)
    found = pc.min_max(values).as_py()
    if found["min"] is None or (found["min"] >= low and found["max"] <= high):
        return array
    outside = values.filter(pc.or_(pc.less(values, low), pc.greater(values, high)))
    if not pc.all(pc.is_in(outside, pa.array(also, integers))).as_py():
        raise Refused("a value is beyond DuckDB's calendar")
    return array


def _interval(kind: Any) -> Conversion:
    return Conversion(kind, whole_microseconds)


def whole_microseconds(array: Any) -> Any:
    """The intervals, if none of them has nanoseconds.

    Raises:
        Refused: one has.
    """
    # A value is 16 bytes, and its nanoseconds are the last 8 of them.
    end = array.offset + len(array)
    halves: Any = pa.Array.from_buffers(pa.int64(), 2 * end, [None, array.buffers()[1]])
    pairs = pa.FixedSizeListArray.from_arrays(halves, 2).slice(array.offset)
    ns = pc.list_element(pairs, 1).filter(array.is_valid())
    if pc.any(pc.not_equal(pc.multiply(pc.divide(ns, 1000), 1000), ns)).as_py():
        raise Refused("a value has nanoseconds, and DuckDB's intervals have microseconds")
    return array


def _list(kind: Any) -> Conversion:
    item = conversion(kind.value_type)
    if pa.types.is_list(kind) and item.apply is None and not kind.value_field.metadata:
        return Conversion(kind)
    return Conversion(pa.list_(item.kind), lambda array: _rebuilt_list(array, item))


def _rebuilt_list(array: Any, item: Conversion) -> Any:
    values = item(array.values)
    if pa.types.is_list_view(array.type) or pa.types.is_large_list_view(array.type):
        # Its lists lie in any order, and may share what they hold.
        sizes = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
        spans = zip(array.offsets.to_pylist(), sizes.to_pylist(), strict=True)
        places = [place for start, size in spans for place in range(start, start + size)]
        values = values.take(pa.array(places, pa.int64()))
        ends = pc.cumulative_sum_checked(sizes)
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    else:
        offsets = _copied(array.offsets)
    return pa.ListArray.from_arrays(offsets, values, mask=array.is_null())


def _copied(offsets: Any) -> Any:
    """The offsets in a buffer of their own: those of a slice cannot be combined with a mask."""
    return pc.add(offsets.cast(pa.int32()), pa.scalar(0, pa.int32()))


def _array(kind: Any) -> Conversion:
    size = kind.list_size
    if not 0 < size <= _ARRAY_MAX:
        raise Refused(f"DuckDB's arrays have 1 to {_ARRAY_MAX} values")
    item = conversion(kind.value_type)
    if item.apply is None and not kind.value_field.metadata:
        return Conversion(kind)

    def apply(array: Any) -> Any:
        values = item(array.values).slice(array.offset * size, len(array) * size)
        return pa.FixedSizeListArray.from_arrays(values, size, mask=array.is_null())

    return Conversion(pa.list_(item.kind, size), apply)


def _struct(kind: Any) -> Conversion:
    names = [field.name for field in kind.fields]
    _check_names(names)
    parts = [conversion(field.type) for field in kind.fields]
    if all(part.apply is None for part in parts) and not any(f.metadata for f in kind.fields):
        return Conversion(kind)

    def apply(array: Any) -> Any:
        children = [part(array.field(number)) for number, part in enumerate(parts)]
        return pa.StructArray.from_arrays(children, names=names, mask=array.is_null())

    target = pa.struct([(name, part.kind) for name, part in zip(names, parts, strict=True)])
    return Conversion(target, apply)


def _check_names(names: Sequence[str]) -> None:
    if not all(names) or len({name.lower() for name in names}) < max(len(names), 1):
        raise Refused("it needs fields, of different names whatever their case")
    if any("\0" in name for name in names):
        raise Refused("a field's name has a null character")


def _map(kind: Any) -> Conversion:
    key, item = conversion(kind.key_type), conversion(kind.item_type)
    metadata = kind.key_field.metadata or kind.item_field.metadata
    if key.apply is None and item.apply is None and not metadata:
        return Conversion(kind)

    def apply(array: Any) -> Any:
        keys, items = key(array.keys), item(array.items)
        return pa.MapArray.from_arrays(_copied(array.offsets), keys, items, mask=array.is_null())

    return Conversion(pa.map_(key.kind, item.kind), apply)


def _union(kind: Any) -> Conversion:
    members = [kind.field(number) for number in range(kind.num_fields)]
    names = [member.name for member in members]
    _check_names(names)
    parts = [conversion(member.type) for member in members]
    fields = [pa.field(name, part.kind) for name, part in zip(names, parts, strict=True)]

    def apply(array: Any) -> Any:
        codes = _buffer(array, 1, pa.int8())
        tags = pc.index_in(codes, pa.array(kind.type_codes, pa.int8())).cast(pa.int8())
        children = [_member(array, codes, number, part) for number, part in enumerate(parts)]
        return pa.UnionArray.from_sparse(tags, children, names)

    return Conversion(pa.sparse_union(fields), apply)


def _buffer(array: Any, number: int, kind: pa.DataType) -> Any:
    """The rows' part of a union's buffer. Arrow's own accessors forget the offset of slices."""
    buffers = [None, array.buffers()[number]]
    return pa.Array.from_buffers(kind, len(array), buffers, offset=array.offset)


def _member(array: Any, codes: Any, number: int, part: Conversion) -> Any:
    """The values of one member of a union, in the rows that hold it; else anything or null."""
    child = part(array.field(number))
    if array.type.mode == "sparse":
        return child
    held = pc.equal(codes, array.type.type_codes[number])
    return child.take(pc.if_else(held, _buffer(array, 2, pa.int32()), None))


def _dictionary(kind: Any) -> Conversion:
    value = conversion(kind.value_type)
    return Conversion(value.kind, lambda array: value(array.dictionary).take(array.indices))


def _runs(kind: Any) -> Conversion:
    value = conversion(kind.value_type)

    def apply(array: Any) -> Any:
        numbers = pa.array(range(len(array.values)), pa.int64())
        runs = pa.RunEndEncodedArray.from_arrays(array.run_ends, numbers)
        rows = pc.run_end_decode(runs).slice(array.offset, len(array))
        return value(array.values).take(rows)

    return Conversion(value.kind, apply)


def _extension(kind: Any) -> Conversion:
    match kind.extension_name:
        case "arrow.uuid" | "arrow.json":
            return Conversion(kind)
        case "arrow.bool8":
            return Conversion(pa.bool_(), lambda array: pc.not_equal(array.storage, 0))
        case "arrow.opaque" if kind.vendor_name == "DuckDB":
            if kind.type_name in _OWN_INTEGERS and kind.storage_type == pa.binary(16):
                return Conversion(kind)
            raise Refused("these are bytes of DuckDB's own: send text")
    storage = conversion(kind.storage_type)
    return Conversion(storage.kind, lambda array: storage(array.storage))


_RULES: tuple[tuple[Callable[[Any], bool], Callable[[Any], Conversion]], ...] = (
    (pa.types.is_integer, _as_it_is),
    (pa.types.is_string, _as_it_is),
    (pa.types.is_float64, _as_it_is),
    (pa.types.is_float32, _as_it_is),
    (pa.types.is_boolean, _as_it_is),
    (pa.types.is_timestamp, _moment),
    (pa.types.is_date, _date),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_time, _as_it_is),
    (pa.types.is_binary, _as_it_is),
    (pa.types.is_fixed_size_binary, _as_it_is),
    (pa.types.is_large_string, _as_it_is),
    (pa.types.is_large_binary, _as_it_is),
    (pa.types.is_string_view, _to(pa.string())),
    (pa.types.is_binary_view, _to(pa.binary())),
    (pa.types.is_float16, _to(pa.float32())),
    (pa.types.is_null, _to(pa.int32())),
    (pa.types.is_duration, _to(pa.duration("us"))),
    (pa.types.is_interval, _interval),
    (pa.types.is_dictionary, _dictionary),
    (pa.types.is_run_end_encoded, _runs),
    (pa.types.is_struct, _struct),
    (pa.types.is_map, _map),
    (pa.types.is_fixed_size_list, _array),
    (pa.types.is_list, _list),
    (pa.types.is_large_list, _list),
    (pa.types.is_list_view, _list),
    (pa.types.is_large_list_view, _list),
    (pa.types.is_union, _union),
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
)
