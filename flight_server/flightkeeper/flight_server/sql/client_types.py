"""Types as clients can fill them: what to announce for a parameter of a type of the engine.

Flight SQL drivers build vectors of the announced Arrow types and put values in as they are. What
the JDBC driver can fill is announced as itself. For the rest stands text, which the engine casts
where it must, or a type of the same kind.
Spec: `AvaticaParameterBinder` of the JDBC driver, 18.3. It takes no NULL, duration, interval,
struct, map, dictionary or extension type, and writes milliseconds into every vector of times and
timestamps, whatever their unit.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class ClientType:
    """A type for a parameter.

    Attributes:
        sql: the engine's type that a bound value has.
        arrow: the type that is announced.
        sample: some value of it; None where the text of a value would have to be known.
    """

    sql: str
    arrow: pa.DataType
    sample: Any


_MIDNIGHT = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - a timestamp without a zone
_MILLISECONDS = ClientType("TIMESTAMP", pa.timestamp("ms"), _MIDNIGHT)

TEXT = ClientType("VARCHAR", pa.string(), "1")
"""What a parameter is announced as when nothing is known of it."""
_AS_TEXT = ClientType("VARCHAR", pa.string(), None)

_TYPES: Mapping[str, ClientType] = {
    "BOOLEAN": ClientType("BOOLEAN", pa.bool_(), True),  # noqa: FBT003 - a value
    "TINYINT": ClientType("TINYINT", pa.int8(), 1),
    "SMALLINT": ClientType("SMALLINT", pa.int16(), 1),
    "INTEGER": ClientType("INTEGER", pa.int32(), 1),
    "BIGINT": ClientType("BIGINT", pa.int64(), 1),
    "UTINYINT": ClientType("UTINYINT", pa.uint8(), 1),
    "USMALLINT": ClientType("USMALLINT", pa.uint16(), 1),
    "UINTEGER": ClientType("UINTEGER", pa.uint32(), 1),
    "UBIGINT": ClientType("UBIGINT", pa.uint64(), 1),
    "HUGEINT": ClientType("DECIMAL(38,0)", pa.decimal128(38, 0), Decimal(1)),
    "FLOAT": ClientType("FLOAT", pa.float32(), 1.0),
    "DOUBLE": ClientType("DOUBLE", pa.float64(), 1.0),
    "VARCHAR": TEXT,
    "BLOB": ClientType("BLOB", pa.binary(), b"1"),
    "DATE": ClientType("DATE", pa.date32(), _MIDNIGHT.date()),
    "TIME": ClientType("TIME", pa.time32("ms"), _MIDNIGHT.time()),
    "TIMESTAMP": _MILLISECONDS,
    "TIMESTAMP_S": _MILLISECONDS,
    "TIMESTAMP_MS": _MILLISECONDS,
    "TIMESTAMP_NS": _MILLISECONDS,
    "TIMESTAMP WITH TIME ZONE": ClientType(
        "TIMESTAMP WITH TIME ZONE",
        pa.timestamp("ms", "UTC"),
        _MIDNIGHT.replace(tzinfo=dt.UTC),
    ),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_LIST = re.compile(r"(.+)\[(\d*)\]")


def client_type(engine_type: str) -> ClientType:
    """What to announce for a type that the engine writes like this."""
    if (decimal := _DECIMAL.fullmatch(engine_type)) is not None:
        arrow = pa.decimal128(int(decimal[1]), int(decimal[2]))
        return ClientType(engine_type, arrow, Decimal(0))
    if (nested := _LIST.fullmatch(engine_type)) is not None:
        return _list_of(client_type(nested[1]), nested[2])
    return _TYPES.get(engine_type, _AS_TEXT)


def _list_of(child: ClientType, length: str) -> ClientType:
    if child is _AS_TEXT:
        return _AS_TEXT
    arrow = pa.list_(child.arrow, int(length)) if length else pa.list_(child.arrow)
    return ClientType(f"{child.sql}[{length}]", arrow, [child.sample] * int(length or 1))
