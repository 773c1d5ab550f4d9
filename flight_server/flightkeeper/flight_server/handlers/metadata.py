"""Metadata: catalogs, schemas, tables, keys, types and SqlInfo.

A metadata ticket is the command itself, so any node answers it, about its own database.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import catalog, keys, table_schemas, type_info
from flightkeeper.flight_server.engine.batches import cut
from flightkeeper.flight_server.engine.cluster_objects import NOTHING, Declared
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.keys import TableName
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flightsql import schemas, sql_info, xdbc
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.sql_info import Fact
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_UNKNOWN = -1
_BATCH_BYTES = 1024 * 1024
"""Clients of other languages refuse messages of more than four MiB."""


class Metadata:
    """Serves metadata. Thread-safe."""

    def __init__(
        self,
        execution: Execution,
        facts: Callable[[], Mapping[int, Fact]],
        declared: Callable[[], Declared] = lambda: NOTHING,
    ) -> None:
        """Serve nothing yet.

        Args:
            facts: what GetSqlInfo answers now, by id.
            declared: what the cluster says of the engine's views.
        """
        self._execution = execution
        self._facts = facts
        self._declared = declared

    def routes(self) -> Routes:
        """What this family serves."""
        answers: dict[type[Message], Callable[[Call, Any], pa.Table]] = {
            kind: self._asked(question) for kind, question in _QUESTIONS.items()
        }
        answers[sql.CommandGetTableTypes] = lambda _call, _command: catalog.table_types()
        answers[sql.CommandGetSqlInfo] = lambda _call, command: sql_info.table(
            self._facts(), command.info
        )
        return Routes(
            flight_info=dict.fromkeys(answers, _info),
            schema=dict.fromkeys(answers, lambda _call, command: _schema(command)),
            get={kind: _delivered(answer) for kind, answer in answers.items()},
        )

    def _asked(self, question: "_Question") -> Callable[[Call, Any], pa.Table]:
        def answer(call: Call, command: Any) -> pa.Table:
            with self._execution.borrowed(call) as connection:
                found = question(connection, command, self._declared())
                visibility = self._execution.rules.visibility(call.identity.principal, connection)
            return found if visibility is None else visibility.rows(found)

        return answer


_Question = Callable[[Connection, Any, Declared], pa.Table]


def _catalogs(
    connection: Connection, command: sql.CommandGetCatalogs, _declared: Declared
) -> pa.Table:
    del command
    return catalog.catalogs(connection)


def _db_schemas(
    connection: Connection, command: sql.CommandGetDbSchemas, _declared: Declared
) -> pa.Table:
    return catalog.db_schemas(
        connection, _given(command, "catalog"), _given(command, "db_schema_filter_pattern")
    )


def _tables(connection: Connection, command: sql.CommandGetTables, declared: Declared) -> pa.Table:
    wanted = catalog.TableFilter(
        catalog=_given(command, "catalog"),
        schema_pattern=_given(command, "db_schema_filter_pattern"),
        table_pattern=_given(command, "table_name_filter_pattern"),
        types=command.table_types,
        external=declared.keys.keys(),
    )
    if command.include_schema:
        return table_schemas.tables(connection, wanted)
    return catalog.tables(connection, wanted)


def _primary_keys(
    connection: Connection, command: sql.CommandGetPrimaryKeys, declared: Declared
) -> pa.Table:
    of = _table(command)
    found = [keys.primary(connection, of), keys.declared(declared.keys, of)]
    return pa.concat_tables(found)


def _exported_keys(
    connection: Connection, command: sql.CommandGetExportedKeys, _declared: Declared
) -> pa.Table:
    return keys.exported(connection, _table(command))


def _imported_keys(
    connection: Connection, command: sql.CommandGetImportedKeys, _declared: Declared
) -> pa.Table:
    return keys.imported(connection, _table(command))


def _cross_reference(
    connection: Connection, command: sql.CommandGetCrossReference, _declared: Declared
) -> pa.Table:
    return keys.cross_reference(connection, _table(command, "pk_"), _table(command, "fk_"))


def _xdbc_types(
    connection: Connection, command: sql.CommandGetXdbcTypeInfo, _declared: Declared
) -> pa.Table:
    data_type = command.data_type if command.HasField("data_type") else None
    return xdbc.table(type_info.types(catalog.type_names(connection)), data_type)


_QUESTIONS: Mapping[type[Message], _Question] = {
    sql.CommandGetCatalogs: _catalogs,
    sql.CommandGetDbSchemas: _db_schemas,
    sql.CommandGetTables: _tables,
    sql.CommandGetPrimaryKeys: _primary_keys,
    sql.CommandGetExportedKeys: _exported_keys,
    sql.CommandGetImportedKeys: _imported_keys,
    sql.CommandGetCrossReference: _cross_reference,
    sql.CommandGetXdbcTypeInfo: _xdbc_types,
}

_SCHEMAS: Mapping[type[Message], pa.Schema] = {
    sql.CommandGetCatalogs: schemas.CATALOGS,
    sql.CommandGetDbSchemas: schemas.DB_SCHEMAS,
    sql.CommandGetTableTypes: schemas.TABLE_TYPES,
    sql.CommandGetPrimaryKeys: schemas.PRIMARY_KEYS,
    sql.CommandGetExportedKeys: schemas.FOREIGN_KEYS,
    sql.CommandGetImportedKeys: schemas.FOREIGN_KEYS,
    sql.CommandGetCrossReference: schemas.FOREIGN_KEYS,
    sql.CommandGetXdbcTypeInfo: schemas.XDBC_TYPE_INFO,
    sql.CommandGetSqlInfo: schemas.SQL_INFO,
}


def _schema(command: Message) -> pa.Schema:
    if isinstance(command, sql.CommandGetTables):
        return schemas.TABLES_WITH_SCHEMA if command.include_schema else schemas.TABLES
    return _SCHEMAS[type(command)]


def _info(call: Call, command: Message, descriptor: flight.FlightDescriptor) -> flight.FlightInfo:
    del call
    endpoint = flight.FlightEndpoint(flight.Ticket(pack(command)), [])
    return flight.FlightInfo(_schema(command), descriptor, [endpoint], _UNKNOWN, _UNKNOWN)


def _delivered(answer: Callable[[Call, Any], pa.Table]) -> Callable[[Call, Any], Result]:
    """One batch if it is not big: ADBC reads only the first one of some answers."""

    def get(call: Call, command: Any) -> Result:
        table = answer(call, command)
        whole = table.combine_chunks().to_batches()
        batches = (part for batch in whole for part in cut(batch, _BATCH_BYTES))
        return Result(table.schema, batches, rows=table.num_rows)

    return get


def _table(command: Message, prefix: str = "") -> TableName:
    return TableName(
        catalog=_given(command, f"{prefix}catalog"),
        schema=_given(command, f"{prefix}db_schema"),
        table=getattr(command, f"{prefix}table"),
    )


def _given(command: Message, field: str) -> str | None:
    """An optional field: absent means no filter, which an empty text does not."""
    return getattr(command, field) if command.HasField(field) else None
