"""Primary and foreign keys, asked from DuckDB's catalog of constraints.

What the queries rest on: a foreign key stays within its schema; it may refer to unique columns as
well as to a primary key, in any order and in any case of their names; the names of constraints are
DuckDB's own, and a table may have two foreign keys of one name; no rule but NO ACTION can be
declared, RESTRICT is the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from flightkeeper.flight_server.engine.catalog import as_specified
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flightsql import schemas
from flightkeeper.flightsql.xdbc import UpdateDeleteRule

# Names of columns come from the columns: since 2.0 a constraint has them as they were written, in
# whatever case.
_PRIMARY = """
    WITH places AS (
      SELECT *, unnest(constraint_column_indexes) + 1 AS column_index,
             generate_subscripts(constraint_column_indexes, 1) AS key_sequence
      FROM duckdb_constraints()
      WHERE constraint_type = 'PRIMARY KEY'
        AND table_name = $table
        AND coalesce(schema_name = $schema, true)
        AND coalesce(database_name = $catalog, true)
    )
    SELECT p.database_name AS catalog_name, p.schema_name AS db_schema_name, p.table_name,
           column_name, key_sequence, constraint_name AS key_name
    FROM places p JOIN duckdb_columns() USING (database_oid, table_oid, column_index)
    ORDER BY catalog_name, db_schema_name, table_name, key_name, key_sequence"""

_FOREIGN = f"""
    WITH keys AS (
      SELECT *, list_sort(list_transform(
               CASE constraint_type WHEN 'FOREIGN KEY' THEN referenced_column_names
                                    ELSE constraint_column_names END,
               lambda name: lower(name))) AS meant
      FROM duckdb_constraints()
      WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
    ),
    pairs AS (
      SELECT pk, fk
      FROM keys fk JOIN keys pk
        ON pk.schema_oid = fk.schema_oid AND pk.database_oid = fk.database_oid
       AND lower(pk.table_name) = lower(fk.referenced_table)
       AND pk.meant = fk.meant AND pk.constraint_type <> 'FOREIGN KEY'
      WHERE fk.constraint_type = 'FOREIGN KEY'
        AND coalesce(pk.table_name = $pk_table, true)
        AND coalesce(pk.schema_name = $pk_schema, true)
        AND coalesce(pk.database_name = $pk_catalog, true)
        AND coalesce(fk.table_name = $fk_table, true)
        AND coalesce(fk.schema_name = $fk_schema, true)
        AND coalesce(fk.database_name = $fk_catalog, true)
      -- If the same columns are a primary key and unique besides, the primary key is meant.
      QUALIFY row_number() OVER (
        PARTITION BY fk.database_oid, fk.constraint_index ORDER BY pk.constraint_type) = 1
    ),
    places AS (
      SELECT pk, fk,
             unnest(list_transform(fk.referenced_column_names, lambda name:
               pk.constraint_column_indexes[list_position(
                 list_transform(pk.constraint_column_names, lambda n: lower(n)), lower(name))]
             )) + 1 AS pk_place,
             unnest(fk.constraint_column_indexes) + 1 AS fk_place,
             generate_subscripts(fk.constraint_column_indexes, 1) AS key_sequence
      FROM pairs
    ),
    columns AS (
      SELECT database_oid, table_oid, column_index, column_name FROM duckdb_columns()
    )
    SELECT pk.database_name AS pk_catalog_name, pk.schema_name AS pk_db_schema_name,
           pk.table_name AS pk_table_name, pk_column.column_name AS pk_column_name,
           fk.database_name AS fk_catalog_name, fk.schema_name AS fk_db_schema_name,
           fk.table_name AS fk_table_name, fk_column.column_name AS fk_column_name,
           key_sequence, fk.constraint_name AS fk_key_name, pk.constraint_name AS pk_key_name,
           {UpdateDeleteRule.NO_ACTION} AS update_rule, {UpdateDeleteRule.NO_ACTION} AS delete_rule
    FROM places
    JOIN columns pk_column ON pk_column.database_oid = pk.database_oid
     AND pk_column.table_oid = pk.table_oid AND pk_column.column_index = pk_place
    JOIN columns fk_column ON fk_column.database_oid = fk.database_oid
     AND fk_column.table_oid = fk.table_oid AND fk_column.column_index = fk_place
    ORDER BY """  # noqa: S608 - ours

_BY_FOREIGN = "fk_catalog_name, fk_db_schema_name, fk_table_name, fk_key_name, key_sequence"
# The last is for two keys of one table that refer to the same columns.
_BY_PRIMARY = (
    "pk_catalog_name, pk_db_schema_name, pk_table_name, pk_key_name, key_sequence, fk_key_name"
)


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, by its exact names; None = any, and "" is the name of none."""

    catalog: str | None = None
    schema: str | None = None
    table: str | None = None


_ANY = TableName()


def primary(connection: Connection, of: TableName) -> pa.Table:
    """The columns of a table's primary key, in the order of the key. `schemas.PRIMARY_KEYS`."""
    found = connection.table(
        _PRIMARY, {"catalog": of.catalog, "schema": of.schema, "table": of.table}
    )
    return as_specified(found, schemas.PRIMARY_KEYS)


def declared(keys: Mapping[tuple[str, str, str], tuple[str, ...]], of: TableName) -> pa.Table:
    """The primary keys that tables are said to have, though nothing enforces them.

    Args:
        keys: columns by catalog, schema and table; none = it has no key.
    """
    rows = [
        (*place, column, number, f"{place[2]}_{'_'.join(columns)}_pkey")
        for place, columns in sorted(keys.items())
        if all(wanted in {None, part} for wanted, part in zip(_parts(of), place, strict=True))
        for number, column in enumerate(columns, start=1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(
        schemas.PRIMARY_KEYS
    )
    return pa.table(columns, schema=schemas.PRIMARY_KEYS)


def _parts(of: TableName) -> tuple[str | None, str | None, str | None]:
    return of.catalog, of.schema, of.table


def exported(connection: Connection, of: TableName) -> pa.Table:
    """The foreign keys of others that refer to a table. `schemas.FOREIGN_KEYS`."""
    return _foreign(connection, of, _ANY, _BY_FOREIGN)


def imported(connection: Connection, of: TableName) -> pa.Table:
    """The foreign keys of a table. `schemas.FOREIGN_KEYS`."""
    return _foreign(connection, _ANY, of, _BY_PRIMARY)


def cross_reference(connection: Connection, parent: TableName, foreign: TableName) -> pa.Table:
    """The keys by which one table refers to another. `schemas.FOREIGN_KEYS`."""
    return _foreign(connection, parent, foreign, _BY_PRIMARY)


def _foreign(connection: Connection, parent: TableName, foreign: TableName, order: str) -> pa.Table:
    names = {
        "pk_catalog": parent.catalog,
        "pk_schema": parent.schema,
        "pk_table": parent.table,
        "fk_catalog": foreign.catalog,
        "fk_schema": foreign.schema,
        "fk_table": foreign.table,
    }
    return as_specified(connection.table(_FOREIGN + order, names), schemas.FOREIGN_KEYS)
