"""How DuckDB is asked for the answer of a statement: as a stream of batches that Arrow can hold.

Owns what differs between DuckDB 1.5 and 2.0 there. Knows nothing of locks and interrupts: it is
called by who holds the connection.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.batches import rows_per_batch
from flightkeeper.flight_server.engine.conversions import Refused, whole_microseconds
from flightkeeper.flight_server.engine.failures import ENGINE_ERRORS
from flightkeeper.flight_server.engine.positions import above
from flightkeeper.flight_server.engine.statement import without_end
from flightkeeper.flight_server.engine.types import Columns
from flightkeeper.flight_server.engine.values import exact

_T = TypeVar("_T")
_Parameters = Sequence[Any] | Mapping[str, Any]
_Source = duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation

_STREAMS_FROM_RELATIONS = int(duckdb.__version__.split(".")[0]) >= 2  # noqa: PLR2004
"""Since 2.0 only a relation streams; before, a relation binds twice and a cursor streams."""
BINDING_ABORTS = _STREAMS_FROM_RELATIONS
"""Since 2.0 a change that does not bind aborts its transaction."""
_UNBOUND = (duckdb.BinderException, duckdb.CatalogException)
_S = duckdb.StatementType
_RELATIONS = {_S.SELECT, _S.INSERT, _S.UPDATE, _S.DELETE, _S.MERGE_INTO}
"""What DuckDB 1.5 makes relations of without losing an answer."""
_TOLD_APART = re.compile(r"_\d+$")
"""How a column's name ends if DuckDB has told it apart from an equal one, as in a FROM."""
_TOO_LONG = (
    "Out of Range Error: an interval has more than 292 years below its days, which Arrow cannot "
    "hold: cast it to VARCHAR"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that begins.

    Attributes:
        schema: of the batches, with the names of DuckDB's types.
        reader: has `read_next_batch` and `close`.
        rows: how many rows a full batch of the reader has.
    """

    schema: pa.Schema
    reader: Any
    rows: int


def answered(
    cursor: duckdb.DuckDBPyConnection,
    statement: duckdb.Statement,
    parameters: _Parameters,
    batch_bytes: int,
    *,
    pure: bool,
    again: bool,
) -> Answer:
    """Begin a statement.

    Args:
        pure: a query that changes nothing.
        again: it may be begun once more if it does not bind.

    Raises:
        duckdb.Error: a pure one has not ended the transaction if it does not even bind.
    """
    return exactly(
        lambda bound: _begun(cursor, statement, bound, batch_bytes, pure=pure),
        parameters,
        again=again,
    )


def exactly(run: Callable[[Any], _T], parameters: _Parameters, *, again: bool) -> _T:
    """Run with every number as the BIGINT that it is, or else as DuckDB takes it.

    Args:
        run: gets what to bind.
        again: it may be run twice. If not, DuckDB takes the numbers: as INTEGER when they are
            small, of which two overflow when they are multiplied.
    """
    if not parameters or not again:
        return run(parameters or None)
    try:
        return run(exact(parameters))
    except duckdb.BinderException:
        # Some place takes an INTEGER and no BIGINT, or it is wrong with both.
        return run(parameters)


def described(
    cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement, parameters: _Parameters
) -> pa.Schema:
    """The schema that a pure statement's answer would have; it is bound, and not run.

    Raises:
        duckdb.Error: it does not bind; the transaction goes on.
    """
    return exactly(lambda bound: _described(cursor, statement, bound), parameters, again=True)


def changed_rows(rows: list[tuple[Any, ...]]) -> int:
    """DuckDB answers one number, or nothing when there is nothing to count."""
    return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0


def _described(
    cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement, bound: Any
) -> pa.Schema:
    query = without_end(statement.query)
    # Of a query with parameters DuckDB 1.5 makes a relation by running it.
    nothing = bound is not None and statement.type == _S.SELECT
    try:
        with _within() if nothing else nullcontext():
            relation = cursor.sql(_none_of("*", query) if nothing else query, params=bound)
    except _UNBOUND as exc:
        _place(exc, cursor, query, bound)
        raise
    columns = _columns(relation)
    selection = columns.selection()
    if selection is not None:
        relation = cursor.sql(_none_of(selection, query), params=bound)
    schema = columns.named(relation.limit(0).to_arrow_table().schema)
    if not nothing or not any(map(_TOLD_APART.search, schema.names)):
        return schema
    names = [row[0] for row in cursor.execute(f"DESCRIBE ({query}\n)", bound).fetchall()]
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def _none_of(selection: str, query: str) -> str:
    return f"{_of(selection, query)} LIMIT 0"


def _of(selection: str, query: str) -> str:
    return f"SELECT {selection} FROM (\n{query}\n)"  # noqa: S608 - DuckDB parsed it as one query


def _begun(
    cursor: duckdb.DuckDBPyConnection,
    statement: duckdb.Statement,
    bound: Any,
    batch_bytes: int,
    *,
    pure: bool,
) -> Answer:
    relational = _STREAMS_FROM_RELATIONS or (not pure and _is_relation(statement))
    try:
        source = _asked(cursor, statement, bound, relational=relational)
    except _UNBOUND as exc:
        _place(exc, cursor, statement.query, bound)
        raise
    columns = _columns(source)
    selection = columns.selection()
    if selection is None:
        return _answer(source, columns, batch_bytes)
    if pure:
        with _within():
            query = _of(selection, without_end(statement.query))
            source = _asked(cursor, query, bound, relational=relational)
            answer = _answer(source, columns, batch_bytes)
        return replace(answer, reader=_Within(answer.reader))
    if isinstance(source, duckdb.DuckDBPyRelation):
        source = source.project(selection)
    return _answer(source, columns, batch_bytes)


def _asked(
    cursor: duckdb.DuckDBPyConnection,
    query: duckdb.Statement | str,
    bound: Any,
    *,
    relational: bool,
) -> _Source:
    return cursor.sql(query, params=bound) if relational else cursor.execute(query, bound)


def _place(exc: duckdb.Error, cursor: duckdb.DuckDBPyConnection, query: str, bound: Any) -> None:
    """Let an error of binding say where it is, which DuckDB tells of what it executes only."""
    if "\nLINE " not in str(exc):
        exc.args = (_place_of(str(exc), cursor, query, bound),)


def _place_of(error: str, cursor: duckdb.DuckDBPyConnection, query: str, bound: Any) -> str:
    """An error of a query that does not bind, with its place if DuckDB tells the same of it again.

    On a cursor of its own, because what fails when it is executed aborts the transaction.
    """
    with suppress(duckdb.Error), cursor.cursor() as beside:
        try:
            beside.execute(f"EXPLAIN\n{query}", bound)
        except duckdb.Error as exc:
            told = above(str(exc))
            return told if told.startswith(error) else error
    return error


def _columns(source: _Source) -> Columns:
    description: Sequence[tuple[Any, ...]] = source.description or ()
    return Columns([column[0] for column in description], [column[1] for column in description])


def _is_relation(statement: duckdb.Statement) -> bool:
    try:
        return statement.type in _RELATIONS
    except ValueError:
        return False  # DuckDB's Python module has no name for all of its types


def _answer(source: _Source, columns: Columns, batch_bytes: int) -> Answer:
    rows = rows_per_batch(columns.types, batch_bytes)
    reader = source.to_arrow_reader(rows)
    intervals = [place for place, kind in enumerate(columns.types) if kind == "INTERVAL"]
    checked = _Intervals(reader, intervals) if intervals else reader
    return Answer(columns.named(reader.schema), checked, rows)


@contextmanager
def _within() -> Iterator[None]:
    """A statement runs within another one, which begins a line further up: errors tell its own."""
    try:
        yield
    except ENGINE_ERRORS as exc:
        exc.args = (above(str(exc)),)
        raise


class _Within:
    """A reader whose errors point into the statement that runs within another one."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def read_next_batch(self) -> pa.RecordBatch:
        with _within():
            batch: pa.RecordBatch = self._reader.read_next_batch()
        return batch

    def close(self) -> None:
        self._reader.close()


class _Intervals:
    """A reader that notices intervals too long for Arrow.

    DuckDB multiplies their microseconds by 1000 and lets them overflow, which leaves nanoseconds.
    """

    def __init__(self, reader: pa.RecordBatchReader, places: Sequence[int]) -> None:
        self._reader = reader
        self._places = places

    def read_next_batch(self) -> pa.RecordBatch:
        batch = self._reader.read_next_batch()
        for place in self._places:
            try:
                whole_microseconds(batch.column(place))
            except Refused as exc:
                raise pa.ArrowInvalid(_TOO_LONG) from exc
        return batch

    def close(self) -> None:
        self._reader.close()
