"""Types as PEP 249 has them: objects to compare a column's type with, and makers of values.

A column's type is the name that DuckDB has for it, such as `DECIMAL(18,3)` or `VARCHAR[]`. Pure.
"""

import datetime as dt
import time
from typing import Any

import pyarrow as pa

TYPE_NAME = b"ARROW:FLIGHT:SQL:TYPE_NAME"
"""Under which a node says what DuckDB calls the type of a column."""

Date = dt.date
Time = dt.time
Timestamp = dt.datetime
Binary = bytes


def DateFromTicks(ticks: float) -> dt.date:  # noqa: N802  PEP 249's name, as those below
    """The local day of a moment given in seconds since 1970."""
    return dt.date(*time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> dt.time:  # noqa: N802
    """The local time of a moment given in seconds since 1970."""
    return dt.time(*time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> dt.datetime:  # noqa: N802
    """The local day and time of a moment given in seconds since 1970."""
    return dt.datetime(*time.localtime(ticks)[:6])  # noqa: DTZ001  PEP 249 has no zones


class TypeObject:
    """A family of types; equal to the name of each of them."""

    def __init__(self, name: str, *words: str) -> None:
        self._name = name
        self._words = frozenset(words)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return base_name(other) in self._words
        return self is other

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return self._name


STRING = TypeObject("STRING", "VARCHAR", "JSON", "UUID", "BIT", "ENUM", "VARIANT", "TYPE")
BINARY = TypeObject("BINARY", "BLOB", "GEOMETRY")
NUMBER = TypeObject(
    "NUMBER",
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "BIGNUM"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
)
DATETIME = TypeObject(
    "DATETIME",
    *("DATE", "TIME", "TIME_NS", "TIME WITH TIME ZONE", "INTERVAL"),
    *("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
    *("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS"),
)
ROWID = TypeObject("ROWID")
"""Rows have no address; DuckDB's `rowid` is a number."""


def base_name(type_name: str) -> str:
    """The name without what stands in parentheses; a list of a type is not that type."""
    return type_name if type_name.endswith("]") else type_name.partition("(")[0]


def type_name(field: "pa.Field[Any]") -> str:
    """The name of a column's type: DuckDB's, or Arrow's where the node does not say."""
    told = (field.metadata or {}).get(TYPE_NAME)
    return str(field.type) if told is None else told.decode()


Column = tuple[str, str, None, int | None, int | None, int | None, bool]


def described(schema: pa.Schema) -> list[Column]:
    """The columns of a result as PEP 249's `description` has them."""
    return [_described(field) for field in schema]


def _described(field: "pa.Field[Any]") -> Column:
    kind = field.type
    size = kind.bit_width // 8 if pa.types.is_primitive(kind) else None
    precision = scale = None
    if pa.types.is_decimal(kind):
        precision, scale = kind.precision, kind.scale
    return (field.name, type_name(field), None, size, precision, scale, field.nullable)
