"""Bound parameters: from Arrow to what DuckDB binds, equal in value and in type.

Theory. DuckDB's Python interface binds Python objects, which know fewer types than Arrow does: it
makes an INTEGER of every small number, and loses nanoseconds, years after 9999, and of what an
empty list is one. A `duckdb.Value` names the type, which DuckDB then reads from text. Of the common
types the objects are made here. All others are given to DuckDB in the sandbox, which writes the
text and reads it back: what does not survive that is not bound.

NULL is bound without a type; that interface has no other.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
from duckdb import Value, sqltypes
from duckdb.sqltypes import DuckDBPyType

from flightkeeper.flight_server.engine.intake import importable, says_more
from flightkeeper.flight_server.engine.sandbox import sandbox
from flightkeeper.flight_server.engine.types import ids, leaves_as_text, presented, rewritten
from flightkeeper.flight_server.errors import InvalidArgument

_BIGINT_BITS = 64
_Make = Callable[[Any], Any]


def bindable(table: pa.Table) -> list[dict[str, Any]]:
    """The rows of a valid table by column name, as values that DuckDB binds.

    An int64 is a plain number: see `exact`.

    Raises:
        InvalidArgument: a column's type has no counterpart in DuckDB, or a value no place there.
    """
    columns = [_objects(field, table.column(i)) for i, field in enumerate(table.schema)]
    rest = [number for number, values in enumerate(columns) if values is None]
    if rest:
        for number, values in zip(rest, _through_engine(table.select(rest)), strict=True):
            columns[number] = values
    names = table.column_names
    if len(set(names)) < len(names):
        # Positional parameters need no names; some clients give all of them the same.
        names = [str(number) for number in range(len(names))]
    rows = zip(*(values or () for values in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def exact(parameters: Sequence[Any] | Mapping[str, Any]) -> Any:
    """The parameters with every plain number as the BIGINT that it is.

    That is too much for places that take an INTEGER only, as `round(x, n)`; and clients that know
    one kind of number send this one.
    """
    if isinstance(parameters, Mapping):
        return {name: _exact(value) for name, value in parameters.items()}
    return [_exact(value) for value in parameters]


def _exact(value: Any) -> Any:
    if type(value) is int and value.bit_length() < _BIGINT_BITS:
        return Value(value, sqltypes.BIGINT)
    return value


def _objects(field: "pa.Field[Any]", column: Any) -> list[Any] | None:
    """A column's values; None if DuckDB has to be asked."""
    make = None if says_more(field) else _maker(field.type)
    if make is None:
        return None
    try:
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            # The moment as it is in UTC, whatever the zone is called.
            column = column.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
        return [None if value is None else make(value) for value in column.to_pylist()]
    except (OverflowError, ValueError):
        return None  # Python's calendar ends with the year 9999.


def _maker(kind: Any) -> _Make | None:
    if pa.types.is_decimal128(kind) and 0 <= kind.scale <= kind.precision:
        return _decimal(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind) and kind.tz is not None and kind.unit != "ns":
        return lambda value: value.replace(tzinfo=dt.UTC)
    if pa.types.is_fixed_size_binary(kind):
        return _same
    return _MAKERS.get(kind)


@lru_cache
def _decimal(precision: int, scale: int) -> _Make:
    kind = duckdb.decimal_type(precision, scale)
    return lambda value: Value(f"{value:f}", kind)


def _named(kind: DuckDBPyType) -> _Make:
    return lambda value: Value(value, kind)


def _from_text(kind: DuckDBPyType) -> _Make:
    return lambda value: Value(str(value), kind)


def _float(kind: DuckDBPyType) -> _Make:
    # DuckDB 1.5 takes a NaN for NULL.
    return lambda value: Value("nan" if math.isnan(value) else value, kind)


def _same(value: Any) -> Any:
    return value


