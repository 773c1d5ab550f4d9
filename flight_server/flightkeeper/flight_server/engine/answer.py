"""How DuckDB is asked for the answer of a statement: as a stream of batches that Arrow can hold.

Owns what differs between DuckDB 1.5 and 2.0 there. Knows nothing of locks and interrupts: it is
called by who holds the connection.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.batches import rows_per_batch
from flightkeeper.flight_server.engine.conversions import Refused, whole_microseconds
from flightkeeper.flight_server.engine.types import Columns
from flightkeeper.flight_server.engine.values import exact

_Parameters = Sequence[Any] | Mapping[str, Any]

_STREAMS_FROM_RELATIONS = int(duckdb.__version__.split(".")[0]) >= 2  # noqa: PLR2004
"""Since 2.0 only a relation streams; before, a relation binds twice and a cursor streams."""
_S = duckdb.StatementType
_RELATIONS = {_S.SELECT, _S.INSERT, _S.UPDATE, _S.DELETE, _S.MERGE_INTO}
"""What DuckDB 1.5 makes relations of without losing an answer."""
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
) -> Answer:
    """Begin a statement.

    Args:
        pure: a query that changes nothing, so that it may be begun again.

    Raises:
        duckdb.Error: a pure one has not ended the transaction if it does not even bind.
    """
    if not pure or not parameters:
        return _begun(cursor, statement, parameters, batch_bytes, pure=pure)
    try:
        return _begun(cursor, statement, exact(parameters), batch_bytes, pure=pure)
    except duckdb.BinderException:
        # Some place takes an INTEGER and no BIGINT, or it is wrong with both.
        return _begun(cursor, statement, parameters, batch_bytes, pure=pure)


def described(
    cursor: duckdb.DuckDBPyConnection, statement: duckdb.Statement, parameters: _Parameters
) -> pa.Schema:
    """The schema that a pure statement's answer would have.

    Raises:
        duckdb.Error: it does not bind; the transaction goes on.
    """
    try:
        relation = cursor.sql(statement, params=exact(parameters) or None)
    except duckdb.BinderException:
        relation = cursor.sql(statement, params=parameters or None)
    columns = Columns(relation.columns, relation.types)
    return columns.named(_selected(relation, columns).limit(0).to_arrow_table().schema)


def _begun(
    cursor: duckdb.DuckDBPyConnection,
    statement: duckdb.Statement,
    parameters: _Parameters,
    batch_bytes: int,
    *,
    pure: bool,
) -> Answer:
    bound: Any = parameters or None
    if not _STREAMS_FROM_RELATIONS and (pure or not _is_relation(statement)):
        executed = cursor.execute(statement, bound)
        columns = _executed_columns(executed)
        if not pure or columns.selection() is None:
            return _answer(executed, columns, batch_bytes)
    relation = cursor.sql(statement, params=bound)
    columns = Columns(relation.columns, relation.types)
    return _answer(_selected(relation, columns), columns, batch_bytes)


def _is_relation(statement: duckdb.Statement) -> bool:
    try:
        return statement.type in _RELATIONS
    except ValueError:
        return False  # DuckDB's Python module has no name for all of its types


def _executed_columns(executed: duckdb.DuckDBPyConnection) -> Columns:
    description: Sequence[tuple[Any, ...]] = executed.description or ()
    return Columns([column[0] for column in description], [column[1] for column in description])


def _selected(relation: duckdb.DuckDBPyRelation, columns: Columns) -> duckdb.DuckDBPyRelation:
    selection = columns.selection()
    return relation if selection is None else relation.project(selection)


def _answer(
    source: duckdb.DuckDBPyConnection | duckdb.DuckDBPyRelation, columns: Columns, batch_bytes: int
) -> Answer:
    rows = rows_per_batch(columns.types, batch_bytes)
    reader = source.to_arrow_reader(rows)
    intervals = [place for place, kind in enumerate(columns.types) if kind == "INTERVAL"]
    checked = _Intervals(reader, intervals) if intervals else reader
    return Answer(columns.named(reader.schema), checked, rows)


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
