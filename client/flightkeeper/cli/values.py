"""The values of an Arrow column as JSON can hold them, and as text.

Owns what becomes of each type. Nothing is lost: what JSON has no form for becomes text. Goes by
the column's type and not by Python's values of it, which hold no moment beyond the year 9999.
"""

import json
import math
from collections.abc import Callable
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa
from pyarrow import compute

from flightkeeper.cli.moments import PER_SECOND, date_text, duration_text, moment_text, time_text

pc: Any = compute
"""Its published types do not know all of its functions."""
Column = Any
"""An array; the published types know no type of which all of them are."""
_HALF = 32
"""Bits of the shorter ones of Arrow's dates and times."""
_EXPONENT_FROM, _SMALL = 6, Decimal("0.000001")
"""Arrow gives decimals below it an exponent."""
_INFINITE = 2**63 - 1
_DAYS = (-719_162, 2_932_896)
"""From the first to the last one with a year of four digits, since 1970."""
_DAY_S = 86_400
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def plain(column: Column) -> list[Any]:
    """The values as JSON can hold them: numbers, texts, bools, lists, objects and None.

    Decimals, moments, intervals, bytes and what is not finite are texts; a map is a list of pairs,
    and a union the value that it holds.
    """
    if isinstance(column, pa.ChunkedArray):
        return [value for chunk in column.chunks for value in plain(chunk)]
    for applies, make in _RULES:
        if applies(column.type):
            return make(column)
    values: list[Any] = column.to_pylist()
    return values


def texts(column: Column) -> list[str | None]:
    """The values as text; what has parts is JSON, NULL is None."""
    # JSON has no NaN; text has.
    values = column.to_pylist() if pa.types.is_floating(column.type) else plain(column)
    return [None if value is None else _text(value) for value in values]


def as_text(column: Column) -> Column:
    """The column as one of texts."""
    return pa.array(texts(column), pa.string())


def beyond(column: Column) -> bool:
    """Whether Arrow itself would write a value of the column so that it is not read as the same.

    Such are moments of years that are not 1 to 9999, infinite ones, 24:00:00, and decimals that it
    gives an exponent.
    """
    kind = column.type
    if _T.is_decimal(kind):
        small = kind.scale > _EXPONENT_FROM
        return small and bool(pc.any(pc.less(pc.abs(column), pa.scalar(_SMALL, kind))).as_py())
    limits = next((make(kind) for applies, make in _WRITTEN if applies(kind)), None)
    if limits is None or len(column) == column.null_count:
        return False
    found = pc.min_max(_counts(column)).as_py()
    first, last = limits
    return bool(found["min"] < first or found["max"] > last)


def in_milliseconds(column: Column) -> Column:
    """Moments in seconds as moments in milliseconds; the infinite ones stay that."""
    counts = _counts(column)
    finite = pc.not_equal(pc.abs(counts), _INFINITE)
    made = pc.if_else(finite, pc.multiply(counts, 1000), counts)
    return made.cast(pa.timestamp("ms", column.type.tz))


def _counts(column: Column) -> Column:
    """Dates, times and moments as the numbers they are."""
    return column.cast(pa.int32() if column.type.bit_width == _HALF else pa.int64())


def dump(value: object) -> str:
    """A plain value as JSON, on one line."""
    return json.dumps(value, ensure_ascii=False)


def _text(value: object) -> str:
    return dump(value) if isinstance(value, dict | list) else str(value)


