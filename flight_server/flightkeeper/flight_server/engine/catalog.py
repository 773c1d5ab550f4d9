"""What the database holds, asked from DuckDB's own catalog functions.

Owns the SQL of metadata. Answers in the schemas of Flight SQL, sorted as it demands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flightsql import schemas

TABLE_TYPES = ("LOCAL TEMPORARY", "TABLE", "VIEW")

_TYPE_SYNONYMS = {"BASE TABLE": "TABLE", "TEMPORARY": "LOCAL TEMPORARY"}
"""What DuckDB and older drivers call them."""

# In filter patterns a backslash takes the meaning from `_` and `%`; SqlInfo 513 tells clients.

_CATALOGS = """
    SELECT database_name AS catalog_name FROM duckdb_databases() WHERE NOT internal ORDER BY 1"""

_DB_SCHEMAS = r"""
    SELECT database_name AS catalog_name, schema_name AS db_schema_name
    FROM duckdb_schemas()
    WHERE database_name IN (SELECT database_name FROM duckdb_databases() WHERE NOT internal)
      AND coalesce(database_name = $catalog, true)
      AND coalesce(schema_name LIKE $schema_pattern ESCAPE '\', true)
    ORDER BY 1, 2"""

_TABLES = r"""
    WITH relations AS (
      SELECT database_name, schema_name, table_name,
             CASE WHEN temporary THEN 'LOCAL TEMPORARY' ELSE 'TABLE' END AS table_type
      FROM duckdb_tables() WHERE NOT internal
      UNION ALL
      SELECT database_name, schema_name, view_name, 'VIEW' FROM duckdb_views() WHERE NOT internal
    )
    SELECT database_name AS catalog_name, schema_name AS db_schema_name, table_name, table_type
    FROM relations
    WHERE coalesce(database_name = $catalog, true)
      AND coalesce(schema_name LIKE $schema_pattern ESCAPE '\', true)
      AND coalesce(table_name LIKE $table_pattern ESCAPE '\', true)
      AND ($types = [] OR list_contains($types, table_type))
    ORDER BY 1, 2, 3, 4"""

_COLUMN_TYPES = """
    SELECT column_name, data_type FROM duckdb_columns()
    WHERE database_name = $catalog AND schema_name = $schema AND table_name = $table"""


_CURRENT = "SELECT current_catalog() AS catalog, current_schema() AS schema"


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where names without a qualifier are looked up."""

    catalog: str
    schema: str


@dataclass(frozen=True, slots=True)
class TableFilter:
    """Which tables are asked for; None = any. Patterns know `%` and `_`."""

    catalog: str | None = None
    schema_pattern: str | None = None
    table_pattern: str | None = None
    types: Sequence[str] = ()


def namespace(connection: Connection) -> Namespace:
    """Where the connection looks names up."""
    return Namespace(**connection.table(_CURRENT).to_pylist()[0])


def use(connection: Connection, catalog: str, schema: str | None = None) -> None:
    """Look names up there from now on; without a schema, in the catalog's default one.

    Raises:
        InvalidArgument: there is no such place; nothing has changed.
    """
    parts = [catalog] if schema is None else [catalog, schema]
    connection.command("USE " + ".".join(quoted(part) for part in parts))


def catalogs(connection: Connection) -> pa.Table:
    """The attached databases. Schema: `schemas.CATALOGS`."""
    return _as(connection.table(_CATALOGS), schemas.CATALOGS)


def db_schemas(connection: Connection, catalog: str | None, pattern: str | None) -> pa.Table:
    """The schemas of the attached databases. Schema: `schemas.DB_SCHEMAS`."""
    found = connection.table(_DB_SCHEMAS, {"catalog": catalog, "schema_pattern": pattern})
    return _as(found, schemas.DB_SCHEMAS)


def table_types() -> pa.Table:
    """The kinds of table there can be. Schema: `schemas.TABLE_TYPES`."""
    return pa.table([list(TABLE_TYPES)], schema=schemas.TABLE_TYPES)


def tables(connection: Connection, wanted: TableFilter, *, include_schema: bool) -> pa.Table:
    """The tables and views that pass the filter.

    Returns: `schemas.TABLES`, or `schemas.TABLES_WITH_SCHEMA` with each table's Arrow schema as
        an encapsulated IPC message.
    """
    found = connection.table(
        _TABLES,
        {
            "catalog": wanted.catalog,
            "schema_pattern": wanted.schema_pattern,
            "table_pattern": wanted.table_pattern,
            "types": [_TYPE_SYNONYMS.get(kind.upper(), kind.upper()) for kind in wanted.types],
        },
    )
    listed = _as(found, schemas.TABLES)
    if not include_schema:
        return listed
    encoded = [
        _table_schema(connection, row["catalog_name"], row["db_schema_name"], row["table_name"])
        for row in listed.to_pylist()
    ]
    column = pa.array([schema.serialize().to_pybytes() for schema in encoded], pa.binary())
    return pa.Table.from_arrays([*listed.columns, column], schema=schemas.TABLES_WITH_SCHEMA)


def _table_schema(connection: Connection, catalog: str, schema: str, table: str) -> pa.Schema:
    """The Arrow schema a scan of the table has, with Flight SQL's column metadata."""
    name = ".".join(quoted(part) for part in (catalog, schema, table))
    try:
        arrow = connection.table(f"SELECT * FROM {name} LIMIT 0").schema  # noqa: S608 - quoted
    except NodeError:
        # A view whose tables are gone, or a table that went meanwhile: the others still count.
        return pa.schema([])
    where = {"catalog": catalog, "schema": schema, "table": table}
    types = {
        row["column_name"]: row["data_type"]
        for row in connection.table(_COLUMN_TYPES, where).to_pylist()
    }
    return pa.schema(
        [
            field.with_metadata(
                {
                    "ARROW:FLIGHT:SQL:CATALOG_NAME": catalog,
                    "ARROW:FLIGHT:SQL:SCHEMA_NAME": schema,
                    "ARROW:FLIGHT:SQL:DB_SCHEMA_NAME": schema,
                    "ARROW:FLIGHT:SQL:TABLE_NAME": table,
                    "ARROW:FLIGHT:SQL:TYPE_NAME": types.get(field.name, ""),
                }
            )
            for field in arrow
        ]
    )


def quoted(identifier: str) -> str:
    """An SQL identifier that means exactly this name."""
    return '"' + identifier.replace('"', '""') + '"'


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows under a schema that also says what is never null."""
    return table.select(schema.names).cast(schema)
