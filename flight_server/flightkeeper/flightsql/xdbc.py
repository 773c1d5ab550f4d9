"""The words of JDBC and ODBC for types, and the Arrow table of GetXdbcTypeInfo.

Owns the numbers and the table. What is true of the engine's types is said where the engine is
known. Spec: FlightSql.proto, `CommandGetXdbcTypeInfo` and the enumerations before it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import IntEnum

import pyarrow as pa

from flightkeeper.flightsql import schemas


class DataType(IntEnum):
    """XdbcDataType: the numbers that JDBC and ODBC share."""

    UNKNOWN = 0
    CHAR = 1
    NUMERIC = 2
    DECIMAL = 3
    INTEGER = 4
    SMALLINT = 5
    REAL = 7
    DOUBLE = 8
    DATETIME = 9
    INTERVAL = 10
    VARCHAR = 12
    DATE = 91
    TIME = 92
    TIMESTAMP = 93
    LONGVARCHAR = -1
    VARBINARY = -3
    BIGINT = -5
    TINYINT = -6
    BIT = -7


class Subcode(IntEnum):
    """XdbcDatetimeSubcode: which kind of date, time or interval."""

    UNKNOWN = 0
    DATE = 1
    TIME = 2
    TIMESTAMP = 3
    TIME_WITH_TIMEZONE = 4
    TIMESTAMP_WITH_TIMEZONE = 5


class Searchable(IntEnum):
    """Which operators of WHERE take values of a type: all but LIKE, or all."""

    BASIC = 2
    FULL = 3


class Nullable(IntEnum):
    """Whether columns of a type may be NULL."""

    NULLABLE = 1


class UpdateDeleteRule(IntEnum):
    """What happens to rows whose referenced row changes or goes."""

    NO_ACTION = 3


class Convert(IntEnum):
    """SqlSupportsConvert: the types of CONVERT. A numbering of its own."""

    BIGINT = 0
    BINARY = 1
    BIT = 2
    CHAR = 3
    DATE = 4
    DECIMAL = 5
    FLOAT = 6
    INTEGER = 7
    INTERVAL_DAY_TIME = 8
    INTERVAL_YEAR_MONTH = 9
    LONGVARBINARY = 10
    LONGVARCHAR = 11
    NUMERIC = 12
    REAL = 13
    SMALLINT = 14
    TIME = 15
    TIMESTAMP = 16
    TINYINT = 17
    VARBINARY = 18
    VARCHAR = 19


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One row of GetXdbcTypeInfo, its fields in the order of the columns.

    Attributes:
        column_size: digits, bits or characters, as `num_prec_radix` says; None = no limit.
        literal_prefix: what stands before a value in SQL.
        create_params: what may stand in parentheses after the name.
        sql_data_type: `data_type`, but DATETIME for all dates and times.
        num_prec_radix: 10 or 2; None for what is not a number.
    """

    type_name: str
    data_type: DataType
    column_size: int | None = None
    literal_prefix: str | None = None
    literal_suffix: str | None = None
    create_params: tuple[str, ...] | None = None
    nullable: Nullable = Nullable.NULLABLE
    case_sensitive: bool = False
    searchable: Searchable = Searchable.BASIC
    unsigned_attribute: bool | None = None
    fixed_prec_scale: bool = False
    auto_increment: bool | None = None
    local_type_name: str | None = None
    minimum_scale: int | None = None
    maximum_scale: int | None = None
    sql_data_type: DataType | None = None
    datetime_subcode: Subcode | None = None
    num_prec_radix: int | None = None
    interval_precision: int | None = None


def table(types: Iterable[TypeInfo], data_type: int | None = None) -> pa.Table:
    """The answer to GetXdbcTypeInfo.

    Args:
        data_type: the only number asked for; None = any.

    Returns: `schemas.XDBC_TYPE_INFO`, ordered by number, then by name.
    """
    chosen = [kind for kind in types if data_type in (None, kind.data_type)]
    chosen.sort(key=lambda kind: (kind.data_type, kind.type_name))
    rows = [{**asdict(kind), "sql_data_type": _generic(kind)} for kind in chosen]
    return pa.Table.from_pylist(rows, schemas.XDBC_TYPE_INFO)


def _generic(kind: TypeInfo) -> DataType:
    return kind.data_type if kind.sql_data_type is None else kind.sql_data_type