def _each(make: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    return [None if value is None else make(value) for value in values]


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else _NOT_FINITE[str(value)]


def _floats(column: Column) -> list[Any]:
    return _each(_finite, column.to_pylist())


def _decimals(column: Column) -> list[Any]:
    # Without an exponent, which DuckDB does not take for a decimal.
    return _each("{:f}".format, column.to_pylist())


def _bytes(column: Column) -> list[Any]:
    return _each(lambda value: f"\\x{value.hex()}", column.to_pylist())


def _dates(column: Column) -> list[Any]:
    return _each(date_text, _counts(column.cast(pa.date32())).to_pylist())


def _times(column: Column) -> list[Any]:
    return _each(partial(time_text, unit=column.type.unit), _counts(column).to_pylist())


def _moments(column: Column) -> list[Any]:
    zone = None if column.type.tz is None else _zone(column.type.tz)
    write = partial(moment_text, unit=column.type.unit, zone=zone)
    return _each(write, _counts(column).to_pylist())


def _zone(name: str) -> tzinfo:
    try:
        return pa.lib.string_to_tzinfo(name)
    except (KeyError, ValueError, pa.ArrowException):
        # This machine does not know it. The moment is the same.
        return UTC


def _durations(column: Column) -> list[Any]:
    return _each(lambda parts: duration_text(*parts), column.to_pylist())


def _decoded(column: Column) -> list[Any]:
    return plain(column.dictionary_decode())


def _lists(column: Column) -> list[Any]:
    items = iter(plain(column.flatten()))
    lengths = pc.list_value_length(column).to_pylist()
    return _each(lambda length: list(islice(items, length)), lengths)


def _maps(column: Column) -> list[Any]:
    offsets = column.offsets.to_pylist()
    first, length = offsets[0], offsets[-1] - offsets[0]
    keys, items = (plain(part.slice(first, length)) for part in (column.keys, column.items))
    pairs = [list(pair) for pair in zip(keys, items, strict=True)]
    return [
        pairs[start - first : end - first] if valid else None
        for start, end, valid in zip(
            offsets, offsets[1:], column.is_valid().to_pylist(), strict=False
        )
    ]


def _structs(column: Column) -> list[Any]:
    names = [field.name for field in column.type]
    # Not by `flatten`: with NULLs among structs of unions it ends the process.
    parts = (plain(column.field(number)) for number in range(len(names)))
    rows = zip(*parts, strict=True) if names else ((),) * len(column)
    valid = column.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if there else None
        for row, there in zip(rows, valid, strict=True)
    ]


def _unions(column: Column) -> list[Any]:
    if not len(column):
        return []  # pyarrow ends the process when the parts of one that came by IPC are asked for
    parts = [plain(column.field(number)) for number in range(column.type.num_fields)]
    by_code = dict(zip(column.type.type_codes, parts, strict=True))
    # Its own `type_codes` are those of the whole, also for a slice.
    held = [None, column.buffers()[1]]
    codes = pa.Array.from_buffers(pa.int8(), len(column), held, offset=column.offset)
    return [by_code[code][row] for row, code in enumerate(codes.to_pylist())]


def _moment_limits(kind: Any) -> tuple[int, int]:
    per_day = _DAY_S * PER_SECOND[kind.unit]
    first, last = _DAYS
    return max(first * per_day, 1 - _INFINITE), min((last + 1) * per_day - 1, _INFINITE - 1)


_T: Any = pa.types
_WRITTEN: tuple[tuple[Callable[[Any], bool], Callable[[Any], tuple[int, int]]], ...] = (
    (_T.is_date32, lambda _: _DAYS),
    (_T.is_time, lambda kind: (0, _DAY_S * PER_SECOND[kind.unit] - 1)),
    (_T.is_timestamp, _moment_limits),
)
"""From the first to the last of what Arrow writes well, by type."""
_RULES: tuple[tuple[Callable[[Any], bool], Callable[[Column], list[Any]]], ...] = (
    (_T.is_floating, _floats),
    (_T.is_decimal, _decimals),
    (_T.is_date, _dates),
    (_T.is_time, _times),
    (_T.is_timestamp, _moments),
    (_T.is_interval, _durations),
    (lambda kind: _T.is_binary(kind) or _T.is_large_binary(kind), _bytes),
    (_T.is_dictionary, _decoded),
    (_T.is_map, _maps),
    (
        lambda kind: _T.is_list(kind) or _T.is_large_list(kind) or _T.is_fixed_size_list(kind),
        _lists,
    ),
    (_T.is_struct, _structs),
    (lambda kind: _T.is_union(kind) and kind.mode == "sparse", _unions),
)
