"""Metadata: what there is in a service, asked of any of its nodes in Flight SQL.

Owns nothing. Answers are Arrow tables as the specification has them; see docs/metadata.md. Loads
protobuf, so whoever needs it loads it with the first question.
"""

import pyarrow as pa
from google.protobuf.message import Message

from flightkeeper.client import execution
from flightkeeper.client.errors import StatementFailed
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.runner import Runner, Scope
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire

_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


class Metadata:
    """Questions about catalogs, schemas, tables, keys and types. Thread-safe.

    Names are compared exactly and in their case, patterns as by LIKE: `%` stands for any text and
    `_` for one character. None means any.
    """

    def __init__(self, runner: Runner, scope: Scope) -> None:
        self._runner = runner
        self._scope = scope

    def catalogs(self) -> pa.Table:
        """`catalog_name` of each."""
        return self._ask(wire.CommandGetCatalogs())

    def schemas(self, catalog: str | None = None, pattern: str | None = None) -> pa.Table:
        """`catalog_name` and `db_schema_name` of each."""
        return self._ask(
            wire.CommandGetDbSchemas(catalog=catalog, db_schema_filter_pattern=pattern)
        )

    def tables(
        self,
        pattern: str | None = None,
        *,
        schema_pattern: str | None = None,
        catalog: str | None = None,
        types: tuple[str, ...] = (),
        include_schema: bool = False,
    ) -> pa.Table:
        """`catalog_name`, `db_schema_name`, `table_name` and `table_type` of each.

        Args:
            types: such as "TABLE" and "VIEW"; none = all but system tables.
            include_schema: add `table_schema`, the Arrow schema as a message of Arrow's IPC.
        """
        return self._ask(
            wire.CommandGetTables(
                catalog=catalog,
                db_schema_filter_pattern=schema_pattern,
                table_name_filter_pattern=pattern,
                table_types=types,
                include_schema=include_schema,
            )
        )

    def table_types(self) -> pa.Table:
        """`table_type` of each kind of table there may be."""
        return self._ask(wire.CommandGetTableTypes())

    def schema(
        self, table: str, schema: str | None = None, catalog: str | None = None
    ) -> pa.Schema:
        """The columns of one table or view.

        Raises:
            StatementFailed: there is no such table, or there are several.
        """
        found = self.tables(
            _literally(table),
            schema_pattern=None if schema is None else _literally(schema),
            catalog=catalog,
            include_schema=True,
        )
        if found.num_rows != 1:
            places = found.column("db_schema_name").to_pylist()
            where = f"in the schemas {places}: name one" if places else "not found"
            raise StatementFailed(f"table {table!r}: {where}")
        return pa.ipc.read_schema(pa.py_buffer(found.column("table_schema")[0].as_py()))

    def primary_keys(
        self, table: str, schema: str | None = None, catalog: str | None = None
    ) -> pa.Table:
        """`column_name` and `key_sequence` of the table's primary key, and where it is."""
        return self._ask(wire.CommandGetPrimaryKeys(table=table, db_schema=schema, catalog=catalog))

    def imported_keys(
        self, table: str, schema: str | None = None, catalog: str | None = None
    ) -> pa.Table:
        """The foreign keys of a table: `fk_…` is its own, `pk_…` what it refers to."""
        return self._ask(
            wire.CommandGetImportedKeys(table=table, db_schema=schema, catalog=catalog)
        )

    def exported_keys(
        self, table: str, schema: str | None = None, catalog: str | None = None
    ) -> pa.Table:
        """The foreign keys that refer to a table."""
        return self._ask(
            wire.CommandGetExportedKeys(table=table, db_schema=schema, catalog=catalog)
        )

    def types(self) -> pa.Table:
        """Every type a column can be of, with its number in JDBC and ODBC."""
        return self._ask(wire.CommandGetXdbcTypeInfo())

    def sql_info(self, *ids: int) -> pa.Table:
        """`info_name` and `value` of what Flight SQL's SqlInfo knows; no ids = all."""
        return self._ask(wire.CommandGetSqlInfo(info=ids))

    def _ask(self, command: Message) -> pa.Table:
        kind = self._scope.kind(StatementKind.READ)
        statement = self._runner.statement(kind, self._scope)
        pool = self._runner.pool
        with self._runner.deliver(
            statement, lambda attempt: execution.answer(attempt, command, pool)
        ) as result:
            return result.read_all()


def _literally(name: str) -> str:
    """A pattern that only this name matches."""
    return name.translate(_ESCAPED)
