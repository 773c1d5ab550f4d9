"""Types: DuckDB's names as SQLAlchemy's types, and values where the two differ."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.engine import Dialect

MICROSECOND = 1000
DAYS_OF_A_MONTH = 30
"""Python's timedelta has no months; other drivers count them like this too."""


class Interval(pg.INTERVAL):
    """INTERVAL as Python's timedelta."""

    @classmethod
    def adapt_emulated_to_native(cls, *args: Any, **kw: Any) -> "Interval":
        """The type for SQLAlchemy's own; DuckDB has microseconds and nothing else."""
        del args, kw
        return cls()

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[pa.MonthDayNano | None], dt.timedelta | None]:
        """Makes a timedelta of what the DB-API hands out."""
        del dialect, coltype
        return _timedelta

    def literal_processor(self, dialect: Dialect) -> Callable[[dt.timedelta], str]:
        """Renders a timedelta as SQL."""
        del dialect
        return lambda value: f"to_microseconds({value // dt.timedelta(microseconds=1)})"


def _timedelta(value: pa.MonthDayNano | None) -> dt.timedelta | None:
    if value is None:
        return None
    days = value.months * DAYS_OF_A_MONTH + value.days
    return dt.timedelta(days, microseconds=value.nanoseconds // MICROSECOND)


class Numeric(types.Numeric[Any]):
    """DECIMAL. What is divided is a DOUBLE in DuckDB, and becomes a decimal again here."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Makes a decimal or a float, whichever is wanted."""
        del dialect, coltype
        return _decimal if self.asdecimal else _float


def _decimal(value: Decimal | float | None) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, float) else value


def _float(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


class JsonIndex(types.JSON.JSONIndexType):
    """The key or place in a JSON value, as a path."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Makes a path of a key or place."""
        del dialect
        return lambda value: json_path((value,))

    def literal_processor(self, dialect: Dialect) -> Callable[[str | int], str]:
        """Renders it as SQL."""
        del dialect
        return lambda value: _quoted(json_path((value,)))


class JsonPath(types.JSON.JSONPathType):
    """Several of these, one inside the other."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Makes a path of keys and places."""
        del dialect
        return json_path

    def literal_processor(self, dialect: Dialect) -> Callable[[tuple[str | int, ...]], str]:
        """Renders it as SQL."""
        del dialect
        return lambda value: _quoted(json_path(value))


def json_path(steps: tuple[str | int, ...]) -> str:
    """DuckDB's path for keys and places, such as `$."a"[1]`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


class Native(types.UserDefinedType[Any]):
    """A type of DuckDB that SQLAlchemy has not: STRUCT, MAP, UNION, HUGEINT, BIT and others."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        """`name` as DuckDB writes it."""
        self.name = name

    def get_col_spec(self, **_kw: object) -> str:
        """How it is written in SQL."""
        return self.name


_PLAIN: dict[str, Callable[[], types.TypeEngine[Any]]] = {
    "BOOLEAN": types.BOOLEAN,
    "TINYINT": lambda: Native("TINYINT"),
    "SMALLINT": types.SMALLINT,
    "INTEGER": types.INTEGER,
    "BIGINT": types.BIGINT,
    "FLOAT": types.REAL,
    "DOUBLE": types.DOUBLE,
    "VARCHAR": types.VARCHAR,
    "JSON": types.JSON,
    "UUID": types.UUID,
    "BLOB": types.BLOB,
    "DATE": types.DATE,
    "TIME": types.TIME,
    "TIME WITH TIME ZONE": lambda: types.TIME(timezone=True),
    "TIMESTAMP": types.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": lambda: types.TIMESTAMP(timezone=True),
    "INTERVAL": Interval,
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_ENUM_VALUE = re.compile(r"'((?:[^']|'')*)'")
_ARRAY = re.compile(r"(.*)\[\d*\]", re.DOTALL)


def type_of(name: str) -> types.TypeEngine[Any]:
    """SQLAlchemy's type for the name of one of DuckDB's."""
    if plain := _PLAIN.get(name):
        return plain()
    if decimal := _DECIMAL.fullmatch(name):
        return types.NUMERIC(int(decimal[1]), int(decimal[2]))
    if array := _ARRAY.fullmatch(name):
        return types.ARRAY(type_of(array[1]))
    if name.startswith("ENUM("):
        values = [value.replace("''", "'") for value in _ENUM_VALUE.findall(name)]
        return types.Enum(*values, native_enum=False)
    return Native(name)


COLUMN_TYPES: dict[type[types.TypeEngine[Any]], type[types.TypeEngine[Any]]] = {
    types.Float: types.Float,
    types.Interval: Interval,
    types.Numeric: Numeric,
    types.JSON.JSONIndexType: JsonIndex,
    types.JSON.JSONPathType: JsonPath,
}
"""What stands for a type of SQLAlchemy."""
