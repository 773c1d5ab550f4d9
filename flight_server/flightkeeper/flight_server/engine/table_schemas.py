"""The Arrow schemas of tables, of many tables at once.

Theory. Asking DuckDB for one table after the other takes milliseconds that grow with the catalog,
and drivers ask for all tables at once. So one question answers for the columns of all tables, and
DuckDB is asked once for each of their types: a cast to a type answers as a column of it does.
Views are asked one by one all the same: what the catalog keeps of their columns is how they were
when somebody last used them.

Owns Flight SQL's metadata of columns. Spec: FlightSql.proto, `CommandGetTables`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa

from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.catalog import Relation, TableFilter, quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.type_info import METADATA
from flightkeeper.flight_server.errors import (
    EngineFailed,
    InvalidArgument,
    PermissionDenied,
    Unimplemented,
)
from flightkeeper.flight_server.system import tables as system
from flightkeeper.flightsql import schemas

_YES_NO = {True: b"1", False: b"0"}

_COLUMNS = r"""
    WITH generating AS (
      SELECT database_oid, table_oid, sql FROM duckdb_tables()
      WHERE contains(sql, ' GENERATED ALWAYS AS(')
    )
    SELECT database_name, schema_name, table_name,
           column_name, data_type, is_nullable, column_default, comment, sql
    FROM duckdb_columns() LEFT JOIN generating USING (database_oid, table_oid)
    WHERE coalesce(database_name = $catalog, true)
      AND coalesce(schema_name LIKE $schema_pattern ESCAPE '\', true)
      AND coalesce(table_name LIKE $table_pattern ESCAPE '\', true)
    ORDER BY 1, 2, 3, column_index"""

_TYPES_AT_ONCE = 256

_Type = tuple[pa.DataType, Mapping[bytes, bytes]]
_STORED = ("TABLE", "LOCAL TEMPORARY")
"""The kinds of table that are no views."""
_UNANSWERED = (InvalidArgument, Unimplemented, EngineFailed, PermissionDenied)
"""What is wrong with one question; being cancelled ends them all."""


class _Column(NamedTuple):
    """A column as the catalog keeps it.

    Attributes:
        kind: its type as DuckDB writes it.
        default: an expression; of a generated column, what it is generated from.
        table_sql: what creates the table, if there are generated columns in it.
    """

    name: str
    kind: str
    nullable: bool
    default: str | None
    comment: str | None
    table_sql: str | None

    @property
    def generated(self) -> bool:
        """Whether its values follow from those of others. Before 2.0 only the SQL tells."""
        if self.table_sql is None or self.default is None:
            return False
        name = f"(?:{re.escape(self.name)}|{re.escape(quoted(self.name))})"
        declared = rf"(?:\(|, ){name} {re.escape(self.kind)}(?: COLLATE \S+)? GENERATED ALWAYS AS\("
        return re.search(declared, self.table_sql) is not None


class _Output(NamedTuple):
    """A column as a result has it."""

    name: str
    type: pa.DataType
    metadata: Mapping[bytes, bytes]


_SYSTEM: Mapping[tuple[str, str, str], Sequence[_Column]] = {
    (system.SCHEMA, system.SCHEMA, name): [
        _Column(column.name, column.kind, True, None, column.about, None)  # noqa: FBT003 - nullable
        for column in table.columns
    ]
    for name, table in system.TABLES.items()
}
"""Tables that DuckDB does not know of."""


class TableSchemas:
    """The schemas of the tables that pass a filter. Used by one thread."""

    def __init__(self, connection: Connection, wanted: TableFilter) -> None:
        self._connection = connection
        self._columns = _columns(connection, wanted)
        kinds = {column.kind for columns in self._columns.values() for column in columns}
        self._types = dict(_types(connection, sorted(kinds)))

    def result(self, relation: Relation) -> pa.Schema | None:
        """What `SELECT *` answers with; None if nothing can be selected, as from a broken view."""
        selected = self._selected(relation)
        if selected is None:
            return None
        return pa.schema([pa.field(o.name, o.type, metadata=dict(o.metadata)) for o in selected])

    def documented(self, relation: Relation) -> pa.Schema:
        """The columns with what the catalog knows of them: NOT NULL, defaults, comments.

        A broken view has the columns it had. A table's comment is metadata of the schema.
        """
        outputs = self._selected(relation)
        if outputs is None:
            outputs = self._recorded(relation)
        columns = {column.name: column for column in self._of(relation)}
        place = _place(relation)
        fields = []
        for output in outputs:
            column = columns.get(output.name)
            metadata: Any = {**place, **_facts(output, column, relation)}
            nullable = column is None or column.nullable
            fields.append(pa.field(output.name, output.type, nullable, metadata))
        return pa.schema(fields, _remarks(relation.comment) or None)

    def _of(self, relation: Relation) -> Sequence[_Column]:
        return self._columns.get((relation.catalog, relation.schema, relation.name), ())

    def _selected(self, relation: Relation) -> Sequence[_Output] | None:
        if relation.kind in _STORED or relation.schema == system.SCHEMA:
            recorded = self._recorded(relation)
            if len(recorded) == len(self._of(relation)):
                return recorded
        try:
            schema = _described(self._connection, f"SELECT * FROM {relation.sql}")  # noqa: S608 - quoted
        except _UNANSWERED:
            # A view whose tables or files are gone, say: the others still count.
            return None
        return [_Output(field.name, field.type, field.metadata or {}) for field in schema]

    def _recorded(self, relation: Relation) -> Sequence[_Output]:
        """The columns the catalog has, but for those whose type cannot be named."""
        return [
            _Output(column.name, *self._types[column.kind])
            for column in self._of(relation)
            if column.kind in self._types
        ]


def tables(connection: Connection, wanted: TableFilter) -> pa.Table:
    """The tables and views that pass the filter, each with its schema as an IPC message.

    Returns: `schemas.TABLES_WITH_SCHEMA`.
    """
    found = catalog.relations(connection, wanted)
    known = TableSchemas(connection, wanted)
    columns = [
        [relation.catalog for relation in found],
        [relation.schema for relation in found],
        [relation.name for relation in found],
        [relation.kind for relation in found],
        [known.documented(relation).serialize().to_pybytes() for relation in found],
    ]
    return pa.table(columns, schema=schemas.TABLES_WITH_SCHEMA)


def _columns(
    connection: Connection, wanted: TableFilter
) -> Mapping[tuple[str, str, str], Sequence[_Column]]:
    """The columns in their order, by the full name of their table."""
    parameters = dict(wanted.parameters)
    del parameters["types"], parameters["path_pattern"], parameters["external"]
    found = connection.table(_COLUMNS, parameters)
    rows = zip(*(column.to_pylist() for column in found.columns), strict=True)
    table = itemgetter(slice(0, 3))
    known = {key: [_Column(*row[3:]) for row in group] for key, group in groupby(rows, table)}
    return {**_SYSTEM, **known} if "SYSTEM TABLE" in wanted.types else known


def _types(connection: Connection, kinds: Sequence[str]) -> Iterator[tuple[str, _Type]]:
    """What a column of each type is in a result; types that cannot be named are left out."""
    for begin in range(0, len(kinds), _TYPES_AT_ONCE):
        some = kinds[begin : begin + _TYPES_AT_ONCE]
        casts = ", ".join(f"CAST(NULL AS {kind})" for kind in some)
        try:
            schema = _described(connection, f"SELECT {casts}")
        except _UNANSWERED:
            for kind in some if len(some) > 1 else ():
                yield from _types(connection, [kind])
        else:
            for kind, field in zip(some, schema, strict=True):
                yield kind, (field.type, field.metadata or {})


def _described(connection: Connection, query: str) -> pa.Schema:
    # A pure read, whatever words stand in the names of its tables and types.
    return connection.describe(replace(parse(query)[0], read_only=True))


def _place(relation: Relation) -> Mapping[bytes, bytes]:
    return {
        METADATA + b"CATALOG_NAME": relation.catalog.encode(),
        # The specification and its implementations call it differently.
        METADATA + b"SCHEMA_NAME": relation.schema.encode(),
        METADATA + b"DB_SCHEMA_NAME": relation.schema.encode(),
        METADATA + b"TABLE_NAME": relation.name.encode(),
    }


def _facts(output: _Output, column: _Column | None, relation: Relation) -> Mapping[bytes, bytes]:
    """What there is to say of a column; None = the catalog does not know it yet."""
    said = dict(output.metadata)
    generated = column is not None and column.generated
    read_only = generated or relation.read_only or relation.kind not in _STORED
    default = None if column is None or generated else column.default
    said[METADATA + b"IS_READ_ONLY"] = _YES_NO[read_only]
    said[METADATA + b"IS_AUTO_INCREMENT"] = _YES_NO[default is not None and "nextval(" in default]
    if default is not None:
        said[METADATA + b"COLUMN_DEF"] = default.encode()
    return said if column is None else {**said, **_remarks(column.comment)}


def _remarks(comment: str | None) -> Any:
    return {} if comment is None else {METADATA + b"REMARKS": comment.encode()}
