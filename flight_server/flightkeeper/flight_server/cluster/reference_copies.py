"""A reference table in the engine, and back: rows, what may be null, primary key, comment.

What users see is a view, which the engine itself protects from every change; the rows are in a
hidden schema. For a change the view becomes a table for as long as one transaction lasts that is
always rolled back.
"""

from collections.abc import Sequence

import pyarrow as pa

from flightkeeper.discovery.reference_table import Content
from flightkeeper.flight_server.cluster.home import Home
from flightkeeper.flight_server.engine import ingest
from flightkeeper.flight_server.engine.catalog import HIDDEN, quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.intake import importable
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument

_WHERE = """
    lower(database_name) = lower($catalog) AND lower(schema_name) = $schema
    AND lower(table_name) = $table"""
_COLUMNS = f"""
    SELECT column_name, is_nullable, column_default FROM duckdb_columns()
    WHERE {_WHERE} ORDER BY column_index"""  # noqa: S608 - ours
_CONSTRAINTS = f"""
    SELECT constraint_type, constraint_column_names FROM duckdb_constraints()
    WHERE {_WHERE} AND constraint_type <> 'NOT NULL'"""  # noqa: S608 - ours
_COMMENT = f"SELECT comment FROM duckdb_tables() WHERE {_WHERE}"  # noqa: S608 - ours
_SCHEMA = """
    SELECT 1 FROM duckdb_schemas() WHERE lower(database_name) = lower($catalog)
    AND lower(schema_name) = $schema"""
_VIEW = """
    SELECT sql FROM duckdb_views() WHERE lower(database_name) = lower($catalog)
    AND lower(schema_name) = $schema AND lower(view_name) = $view"""
_PRIMARY_KEY = "PRIMARY KEY"


def put(connection: Connection, home: Home, name: str, content: Content) -> None:
    """Let the engine have a table like this, in one transaction.

    Raises:
        NodeError: it cannot; what was there is there.
    """
    with connection.alone():
        connection.begin()
        try:
            hidden, shown = home.hidden(name), home.table(name)
            check_place(connection, home, name)
            _fill(connection, hidden, content)
            connection.command(f"CREATE SCHEMA IF NOT EXISTS {home.schema(name)}")
            connection.command(f"CREATE OR REPLACE VIEW {shown} AS FROM {hidden}")
            if content.comment:
                connection.command(f"COMMENT ON VIEW {shown} IS {_text(content.comment)}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def remove(connection: Connection, home: Home, name: str) -> None:
    """Let the engine have no such table any more, in one transaction."""
    with connection.alone():
        connection.begin()
        try:
            if not _is_foreign(connection, home, name):
                connection.command(f"DROP VIEW IF EXISTS {home.table(name)}")
            connection.command(f"DROP TABLE IF EXISTS {home.hidden(name)}")
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def check_place(connection: Connection, home: Home, name: str) -> None:
    """Leave views alone that are the node's own.

    Raises:
        InvalidArgument: there is one under the table's name.
    """
    if _is_foreign(connection, home, name):
        raise InvalidArgument(
            f"there is a view {name} already, which is no reference table; nothing was done: drop "
            "it first"
        )


def _is_foreign(connection: Connection, home: Home, name: str) -> bool:
    schema, _, table = name.partition(".")
    where = {"catalog": home.catalog, "schema": schema, "view": table}
    ours = f"{HIDDEN}.{quoted(name)}"
    return any(ours not in str(sql) for (sql,) in connection.rows(_VIEW, where))


def make_writable(connection: Connection, home: Home, name: str, content: Content) -> None:
    """Let a table with these rows stand in for the view, within a transaction."""
    clear(connection, home, name)
    _fill(connection, home.table(name), content)


def clear(connection: Connection, home: Home, name: str) -> None:
    """Let there be nothing in the place of the view, within a transaction."""
    connection.command(f"CREATE SCHEMA IF NOT EXISTS {home.schema(name)}")
    connection.command(f"DROP VIEW IF EXISTS {home.table(name)}")


def has_schema(connection: Connection, home: Home, name: str) -> bool:
    """Whether there is the schema of a table."""
    where = {"catalog": home.catalog, "schema": name.partition(".")[0]}
    return bool(connection.rows(_SCHEMA, where))


def content(connection: Connection, home: Home, name: str) -> Content:
    """What the table in the place of the view is now.

    Raises:
        InvalidArgument: it has what a reference table has not.
    """
    schema, _, table = name.partition(".")
    where = {"catalog": home.catalog, "schema": schema, "table": table}
    columns = connection.rows(_COLUMNS, where)
    keys = connection.rows(_CONSTRAINTS, where)
    unknown = {str(kind) for kind, _ in keys if kind != _PRIMARY_KEY}
    unknown |= {"DEFAULT" for _, _, default in columns if default not in {None, "NULL"}}
    if unknown:
        raise InvalidArgument(
            f"a reference table has NOT NULL and PRIMARY KEY, and no {', '.join(sorted(unknown))}; "
            "nothing was written"
        )
    ((comment,),) = connection.rows(_COMMENT, where)
    fixed = {str(column) for column, nullable, _ in columns if not nullable}
    rows = _rows(connection, home.table(name))
    fields = [field.with_nullable(field.name not in fixed) for field in rows.schema]
    rows = rows.cast(pa.schema(fields))
    return Content(rows, tuple(keys[0][1]) if keys else (), str(comment or ""))


def _fill(connection: Connection, table: str, content: Content) -> None:
    intake = importable(content.rows.schema)
    batches = [intake.taken(batch) for batch in content.rows.to_batches()]
    with ingest.offered(connection, _reader(intake.schema, ())):
        connection.command(f"CREATE OR REPLACE TABLE {table} AS {ingest.rows_of(intake)}")
    # Keys that are added to a table later do not hold in the transaction that made it.
    defined = _definitions(connection, table, content)
    connection.command(f"CREATE OR REPLACE TABLE {table} ({defined})")
    with ingest.offered(connection, _reader(intake.schema, batches)):
        connection.command(f"INSERT INTO {table} {ingest.rows_of(intake)}")
    if content.comment:
        connection.command(f"COMMENT ON TABLE {table} IS {_text(content.comment)}")


def _definitions(connection: Connection, table: str, content: Content) -> str:
    types = connection.rows(f"SELECT column_name, column_type FROM (DESCRIBE {table})")  # noqa: S608 - ours
    fixed = {field.name for field in content.rows.schema if not field.nullable}
    items = [f"{quoted(n)} {kind}{' NOT NULL' * (n in fixed)}" for n, kind in types]
    if content.primary_key:
        items.append(f"PRIMARY KEY ({', '.join(map(quoted, content.primary_key))})")
    return ", ".join(items)


def _reader(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(schema, batches)


def _rows(connection: Connection, table: str) -> pa.Table:
    result = connection.run(parse(f"FROM {table}")[0])
    return pa.Table.from_batches(list(result), result.schema)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
