"""What the database holds, by name, asked from DuckDB's own catalog functions.

Owns where names are looked up, and the SQL that finds catalogs, schemas and tables. Answers in the
schemas of Flight SQL, sorted as it demands.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.guard import OWN
from flightkeeper.flight_server.system.tables import SCHEMA, TABLES
from flightkeeper.flightsql import schemas

TABLE_TYPES = ("LOCAL TEMPORARY", "SYSTEM TABLE", "TABLE", "VIEW")

HIDDEN = "_reference"
"""The schema of the rows of reference tables, which are views elsewhere; not shown to clients."""

_TYPE_SYNONYMS = {
    "BASE TABLE": "TABLE",
    "TEMPORARY": "LOCAL TEMPORARY",
    "SYSTEM VIEW": "SYSTEM TABLE",
}
"""What DuckDB and other drivers call them."""

_PATH_MAX = 3

# In filter patterns a backslash takes the meaning from `_` and `%`; SqlInfo 513 tells clients.

_SHOWN_DATABASES = """
      SELECT database_name FROM duckdb_databases() WHERE NOT internal
      UNION
      -- The session's own, once there is something in it.
      SELECT database_name FROM duckdb_tables() WHERE temporary AND NOT internal
      UNION
      SELECT database_name FROM duckdb_views() WHERE temporary AND NOT internal"""

_TYPE_NAMES = """
    SELECT DISTINCT logical_type FROM duckdb_types() WHERE internal
    UNION
    -- Types that are another one inside, such as JSON; mere synonyms are in lower case.
    SELECT type_name FROM duckdb_types() WHERE internal AND type_name = upper(type_name)"""

_CATALOGS = f"""
    SELECT database_name AS catalog_name FROM ({_SHOWN_DATABASES}) ORDER BY 1"""  # noqa: S608 - ours

_DB_SCHEMAS = rf"""
    SELECT database_name AS catalog_name, schema_name AS db_schema_name
    FROM duckdb_schemas()
    WHERE database_name IN ({_SHOWN_DATABASES}) AND schema_name <> '{HIDDEN}'
      AND coalesce(database_name = $catalog, true)
      AND coalesce(schema_name LIKE $schema_pattern ESCAPE '\', true)
    ORDER BY 1, 2"""  # noqa: S608 - ours

_SYSTEM = ", ".join(
    f"('{SCHEMA}', '{SCHEMA}', '{name}', '{table.about}', 'SYSTEM TABLE')"
    for name, table in TABLES.items()
)
"""Tables that DuckDB does not know of."""

_RELATIONS = f"""
      SELECT database_name, schema_name, table_name, comment,
             CASE WHEN internal THEN 'SYSTEM TABLE' WHEN temporary THEN 'LOCAL TEMPORARY'
                  ELSE 'TABLE' END AS table_type
      FROM duckdb_tables() WHERE schema_name <> '{HIDDEN}'
      UNION ALL
      SELECT database_name, schema_name, view_name, comment,
             CASE WHEN internal THEN 'SYSTEM TABLE' ELSE 'VIEW' END
      FROM duckdb_views()
      UNION ALL
      SELECT * FROM (VALUES {_SYSTEM})"""  # noqa: S608 - ours

_EXTERNAL = """concat_ws(chr(31), database_name, schema_name, table_name)
              IN (SELECT unnest($external::VARCHAR[]))"""

# Views that are the cluster's tables are shown as tables.
_SHOWN_RELATIONS = f"""
      SELECT * REPLACE (CASE WHEN table_type = 'VIEW' AND {_EXTERNAL}
        THEN 'TABLE' ELSE table_type END AS table_type)
      FROM ({_RELATIONS})"""  # noqa: S608 - ours

# All types are asked for by naming none; but what every database has would hide what this one has.
_TABLES = rf"""
    SELECT database_name AS catalog_name, schema_name AS db_schema_name, table_name, table_type,
           comment,
           database_name IN (SELECT database_name FROM duckdb_databases() WHERE readonly)
             OR {_EXTERNAL} AS read_only
    FROM ({_SHOWN_RELATIONS})
    WHERE coalesce(database_name = $catalog, true)
      AND coalesce(schema_name LIKE $schema_pattern ESCAPE '\', true)
      AND coalesce(table_name LIKE $table_pattern ESCAPE '\', true)
      AND coalesce(schema_name || '.' || table_name LIKE $path_pattern ESCAPE '\', true)
      AND CASE WHEN $types = [] THEN table_type <> 'SYSTEM TABLE'
               ELSE list_contains($types, table_type) END
    ORDER BY 1, 2, 3, 4"""  # noqa: S608 - ours

# As SQL finds names: whatever their case, and the session's own before all others.
_FOUND = f"""
    SELECT database_name, schema_name, table_name
    FROM ({_RELATIONS})
    WHERE lower(table_name) = lower($table)
      AND CASE WHEN $schema IS NULL THEN list_contains(current_schemas(true), schema_name)
               ELSE lower(schema_name) = lower($schema) END
      AND CASE WHEN $catalog IS NOT NULL THEN lower(database_name) = lower($catalog)
               WHEN $schema IS NOT NULL THEN table_type = 'SYSTEM TABLE'
                                             OR database_name = current_catalog()
               ELSE database_name IN (current_catalog(), 'temp', 'system') END
    ORDER BY table_type = 'SYSTEM TABLE', database_name <> 'temp',
             list_position(current_schemas(false), schema_name) NULLS LAST
    LIMIT 1"""  # noqa: S608 - ours

_FIRST = """
    SELECT database_name FROM duckdb_databases() WHERE NOT internal
    ORDER BY type <> 'ducklake', database_oid LIMIT 1"""
_CURRENT = "SELECT current_catalog() AS catalog, current_schema() AS schema"


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where names without a qualifier are looked up."""

    catalog: str
    schema: str


@dataclass(frozen=True, slots=True)
class TableFilter:
    """Which tables are asked for; None = any. Patterns know `%` and `_`.

    Attributes:
        path_pattern: of "schema.table".
        types: none = all but those of the system.
        external: catalog, schema and name of views that count as tables.
    """

    catalog: str | None = None
    schema_pattern: str | None = None
    table_pattern: str | None = None
    path_pattern: str | None = None
    types: Sequence[str] = ()
    external: Collection[tuple[str, str, str]] = ()

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What DuckDB is given for them."""
        return {
            "catalog": self.catalog,
            "schema_pattern": self.schema_pattern,
            "table_pattern": self.table_pattern,
            "path_pattern": self.path_pattern,
            "types": [_TYPE_SYNONYMS.get(kind.upper(), kind.upper()) for kind in self.types],
            "external": ["\x1f".join(name) for name in self.external],
        }


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view.

    Attributes:
        kind: one of `TABLE_TYPES`.
        read_only: it belongs to a database that is attached for reading only, or to the cluster.
    """

    catalog: str
    schema: str
    name: str
    kind: str
    comment: str | None
    read_only: bool

    @property
    def sql(self) -> str:
        """Its name, as it can stand in a statement."""
        return dotted((self.catalog, self.schema, self.name))


def namespace(connection: Connection) -> Namespace:
    """Where the connection looks names up."""
    return Namespace(**connection.table(_CURRENT).to_pylist()[0])


def default_catalog(connection: Connection) -> str:
    """The node's own database, where names are looked up before anybody says otherwise."""
    return str(connection.table(_FIRST).column(0)[0].as_py())


def use(connection: Connection, catalog: str, schema: str | None = None) -> None:
    """Look names up there from now on; without a schema, in the catalog's default one.

    Raises:
        InvalidArgument: there is no such place; nothing has changed.
    """
    if catalog.lower().startswith(OWN):
        raise InvalidArgument("names are not looked up in the lake's own catalog; nothing changed")
    connection.command("USE " + dotted([catalog] if schema is None else [catalog, schema]))
    connection.plain = False


def catalogs(connection: Connection) -> pa.Table:
    """The attached databases. Schema: `schemas.CATALOGS`."""
    return as_specified(connection.table(_CATALOGS), schemas.CATALOGS)


def db_schemas(connection: Connection, catalog: str | None, pattern: str | None) -> pa.Table:
    """The schemas of the attached databases. Schema: `schemas.DB_SCHEMAS`."""
    found = connection.table(_DB_SCHEMAS, {"catalog": catalog, "schema_pattern": pattern})
    return as_specified(found, schemas.DB_SCHEMAS)


def type_names(connection: Connection) -> list[str]:
    """The names of the database's types; those of extensions too, if they are loaded."""
    return [str(name) for (name,) in connection.rows(_TYPE_NAMES)]


def table_types() -> pa.Table:
    """The kinds of table there can be. Schema: `schemas.TABLE_TYPES`."""
    return pa.table([list(TABLE_TYPES)], schema=schemas.TABLE_TYPES)


def tables(connection: Connection, wanted: TableFilter) -> pa.Table:
    """The names of the tables and views that pass the filter. Schema: `schemas.TABLES`."""
    return as_specified(connection.table(_TABLES, wanted.parameters), schemas.TABLES)


def relations(connection: Connection, wanted: TableFilter) -> list[Relation]:
    """The tables and views that pass the filter, in the order of `tables`."""
    found = connection.table(_TABLES, wanted.parameters)
    return [
        Relation(*row) for row in zip(*map(pa.ChunkedArray.to_pylist, found.columns), strict=True)
    ]


def find(connection: Connection, path: Sequence[str]) -> str | None:
    """The table or view that a path means: table, schema and table, or all three names.

    Returns: its full name, as it can stand in a statement; None if there is none.
    """
    padded: list[str | None] = [*[None] * (_PATH_MAX - len(path)), *path]
    rows = connection.rows(_FOUND, dict(zip(("catalog", "schema", "table"), padded, strict=True)))
    return dotted(rows[0]) if rows else None


def quoted(identifier: str) -> str:
    """An SQL identifier that means exactly this name."""
    return '"' + identifier.replace('"', '""') + '"'


def dotted(parts: Sequence[str]) -> str:
    """A qualified name in SQL."""
    return ".".join(map(quoted, parts))


def as_specified(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows under a schema that also says what is never null."""
    return table.select(schema.names).cast(schema)