_MAKERS: Mapping[pa.DataType, _Make] = {
    pa.null(): _same,
    pa.bool_(): _same,
    pa.int8(): _named(sqltypes.TINYINT),
    pa.int16(): _named(sqltypes.SMALLINT),
    pa.int32(): _named(sqltypes.INTEGER),
    pa.int64(): _same,
    pa.uint8(): _named(sqltypes.UTINYINT),
    pa.uint16(): _named(sqltypes.USMALLINT),
    pa.uint32(): _named(sqltypes.UINTEGER),
    pa.uint64(): _named(sqltypes.UBIGINT),
    pa.float32(): _float(sqltypes.FLOAT),
    pa.float64(): lambda value: Value("nan", sqltypes.DOUBLE) if math.isnan(value) else value,
    pa.string(): _same,
    pa.large_string(): _same,
    pa.string_view(): _same,
    pa.binary(): _same,
    pa.large_binary(): _same,
    pa.binary_view(): _same,
    pa.date32(): _same,
    pa.time32("s"): _same,
    pa.time32("ms"): _same,
    pa.time64("us"): _same,
    pa.timestamp("s"): _from_text(sqltypes.TIMESTAMP_S),
    pa.timestamp("ms"): _from_text(sqltypes.TIMESTAMP_MS),
    pa.timestamp("us"): _same,
    # An empty list is not one of anything, and fits everywhere.
    pa.list_(pa.null()): _same,
}
"""What is bound for the Python object of a value, by type."""


def _through_engine(table: pa.Table) -> list[list[Any]]:
    """The columns, each value as DuckDB writes it and reads it back."""
    intake = importable(table.schema)
    batches = [intake.taken(batch) for batch in table.to_batches()]
    with sandbox() as duck:
        found = duck.from_arrow(pa.Table.from_batches(batches, intake.schema))
        relation = found.project(intake.selection)
        return [
            _column(duck, relation.project(f"#{number} AS a"))
            for number in range(1, table.num_columns + 1)
        ]


def _column(duck: duckdb.DuckDBPyConnection, values: duckdb.DuckDBPyRelation) -> list[Any]:
    """The values of a relation's one column `a`."""
    (kind,) = values.types
    if kind.id == "union":
        return _union(duck, values, kind)
    if "union" in ids(kind):
        raise _unbindable(kind)
    if "variant" in ids(kind):
        # From text a VARIANT is made that is this text.
        kind = duck.sqltype(presented(kind))
        values = values.project(f"CAST(a AS {kind}) AS a")
    texts = values.project(
        f"CAST(a AS VARCHAR), a IS NOT DISTINCT FROM TRY_CAST(CAST(a AS VARCHAR) AS {kind})"
    )
    return [
        None
        if text is None
        else Value(text, kind)
        if same
        else _nested(duck, values.limit(1, row), kind)
        for row, (text, same) in enumerate(texts.fetchall())
    ]


def _union(
    duck: duckdb.DuckDBPyConnection, values: duckdb.DuckDBPyRelation, kind: DuckDBPyType
) -> list[Any]:
    """The values of the members, of the members' types: they are no UNION of their own."""
    tags = values.project("CAST(union_tag(a) AS VARCHAR)").fetchall()
    members = {
        name: _column(duck, values.project(f"union_extract(a, {_literal(name)}) AS a"))
        for name, _ in kind.children[1:]
    }
    return [None if tag is None else members[tag][row] for row, (tag,) in enumerate(tags)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _nested(
    duck: duckdb.DuckDBPyConnection, value: duckdb.DuckDBPyRelation, kind: DuckDBPyType
) -> Value:
    """A value as nested texts: DuckDB 1.5 loses its way among brackets within a text."""
    ((tree,),) = value.project(f"CAST(a AS {rewritten(kind, leaves_as_text)})").fetchall()
    bound = Value(tree, kind)
    value.create_view("one")
    ((same,),) = duck.execute("SELECT a IS NOT DISTINCT FROM ? FROM one", [bound]).fetchall()
    if not same:
        raise _unbindable(kind)
    return bound


def _unbindable(kind: DuckDBPyType) -> InvalidArgument:
    return InvalidArgument(
        f"DuckDB cannot bind this value of type {kind} without changing it, nothing was run: "
        "load it into a table and use it from there"
    )
