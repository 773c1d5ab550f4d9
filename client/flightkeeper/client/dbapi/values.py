"""Values: Arrow's columns as Python's objects, and Python's objects as parameters.

Owns the two tables in docs/python.md. What Python cannot hold is an error that says so, never
another value; but for nanoseconds, which Python's times do not have: they are cut off. Pure.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pyarrow as pa

from flightkeeper.client.dbapi.errors import DataError, ProgrammingError
from flightkeeper.client.dbapi.types import base_name, type_name

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DECIMAL_DIGITS_MAX = 38
DAY_US = 86_400_000_000

_NUMBERS = ({int, float}, {int, Decimal})
"""Types that one column of parameters may hold together."""


def rows_of(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """The rows of a batch.

    Raises:
        DataError: a value has no counterpart in Python.
    """
    columns = [_column(field, batch.column(at)) for at, field in enumerate(batch.schema)]
    return list(zip(*columns, strict=True))


def _column(field: "pa.Field[Any]", column: "pa.Array[Any]") -> list[Any]:
    if pa.types.is_nested(field.type) or pa.types.is_temporal(field.type):
        column = _in_microseconds(column)
    try:
        _check_times(column)
        values: list[Any] = column.to_pylist(maps_as_pydicts=_maps(field.type))
    except (ValueError, OverflowError, KeyError, TypeError) as exc:
        raise DataError(
            f"column {field.name!r} has a value of type {type_name(field)} that Python cannot hold"
            f" ({exc}): fetch_arrow_table can, and so can a cast to VARCHAR"
        ) from exc
    read = _READ.get(base_name(type_name(field)))
    if read is None:
        return values
    return [None if value is None else read(value) for value in values]


def _in_microseconds(column: "pa.Array[Any]") -> "pa.Array[Any]":
    """Without nanoseconds, which become objects of pandas, or errors, if it is not installed."""
    coarse = _coarse(column.type)
    return column if coarse == column.type else column.cast(coarse, safe=False)


def _check_times(column: "pa.Array[Any]") -> None:
    # 24:00:00 is a time of DuckDB's, of which Arrow would make midnight.
    if pa.types.is_time64(column.type) and any(
        microseconds == DAY_US for microseconds in column.view(pa.int64()).to_pylist()
    ):
        raise ValueError("24:00:00")


def _coarse(kind: Any) -> Any:
    """A type of Arrow with microseconds where it has nanoseconds."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time64(kind):
        return pa.time64("us")
    return _coarse_parts(kind) if pa.types.is_nested(kind) else kind


def _coarse_parts(kind: Any) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_coarse_field(kind.value_field), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(_coarse_field(kind.value_field))
    if pa.types.is_struct(kind):
        return pa.struct([_coarse_field(field) for field in kind.fields])
    if pa.types.is_map(kind):
        return pa.map_(_coarse(kind.key_type), _coarse_field(kind.item_field))
    return kind


def _coarse_field(field: Any) -> Any:
    return field.with_type(_coarse(field.type))


def _maps(kind: Any) -> Any:
    """How maps are read: as dicts, unless their keys cannot be those of one."""
    return None if any(_has_deep_keys(each) for each in _within(kind)) else "strict"


def _has_deep_keys(kind: Any) -> bool:
    return bool(pa.types.is_map(kind) and pa.types.is_nested(kind.key_type))


def _within(kind: Any) -> list[Any]:
    fields = [kind.field(at) for at in range(kind.num_fields)]
    return [kind, *(inner for field in fields for inner in _within(field.type))]


def _time_with_zone(text: str) -> dt.time:
    try:
        return dt.time.fromisoformat(text)
    except ValueError as exc:
        raise DataError(f"{text} is a time that Python cannot hold: cast it to VARCHAR") from exc


_READ: dict[str, Callable[[Any], Any]] = {
    "HUGEINT": int,
    "UHUGEINT": int,
    "BIGNUM": int,
    "UUID": UUID,
    "TIME WITH TIME ZONE": _time_with_zone,
}
"""By DuckDB's type, what makes a value of it where Arrow has no such type."""


def parameters_of(values: Sequence[Any]) -> list[Any]:
    """One row of parameters as Arrow can take them."""
    return [parameter(value) for value in values]


def parameter(value: Any) -> Any:
    """A parameter as Arrow can take it: with the type that DuckDB has for it.

    Raises:
        DataError: no type of Arrow or DuckDB holds it.
    """
    write = _WRITE.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, Enum):
        return parameter(value.value)
    if isinstance(value, UUID):
        return str(value)
    return value


def _integer(value: int) -> int | Decimal | str:
    if INT64_MIN <= value <= INT64_MAX:
        return value
    # Beyond that Arrow has decimals only, and beyond these text, which DuckDB casts.
    return Decimal(value) if len(str(abs(value))) <= DECIMAL_DIGITS_MAX else str(value)


def _decimal(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise DataError(f"{value} is no value of DuckDB's DECIMAL: pass a float")
    return value


def _time(value: dt.time) -> dt.time | str:
    # Arrow's times have no zone, and would drop it without a word.
    return value if value.tzinfo is None else value.isoformat()


def _texts(values: Sequence[Any]) -> list[Any]:
    return [parameter(value) for value in values]


def _mapping(value: dict[str, Any]) -> dict[str, Any]:
    return {name: parameter(each) for name, each in value.items()}


_WRITE: dict[type, Callable[[Any], Any]] = {
    int: _integer,
    Decimal: _decimal,
    dt.time: _time,
    UUID: str,
    list: _texts,
    tuple: _texts,
    dict: _mapping,
    memoryview: bytes,
    bytearray: bytes,
}


def checked(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows, each of which has as many parameters as the first.

    Raises:
        ProgrammingError: one has not.
    """
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ProgrammingError(
                f"row 1 has {len(rows[0])} parameters and row {number} has {len(row)};"
                " nothing was run: give each row a value for every placeholder"
            )
    return rows


def are_alike(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether there are columns, each of which can be of one type without changing a value."""
    columns = list(zip(*rows, strict=True))
    return bool(columns) and all(map(_alike, columns))


def _alike(column: Sequence[Any]) -> bool:
    kinds = {type(value) for value in column if value is not None}
    if kinds & {list, tuple, dict}:
        return len(column) == 1
    return len(kinds) <= 1 or kinds in _NUMBERS
