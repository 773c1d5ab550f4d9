# ruff: noqa: S608  what is put together here are constants; values are bound
"""Reflection: what there is, asked in SQL so that an open transaction sees what it has made.

Without a schema the tables of the current one are meant, and temporary ones.
"""

from typing import Any

from sqlalchemy import String, bindparam, text
from sqlalchemy.engine import Connection, Row, reflection
from sqlalchemy.engine.interfaces import (
    ReflectedCheckConstraint,
    ReflectedColumn,
    ReflectedForeignKeyConstraint,
    ReflectedIndex,
    ReflectedPrimaryKeyConstraint,
    ReflectedTableComment,
    ReflectedUniqueConstraint,
)
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from flightkeeper.client.errors import PermissionDenied
from flightkeeper.client.sqlalchemy.types import type_of

_HERE = """
    ((:schema IS NOT NULL AND database_name = current_database() AND schema_name = :schema)
     OR (:schema IS NULL AND schema_name = current_schema() AND database_name = current_database())
     OR (:schema IS NULL AND database_name = 'temp' AND schema_name = 'main'))"""
_TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
_VIEWS = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
_EXISTS = f"""
    SELECT 1 FROM duckdb_tables() WHERE table_name = :name AND {_HERE}
    UNION ALL SELECT 1 FROM duckdb_views() WHERE view_name = :name AND {_HERE} LIMIT 1"""
_COLUMNS = f"""
    SELECT column_name, data_type, is_nullable, column_default, comment
    FROM duckdb_columns() WHERE table_name = :name AND {_HERE} ORDER BY column_index"""
_CONSTRAINTS = f"""
    SELECT constraint_type, constraint_name, constraint_column_names, referenced_table,
           referenced_column_names, expression
    FROM duckdb_constraints() WHERE table_name = :name AND {_HERE} ORDER BY constraint_index"""
_INDEXES = f"""
    SELECT index_name, is_unique, expressions FROM duckdb_indexes()
    WHERE table_name = :name AND {_HERE} ORDER BY index_name"""
_COMMENT = f"""
    SELECT comment FROM duckdb_tables() WHERE table_name = :name AND {_HERE}
    UNION ALL SELECT comment FROM duckdb_views() WHERE view_name = :name AND {_HERE}"""


