"""What DuckDB's types are to JDBC and ODBC.

Owns the table of known types. Columns are described by it too, so that what a driver learns of a
type and of a column of that type agree. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from flightkeeper.flightsql.xdbc import DataType, Searchable, Subcode, TypeInfo

METADATA = b"ARROW:FLIGHT:SQL:"
"""How the keys of a field's metadata begin. Spec: FlightSql.proto, `CommandGetTables`."""
TYPE_NAME = METADATA + b"TYPE_NAME"
"""Metadata of a field: its type, as the database calls it."""

_NOT_OF_COLUMNS = {"NULL", "TYPE"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_CACHED_MAX = 1024
_DECIMAL_DIGITS_MAX = 38
_APPROXIMATE = 2


def _integer(name: str, data_type: DataType, digits: int) -> TypeInfo:
    return TypeInfo(
        name,
        data_type,
        digits,
        unsigned_attribute=name.startswith("U"),
        auto_increment=False,
        minimum_scale=0,
        maximum_scale=0,
        num_prec_radix=10,
    )


def _decimal(name: str, data_type: DataType) -> TypeInfo:
    return replace(
        _integer(name, data_type, _DECIMAL_DIGITS_MAX),
        create_params=("precision", "scale"),
        unsigned_attribute=False,
        maximum_scale=_DECIMAL_DIGITS_MAX,
    )


def _approximate(name: str, data_type: DataType, bits: int) -> TypeInfo:
    return TypeInfo(
        name, data_type, bits, unsigned_attribute=False, auto_increment=False, num_prec_radix=2
    )


def _text(name: str, data_type: DataType, *create_params: str, prefix: str = "'") -> TypeInfo:
    return TypeInfo(
        name,
        data_type,
        None,
        prefix,
        "'",
        create_params or None,
        case_sensitive=True,
        searchable=Searchable.FULL,
    )


def _moment(name: str, data_type: DataType, subcode: Subcode, size: int, scale: int) -> TypeInfo:
    """A date or time; its size in characters, its scale in digits of a second."""
    return TypeInfo(
        name,
        data_type,
        size,
        f"{name} '",
        "'",
        minimum_scale=scale,
        maximum_scale=scale,
        sql_data_type=DataType.DATETIME,
        datetime_subcode=subcode,
    )


def _written(name: str, data_type: DataType, size: int | None = None) -> TypeInfo:
    """A type whose values are written as text after its name."""
    return TypeInfo(name, data_type, size, f"{name} '", "'")


_STANDARD = (
    # Synonyms that DuckDB takes: the only names of these numbers.
    _text("CHAR", DataType.CHAR, "length"),
    _decimal("NUMERIC", DataType.NUMERIC),
)

# Tools take the first type of a number, in alphabetical order, for its natural one. So a type
# shares the number of a natural one only if it comes after that. What shares none is UNKNOWN.
_KNOWN: Mapping[str, TypeInfo] = {
    kind.type_name: kind
    for kind in (
        TypeInfo("BOOLEAN", DataType.BIT, 1),
        _integer("TINYINT", DataType.TINYINT, 3),
        _integer("UTINYINT", DataType.TINYINT, 3),
        _integer("SMALLINT", DataType.SMALLINT, 5),
        _integer("USMALLINT", DataType.SMALLINT, 5),
        _integer("INTEGER", DataType.INTEGER, 10),
        _integer("UINTEGER", DataType.INTEGER, 10),
        _integer("BIGINT", DataType.BIGINT, 19),
        _integer("UBIGINT", DataType.BIGINT, 20),
        _integer("HUGEINT", DataType.DECIMAL, 39),
        _integer("UHUGEINT", DataType.DECIMAL, 39),
        _decimal("DECIMAL", DataType.DECIMAL),
        _approximate("FLOAT", DataType.REAL, 24),
        _approximate("DOUBLE", DataType.DOUBLE, 53),
        _text("VARCHAR", DataType.VARCHAR, "length"),
        _text("JSON", DataType.LONGVARCHAR, prefix="JSON '"),
        replace(_text("ENUM", DataType.CHAR), create_params=("values",)),
        _written("UUID", DataType.CHAR, 36),
        _written("BLOB", DataType.VARBINARY),
        _written("BIT", DataType.UNKNOWN),
        _written("BIGNUM", DataType.UNKNOWN),
        _moment("DATE", DataType.DATE, Subcode.DATE, 10, 0),
        _moment("TIME", DataType.TIME, Subcode.TIME, 15, 6),
        _moment("TIME_NS", DataType.TIME, Subcode.TIME, 18, 9),
        _moment("TIME WITH TIME ZONE", DataType.TIME, Subcode.TIME_WITH_TIMEZONE, 24, 6),
        _moment("TIMESTAMP_S", DataType.TIMESTAMP, Subcode.TIMESTAMP, 19, 0),
        _moment("TIMESTAMP_MS", DataType.TIMESTAMP, Subcode.TIMESTAMP, 23, 3),
        _moment("TIMESTAMP", DataType.TIMESTAMP, Subcode.TIMESTAMP, 26, 6),
        _moment("TIMESTAMP_NS", DataType.TIMESTAMP, Subcode.TIMESTAMP, 29, 9),
        _moment(
            "TIMESTAMP WITH TIME ZONE",
            DataType.TIMESTAMP,
            Subcode.TIMESTAMP_WITH_TIMEZONE,
            32,
            6,
        ),
        _moment("TIMESTAMPTZ_NS", DataType.TIMESTAMP, Subcode.TIMESTAMP_WITH_TIMEZONE, 35, 9),
        # Months, days and microseconds at once: none of the standard's kinds of interval.
        replace(
            _written("INTERVAL", DataType.INTERVAL),
            sql_data_type=DataType.INTERVAL,
            datetime_subcode=Subcode.UNKNOWN,
        ),
    )
}


def types(names: Iterable[str]) -> list[TypeInfo]:
    """Every type a column can be of, in no order.

    Args:
        names: those of the database's types.
    """
    return [*_STANDARD, *map(_known, set(names) - _NOT_OF_COLUMNS)]


@lru_cache(_CACHED_MAX)
def of_column(type_text: str) -> TypeInfo:
    """What there is to say of a column, from its type's text as DuckDB writes it."""
    if decimal := _DECIMAL.fullmatch(type_text):
        digits, scale = map(int, decimal.groups())
        return replace(
            _KNOWN["DECIMAL"], column_size=digits, minimum_scale=scale, maximum_scale=scale
        )
    if type_text.endswith("]"):
        return _known("LIST")
    return _known(type_text.partition("(")[0])


@lru_cache(_CACHED_MAX)
def metadata(type_text: str) -> Mapping[bytes, bytes]:
    """What follows from a column's type for the metadata of its field."""
    known = of_column(type_text)
    said = {
        TYPE_NAME: type_text.encode(),
        METADATA + b"IS_CASE_SENSITIVE": b"1" if known.case_sensitive else b"0",
        METADATA + b"IS_SEARCHABLE": b"1",
    }
    # The size of approximate numbers is in bits, and drivers differ about how to read that.
    if known.column_size is not None and known.num_prec_radix != _APPROXIMATE:
        said[METADATA + b"PRECISION"] = str(known.column_size).encode()
    if known.maximum_scale is not None:
        said[METADATA + b"SCALE"] = str(known.maximum_scale).encode()
    return said


def _known(name: str) -> TypeInfo:
    return _KNOWN.get(name) or TypeInfo(name, DataType.UNKNOWN)
