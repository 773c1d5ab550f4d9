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
    names = _names(table)
    columns = [_objects(field, table.column(i)) for i, field in enumerate(table.schema)]
    rest = [number for number, values in enumerate(columns) if values is None]
    if rest:
        for number, values in zip(rest, _through_engine(table.select(rest)), strict=True):
            columns[number] = values
    rows = zip(*(values or () for values in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _names(table: pa.Table) -> Sequence[str]:
    try:
        names = table.column_names
    except UnicodeDecodeError as exc:
        raise InvalidArgument("a parameter's name is not UTF-8; nothing was run") from exc
    if len(set(names)) == len(names):
        return names
    # Positional parameters need no names; some clients give all of them the same.
    return [str(number) for number in range(len(names))]


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
        return None  # as for years after 9999


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


def _list(kind: DuckDBPyType) -> _Make:
    def make(value: list[Any]) -> Value:
        if not value or None in value:
            raise ValueError("DuckDB concludes from the values what it is a list of")
        return Value(value, _list_of(kind))

    return make


@lru_cache
def _list_of(kind: DuckDBPyType) -> DuckDBPyType:
    return duckdb.list_type(kind)


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
    pa.list_(pa.int64()): _list(sqltypes.BIGINT),
    pa.list_(pa.string()): _list(sqltypes.VARCHAR),
}
"""What is bound for the Python object of a value, by type."""


def _through_engine(table: pa.Table) -> list[list[Any]]:
    """The columns, each value as DuckDB writes it and reads it back."""
    intake = importable(table.schema)
    batches = [intake.taken(batch) for batch in table.to_batches()]
    with sandbox() as duck:
        duck.register("taken", pa.Table.from_batches(batches, intake.schema))
        return _columns(duck, f"SELECT {intake.selection} FROM taken")  # noqa: S608 - quoted


def _columns(duck: duckdb.DuckDBPyConnection, query: str) -> list[list[Any]]:
    """The columns of what a query answers with."""
    description: Any = duck.execute(f"FROM ({query}) LIMIT 0").description
    duck.fetchall()
    kinds = [_bound_as(duck, kind) for _, kind, *_ in description]
    items = [item for number, kind in enumerate(kinds, 1) for item in _texts(number, kind)]
    rows = duck.execute(f"SELECT {', '.join(items)} FROM ({query})").fetchall()  # noqa: S608
    return [
        _union(duck, query, number, kind, [row[2 * number] for row in rows])
        if kind.id == "union"
        else [
            _bound(duck, query, (number, row), kind, texts[2 * number : 2 * number + 2])
            for row, texts in enumerate(rows)
        ]
        for number, kind in enumerate(kinds)
    ]


def _bound_as(duck: duckdb.DuckDBPyConnection, kind: DuckDBPyType) -> DuckDBPyType:
    inside = ids(kind)
    if kind.id != "union" and "union" in inside:
        raise _unbindable(kind)
    # Of a text a VARIANT is made that is this text.
    return duck.sqltype(presented(kind)) if "variant" in inside else kind


def _texts(number: int, kind: DuckDBPyType) -> tuple[str, str]:
    """What to select for a column: its text, and whether DuckDB reads it back as it was.

    Of a union the member's name, and nothing.
    """
    if kind.id == "union":
        return f"CAST(union_tag(#{number}) AS VARCHAR)", "NULL"
    value = f"CAST(#{number} AS {kind})"
    text = f"CAST({value} AS VARCHAR)"
    return text, f"{value} IS NOT DISTINCT FROM TRY_CAST({text} AS {kind})"


def _bound(
    duck: duckdb.DuckDBPyConnection,
    query: str,
    place: tuple[int, int],
    kind: DuckDBPyType,
    texts: tuple[str | None, bool],
) -> Value | None:
    text, same = texts
    if text is None:
        return None
    return Value(text, kind) if same else _nested(duck, query, place, kind)


def _union(
    duck: duckdb.DuckDBPyConnection,
    query: str,
    number: int,
    kind: DuckDBPyType,
    tags: Sequence[str | None],
) -> list[Any]:
    """The values of the members, of the members' types: they are no UNION of their own."""
    names = [name for name, _ in kind.children[1:]]
    members = ", ".join(f"union_extract(#{number + 1}, {_literal(name)})" for name in names)
    columns = _columns(duck, f"SELECT {members} FROM ({query})")  # noqa: S608 - quoted
    return [None if tag is None else columns[names.index(tag)][row] for row, tag in enumerate(tags)]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _nested(
    duck: duckdb.DuckDBPyConnection, query: str, place: tuple[int, int], kind: DuckDBPyType
) -> Value:
    """A value as nested texts: DuckDB 1.5 loses its way among brackets within a text."""
    number, row = place
    value = f"(SELECT CAST(#{number + 1} AS {kind}) FROM ({query}) LIMIT 1 OFFSET {row})"  # noqa: S608
    tree = f"SELECT CAST({value} AS {rewritten(kind, leaves_as_text)})"
    bound = Value(duck.execute(tree).fetchall()[0][0], kind)
    question = f"SELECT {value} IS NOT DISTINCT FROM ?"  # noqa: S608 - quoted
    if duck.execute(question, [bound]).fetchall() != [(True,)]:
        raise _unbindable(kind)
    return bound


def _unbindable(kind: DuckDBPyType) -> InvalidArgument:
    return InvalidArgument(
        f"DuckDB cannot bind this value of type {kind} without changing it, nothing was run: "
        "load it into a table and use it from there"
    )