class Reflection:
    """The part of the dialect that asks what there is."""

    @reflection.cache
    def get_schema_names(self, connection: Connection, **_kw: Any) -> list[str]:
        """The schemas of the current database."""
        return _names(
            connection,
            "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()"
            " ORDER BY ALL",
        )

    @reflection.cache
    def get_table_names(
        self, connection: Connection, schema: str | None = None, **_kw: Any
    ) -> list[str]:
        """The tables of a schema, but for temporary ones."""
        sql = f"{_TABLES} AND NOT temporary AND {_HERE} ORDER BY ALL"
        return _names(connection, sql, schema=schema)

    @reflection.cache
    def get_temp_table_names(
        self, connection: Connection, schema: str | None = None, **_kw: Any
    ) -> list[str]:
        """The temporary tables."""
        del schema
        return _names(connection, f"{_TABLES} AND temporary ORDER BY ALL")

    @reflection.cache
    def get_view_names(
        self, connection: Connection, schema: str | None = None, **_kw: Any
    ) -> list[str]:
        """The views of a schema, but for temporary ones."""
        sql = f"{_VIEWS} AND NOT temporary AND {_HERE} ORDER BY ALL"
        return _names(connection, sql, schema=schema)

    @reflection.cache
    def get_temp_view_names(
        self, connection: Connection, schema: str | None = None, **_kw: Any
    ) -> list[str]:
        """The temporary views."""
        del schema
        return _names(connection, f"{_VIEWS} AND temporary ORDER BY ALL")

    @reflection.cache
    def get_sequence_names(
        self, connection: Connection, schema: str | None = None, **_kw: Any
    ) -> list[str]:
        """The sequences of a schema."""
        sql = f"SELECT sequence_name FROM duckdb_sequences() WHERE {_HERE} ORDER BY ALL"
        return _names(connection, sql, schema=schema)

    @reflection.cache
    def has_table(
        self, connection: Connection, table_name: str, schema: str | None = None, **_kw: Any
    ) -> bool:
        """Whether there is such a table or view."""
        return bool(_names(connection, _EXISTS, name=table_name, schema=schema))

    @reflection.cache
    def has_schema(self, connection: Connection, schema_name: str, **kw: Any) -> bool:
        """Whether there is such a schema."""
        return schema_name in self.get_schema_names(connection, **kw)

    @reflection.cache
    def has_sequence(
        self, connection: Connection, sequence_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Whether there is such a sequence."""
        return sequence_name in self.get_sequence_names(connection, schema, **kw)

    @reflection.cache
    def get_view_definition(
        self, connection: Connection, view_name: str, schema: str | None = None, **_kw: Any
    ) -> str:
        """The statement that made a view."""
        sql = f"SELECT sql FROM duckdb_views() WHERE view_name = :name AND {_HERE}"
        found = _names(connection, sql, name=view_name, schema=schema)
        if not found:
            raise NoSuchTableError(view_name)
        return found[0]

    @reflection.cache
    def get_columns(
        self, connection: Connection, table_name: str, schema: str | None = None, **_kw: Any
    ) -> list[ReflectedColumn]:
        """The columns of a table or view."""
        rows = _rows(connection, _COLUMNS, name=table_name, schema=schema)
        if not rows:
            raise NoSuchTableError(table_name)
        return [_column(row) for row in rows]

    @reflection.cache
    def get_pk_constraint(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> ReflectedPrimaryKeyConstraint:
        """The primary key of a table."""
        for row in self._constraints(connection, table_name, schema, "PRIMARY KEY", **kw):
            return {"name": row.constraint_name, "constrained_columns": row.constraint_column_names}
        return {"name": None, "constrained_columns": []}

    @reflection.cache
    def get_foreign_keys(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedForeignKeyConstraint]:
        """The foreign keys of a table, which refer to its own schema always."""
        return [
            {
                "name": row.constraint_name,
                "constrained_columns": row.constraint_column_names,
                "referred_schema": schema,
                "referred_table": row.referenced_table,
                "referred_columns": row.referenced_column_names,
                "options": {},
            }
            for row in self._constraints(connection, table_name, schema, "FOREIGN KEY", **kw)
        ]

    @reflection.cache
    def get_unique_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedUniqueConstraint]:
        """What must be unique in a table, but for its primary key and its indexes."""
        return [
            {"name": row.constraint_name, "column_names": row.constraint_column_names}
            for row in self._constraints(connection, table_name, schema, "UNIQUE", **kw)
        ]

    @reflection.cache
    def get_check_constraints(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedCheckConstraint]:
        """What rows of a table must fulfil."""
        return [
            {"name": row.constraint_name, "sqltext": row.expression}
            for row in self._constraints(connection, table_name, schema, "CHECK", **kw)
        ]

    @reflection.cache
    def get_indexes(
        self, connection: Connection, table_name: str, schema: str | None = None, **kw: Any
    ) -> list[ReflectedIndex]:
        """The indexes of a table that somebody has made; those of keys have no name."""
        rows = _visible(connection, _INDEXES, name=table_name, schema=schema)
        if not rows:
            self._check_exists(connection, table_name, schema, **kw)
        return [_index(row) for row in rows]

    @reflection.cache
    def get_table_comment(
        self, connection: Connection, table_name: str, schema: str | None = None, **_kw: Any
    ) -> ReflectedTableComment:
        """The comment on a table or view."""
        rows = _rows(connection, _COMMENT, name=table_name, schema=schema)
        if not rows:
            raise NoSuchTableError(table_name)
        return {"text": rows[0].comment}

    def _constraints(
        self, connection: Connection, table: str, schema: str | None, kind: str, **kw: Any
    ) -> list[Row[Any]]:
        rows = _visible(connection, _CONSTRAINTS, name=table, schema=schema)
        if not rows:
            self._check_exists(connection, table, schema, **kw)
        return [row for row in rows if row.constraint_type == kind]

    def _check_exists(
        self, connection: Connection, table: str, schema: str | None, **kw: Any
    ) -> None:
        if not self.has_table(connection, table, schema, **kw):
            raise NoSuchTableError(table)


def _column(row: Row[Any]) -> ReflectedColumn:
    return {
        "name": row.column_name,
        "type": type_of(row.data_type),
        "nullable": row.is_nullable,
        "default": row.column_default,
        "autoincrement": (row.column_default or "").startswith("nextval("),
        "comment": row.comment,
    }


def _index(row: Row[Any]) -> ReflectedIndex:
    expressions = [part.strip() for part in row.expressions.strip("[]").split(",")]
    names = [part.strip("'").strip('"') for part in expressions]
    return {"name": row.index_name, "unique": row.is_unique, "column_names": list(names)}


def _rows(connection: Connection, sql: str, **values: str | None) -> list[Row[Any]]:
    # As literals: a statement with parameters takes four calls to a node, one without takes two.
    literals = [
        bindparam(name, value, type_=String, literal_execute=True) for name, value in values.items()
    ]
    return list(connection.execute(text(sql).bindparams(*literals)))


def _visible(connection: Connection, sql: str, **values: str | None) -> list[Row[Any]]:
    """What nodes with grants show to superusers, and nothing to others."""
    try:
        return _rows(connection, sql, **values)
    except DBAPIError as exc:
        if isinstance(exc.orig, Exception) and isinstance(exc.orig.__cause__, PermissionDenied):
            return []
        raise


def _names(connection: Connection, sql: str, **parameters: str | None) -> list[str]:
    return [row[0] for row in _rows(connection, sql, **parameters)]
