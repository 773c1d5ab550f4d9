"""Arrow data from outside, made into what DuckDB takes: without loss, and without harm to it.

Theory. DuckDB believes what it is given: a moment outside of its calendar is a defect to it, which
takes the database down. So values are checked, and types that DuckDB does not know, or reads
wrongly, are converted to the type that holds all of their values, or refused (`conversions`). That
the buffers themselves are sound has to be checked before.

A column may also say that it is of a type of DuckDB's that Arrow has not, as the columns of our
own results do (`TYPE_NAME`). Its values are cast back to that type once DuckDB has them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.conversions import Conversion, Refused, conversion
from flightkeeper.flight_server.engine.sandbox import sandbox
from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.engine.types import presented, quoted
from flightkeeper.flight_server.errors import InvalidArgument, NodeError

_EXTENSION = b"ARROW:extension:name"
_EXTENSION_METADATA = b"ARROW:extension:metadata"
_GEOMETRY = b"geoarrow.wkb"
_NAME_BYTES_MAX = 4096
_NESTING_MAX = 100
"""DuckDB's parser calls itself for each level of a type."""
_NEVER_CAST = re.compile(r'\b(TYPE|GEOMETRY)\b|"NULL"')
"""Types that results may have, but that nothing in Arrow can be cast to by every DuckDB."""
_CACHED_MAX = 1024


@dataclass(frozen=True, slots=True)
class Intake:
    """How data of one schema is given to DuckDB.

    Attributes:
        schema: of the batches that `taken` makes.
        selection: what to select from them so that each column gets its DuckDB type: the items of
            a SELECT, by position, with the columns' names.
    """

    schema: pa.Schema
    selection: str
    _given: pa.Schema
    _conversions: tuple[Conversion, ...]

    def taken(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch as DuckDB takes it. It must be valid.

        Raises:
            InvalidArgument: a value has no place in DuckDB; names the column.
        """
        arrays = [
            _converted(field, one, array)
            for field, one, array in zip(self._given, self._conversions, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def importable(schema: pa.Schema) -> Intake:
    """How to give data of this schema to DuckDB.

    Raises:
        InvalidArgument: a column's type has no counterpart that holds its values; names both.
    """
    conversions = tuple(map(_conversion, schema))
    fields = [_taken_field(field, one) for field, one in zip(schema, conversions, strict=True)]
    items = [
        f"{_cast(f'#{number}', field)} AS {quoted(field.name)}"
        for number, field in enumerate(schema, start=1)
    ]
    return Intake(pa.schema(fields), ", ".join(items), schema, conversions)


def says_more(field: "pa.Field[Any]") -> bool:
    """Whether a column says of itself more than its Arrow type does."""
    return field.metadata is not None and (_is_geometry(field) or _wanted(field) != ())


def _conversion(field: "pa.Field[Any]") -> Conversion:
    try:
        return conversion(field.type)
    except Refused as exc:
        raise _refused(field, str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise InvalidArgument("a name within a column is not UTF-8; nothing was run") from exc


def _converted(field: "pa.Field[Any]", one: Conversion, array: Any) -> Any:
    try:
        return one(array)
    except (Refused, pa.ArrowException) as exc:
        raise _refused(field, str(exc)) from exc


def _refused(field: "pa.Field[Any]", why: str) -> InvalidArgument:
    return InvalidArgument(
        f"column {field.name!r} of type {field.type} cannot be taken, nothing was run: {why}"
    )


def _taken_field(field: "pa.Field[Any]", one: Conversion) -> "pa.Field[Any]":
    # The name of an extension type makes DuckDB read the bytes as one, so only a known one stays.
    kept = None
    if _is_geometry(field) and one.kind == pa.binary():
        more = (field.metadata or {}).get(_EXTENSION_METADATA, b"")
        kept = {_EXTENSION: _GEOMETRY, _EXTENSION_METADATA: more}
    return pa.field(field.name, one.kind, metadata=kept)


def _is_geometry(field: "pa.Field[Any]") -> bool:
    return (field.metadata or {}).get(_EXTENSION) == _GEOMETRY


def _cast(column: str, field: "pa.Field[Any]") -> str:
    for kind in _wanted(field):
        column = f"CAST({column} AS {kind})"
    return column


def _wanted(field: "pa.Field[Any]") -> tuple[str, ...]:
    """The types to cast a column's values to, the last of which it says it has; none as a rule.

    What is no type of DuckDB's, or looks otherwise in our results, is another database's word.
    """
    if isinstance(field.type, pa.JsonType):
        return ("VARCHAR", "JSON")  # DuckDB believes that it is JSON, if it is not text before
    name = (field.metadata or {}).get(TYPE_NAME, b"")
    nesting = name.count(b"[") + name.count(b"(")
    if not 0 < len(name) <= _NAME_BYTES_MAX or nesting > _NESTING_MAX:
        return ()
    return _casts(name, field.type)


@lru_cache(_CACHED_MAX)
def _casts(name: bytes, kind: pa.DataType) -> tuple[str, ...]:
    try:
        with sandbox() as duck:
            wanted = duck.sqltype(name.decode())
            shown = presented(wanted)
            ours = duck.sql(f"SELECT CAST(NULL AS {shown})").to_arrow_table().schema.types[0]
            natural, exported = (_natural(duck, found) for found in (kind, ours))
    except (NodeError, Refused, UnicodeDecodeError, pa.ArrowInvalid):
        return ()  # the last one for what is nested deeper than Arrow goes
    if natural != exported or natural == str(wanted) or _NEVER_CAST.search(str(wanted)):
        return ()
    return tuple(dict.fromkeys((shown, str(wanted))))


def _natural(duck: duckdb.DuckDBPyConnection, kind: pa.DataType) -> str:
    """What DuckDB makes of a type by itself."""
    schema = pa.schema([pa.field("a", conversion(kind).kind)])
    return str(duck.from_arrow(pa.RecordBatchReader.from_batches(schema, [])).types[0])
