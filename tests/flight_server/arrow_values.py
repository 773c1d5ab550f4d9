"""What an Arrow value means, whatever its type stores it as: "equal" in tests of types."""

import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa

_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DAY_NS = 24 * 60 * 60 * _NS["s"]
_INFINITE = 2**63 - 1


def meaning(array: Any) -> list[Any]:
    """The values, comparable across types that mean the same.

    Numbers by value, but floats bit by bit with one NaN; times, moments and durations in
    nanoseconds; intervals as months, days and nanoseconds; dictionaries and runs as their values;
    a UUID as its text; a struct as its names and values in order; a union as the member's name
    and value; NULL as None.
    """
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in meaning(chunk)]
    for applies, read in _READERS:
        if applies(array.type):
            return read(array)
    values: list[Any] = array.to_pylist()
    return values


def _extension(array: Any) -> list[Any]:
    values = meaning(array.storage)
    match array.type.extension_name:
        case "arrow.uuid":
            return [None if value is None else str(uuid.UUID(bytes=value)) for value in values]
        case "arrow.bool8":
            return [None if value is None else value != 0 for value in values]
    return values


def _encoded(array: Any) -> list[Any]:
    if pa.types.is_dictionary(array.type):
        values = meaning(array.dictionary)
        return [None if i is None else values[i] for i in array.indices.to_pylist()]
    values = meaning(array.values)
    ends = array.run_ends.to_pylist()
    rows = range(array.offset, array.offset + len(array))
    return [values[next(i for i, end in enumerate(ends) if row < end)] for row in rows]


def _nested(array: Any) -> list[Any]:
    return [meaning(scalar.values) if scalar.is_valid else None for scalar in array]


def _map(array: Any) -> list[Any]:
    return [
        [tuple(entry.values()) for entry in map(dict, meaning(scalar.values))]
        if scalar.is_valid
        else None
        for scalar in array
    ]


def _struct(array: Any) -> list[Any]:
    names = [field.name for field in array.type]
    columns = [meaning(array.field(number)) for number in range(len(names))]
    rows = zip(*columns, strict=True) if columns else [()] * len(array)
    return [
        tuple(zip(names, row, strict=True)) if valid else None
        for row, valid in zip(rows, array.is_valid().to_pylist(), strict=True)
    ]


def _union(array: Any) -> list[Any]:
    if not len(array):
        return []  # without buffers, when it comes from a stream
    kind = array.type
    members = [meaning(array.field(number)) for number in range(kind.num_fields)]
    numbers = {code: number for number, code in enumerate(kind.type_codes)}
    # Arrow's own accessors forget where a slice begins.
    rows = slice(array.offset, array.offset + len(array))
    codes = memoryview(array.buffers()[1]).cast("b")[rows]
    sparse = kind.mode == "sparse"
    places = range(len(array)) if sparse else memoryview(array.buffers()[2]).cast("i")[rows]
    found = []
    for code, place in zip(codes, places, strict=True):
        number = numbers[code]
        value = members[number][place]
        found.append(None if value is None else (kind.field(number).name, value))
    return found


def _ticks(array: Any) -> list[Any]:
    """Days as days; else nanoseconds, of which infinitely many stay what they are."""
    kind = array.type
    wide = kind.bit_width == 64
    values = array.view(pa.int64() if wide else pa.int32()).to_pylist()
    if pa.types.is_date32(kind):
        return list(values)
    if pa.types.is_date64(kind):
        return [None if value is None else value // (_DAY_NS // _NS["ms"]) for value in values]
    ns = _NS[kind.unit]
    many = (_INFINITE, -_INFINITE) if pa.types.is_timestamp(kind) else ()
    found = [value if value is None or value in many else value * ns for value in values]
    if pa.types.is_duration(kind):
        return [None if value is None else (0, 0, value) for value in found]
    return found


def _interval(array: Any) -> list[Any]:
    return [None if value is None else tuple(value) for value in array.to_pylist()]


def _float(array: Any) -> list[Any]:
    return [None if value is None else value.hex() for value in array.to_pylist()]


_READERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], list[Any]]], ...] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), _extension),
    (lambda kind: pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind), _encoded),
    (pa.types.is_map, _map),
    (pa.types.is_struct, _struct),
    (pa.types.is_union, _union),
    (pa.types.is_interval, _interval),
    (pa.types.is_temporal, _ticks),
    (pa.types.is_floating, _float),
    (lambda kind: pa.types.is_nested(kind) or pa.types.is_list_view(kind), _nested),
    (pa.types.is_large_list_view, _nested),
)
