"""Uploaded rows into a table: which table is meant, and the one statement that applies them.

One statement, because DuckDB applies it as a whole or not at all, also within a transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.intake import Intake
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import InvalidArgument, NodeError, NotFound

TEMPORARY = "temp"
"""The catalog of temporary tables."""
_UPLOAD = "flightkeeper upload"
_SHOWN_MAX = 500

_PLACE = """
    WITH wanted AS (
      SELECT coalesce($catalog, current_catalog()) AS catalog,
             CASE WHEN $schema IS NOT NULL THEN $schema
                  WHEN lower($catalog) <> lower(current_catalog()) THEN 'main'
                  ELSE current_schema() END AS schema
    )
    SELECT wanted.catalog, wanted.schema, d.database_name IS NOT NULL, s.schema_name IS NOT NULL,
           d.readonly
    FROM wanted
    LEFT JOIN duckdb_databases() d ON lower(d.database_name) = lower(wanted.catalog)
    LEFT JOIN duckdb_schemas() s
      ON s.database_name = d.database_name AND lower(s.schema_name) = lower(wanted.schema)"""

_COLUMNS = """
    SELECT column_name FROM duckdb_columns()
    WHERE lower(database_name) = lower($catalog) AND lower(schema_name) = lower($schema)
      AND lower(table_name) = lower($table)"""


class IfExists(Enum):
    """What becomes of a table that is there."""

    FAIL = auto()
    APPEND = auto()
    REPLACE = auto()


@dataclass(frozen=True, slots=True)
class Target:
    """Where an upload is to go.

    Attributes:
        schema: None = the one where names are looked up.
        catalog: None = the one where names are looked up.
        create: make the table if it is not there.
    """

    table: str
    schema: str | None
    catalog: str | None
    create: bool
    if_exists: IfExists

    @property
    def temporary(self) -> bool:
        """Whether the table is the session's own."""
        return self.catalog is not None and self.catalog.lower() == TEMPORARY


def located(connection: Connection, target: Target) -> Target:
    """The target with its catalog and schema.

    Raises:
        NotFound: there is no such place; none is made.
        InvalidArgument: the catalog is read-only.
    """
    asked = {"catalog": target.catalog, "schema": target.schema}
    ((catalog, schema, has_catalog, has_schema, read_only),) = connection.rows(_PLACE, asked)
    if not has_catalog:
        raise NotFound(f"there is no catalog {quoted(catalog)} here; nothing was applied")
    if not has_schema:
        raise NotFound(
            f"there is no schema {quoted(schema)} in catalog {quoted(catalog)}; nothing was "
            "applied: create it first, or name another one"
        )
    if read_only:
        raise InvalidArgument(f"catalog {quoted(catalog)} is read-only; nothing was applied")
    return replace(target, catalog=catalog, schema=schema)


def plan(connection: Connection, target: Target, intake: Intake) -> Statement:
    """The statement that applies an upload of this kind, as things are now.

    Columns are matched by name; a column that the upload has not gets its default.

    Args:
        target: as `located` has it.

    Raises:
        NotFound: there is no such table.
        InvalidArgument: the table is there, or lacks a column.
    """
    where = {"catalog": target.catalog, "schema": target.schema, "table": target.table}
    there = [str(name) for (name,) in connection.rows(_COLUMNS, where)]
    name = _name(target)
    if not there and not target.create:
        raise NotFound(f"table {name} does not exist; nothing was applied")
    if there and target.if_exists is IfExists.FAIL:
        raise InvalidArgument(f"table {name} already exists; nothing was applied")
    if there and target.if_exists is IfExists.APPEND:
        _check_columns(name, there, intake.schema.names)
        return parse(f"INSERT INTO {name} BY NAME {rows_of(intake)}")[0]
    create = "CREATE OR REPLACE" if there else "CREATE"
    # DuckDB wants both the word and the place.
    temporary = "TEMPORARY " if target.temporary else ""
    return parse(f"{create} {temporary}TABLE {name} AS {rows_of(intake)}")[0]


def named(target: Target, planned: Statement | None, schema: pa.Schema, rows: int) -> Statement:
    """An upload as a statement, with the same source whatever it finds when it is applied.

    Its source tells it from other uploads by its columns and the number of its rows. Not by what is
    in them, because the same rows may come in other batches when they are sent again.

    Args:
        target: as `located` has it.
        planned: what applies it; None = it may have been applied before, and could not be now.
    """
    name = _name(target)
    found = planned or parse(f"INSERT INTO {name} DEFAULT VALUES")[0]
    columns = ", ".join(f"{quoted(field.name)} {field.type}" for field in schema)
    source = f"INGEST INTO {name} ({columns}), {rows} rows"
    return replace(found, stateful=target.temporary, source=source)


def _name(target: Target) -> str:
    parts = (target.catalog, target.schema, target.table)
    return ".".join(quoted(part) for part in parts if part is not None)


def rows_of(intake: Intake) -> str:
    """The query for the uploaded rows, within `offered`."""
    return f"SELECT {intake.selection} FROM {quoted(_UPLOAD)}"  # noqa: S608 - quoted


@contextmanager
def offered(connection: Connection, upload: pa.RecordBatchReader) -> Iterator[None]:
    """Let one statement of this thread read an upload; those of others wait.

    Errors come without the lines about that statement, which the caller did not write.
    """
    reader: Any = upload
    with connection.alone():
        connection.register(_UPLOAD, reader.__arrow_c_stream__())
        try:
            yield
        except NodeError as exc:
            raise exc.reworded(str(exc).partition("\n")[0]) from exc
        finally:
            connection.unregister(_UPLOAD)


def _check_columns(name: str, there: Sequence[str], columns: Sequence[str]) -> None:
    known = {column.lower() for column in there}
    if unknown := [column for column in columns if column.lower() not in known]:
        raise InvalidArgument(
            f"table {name} has no column {_listed(unknown)}; it has {_listed(there)}; "
            "nothing was applied"
        )


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(map(quoted, names))
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
