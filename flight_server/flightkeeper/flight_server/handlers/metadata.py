"""Metadata: catalogs, schemas, tables, table types and SqlInfo.

A metadata ticket is the command itself, so any node answers it, about its own database.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from google.protobuf.message import Message
from pyarrow import flight

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.handlers.routes import Routes
from flightkeeper.flightsql import schemas, sql_info
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.sql_info import Fact
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_UNKNOWN = -1


class Metadata:
    """Serves metadata. Thread-safe."""

    def __init__(self, execution: Execution, facts: Mapping[int, Fact]) -> None:
        """`facts` are what GetSqlInfo answers, by id."""
        self._execution = execution
        self._facts = facts

    def routes(self) -> Routes:
        """What this family serves."""
        answers: dict[type[Message], Callable[[Call, Any], pa.Table]] = {
            sql.CommandGetCatalogs: self._catalogs,
            sql.CommandGetDbSchemas: self._db_schemas,
            sql.CommandGetTables: self._tables,
            sql.CommandGetTableTypes: lambda _call, _command: catalog.table_types(),
            sql.CommandGetSqlInfo: lambda _call, command: sql_info.table(self._facts, command.info),
        }
        return Routes(
            flight_info=dict.fromkeys(answers, _info),
            schema=dict.fromkeys(answers, lambda _call, command: _schema(command)),
            get={kind: _delivered(answer) for kind, answer in answers.items()},
        )

    def _catalogs(self, call: Call, command: sql.CommandGetCatalogs) -> pa.Table:
        del command
        with self._execution.borrowed(call) as connection:
            return catalog.catalogs(connection)

    def _db_schemas(self, call: Call, command: sql.CommandGetDbSchemas) -> pa.Table:
        with self._execution.borrowed(call) as connection:
            return catalog.db_schemas(
                connection,
                _given(command, "catalog"),
                _given(command, "db_schema_filter_pattern"),
            )

    def _tables(self, call: Call, command: sql.CommandGetTables) -> pa.Table:
        wanted = catalog.TableFilter(
            catalog=_given(command, "catalog"),
            schema_pattern=_given(command, "db_schema_filter_pattern"),
            table_pattern=_given(command, "table_name_filter_pattern"),
            types=command.table_types,
        )
        with self._execution.borrowed(call) as connection:
            return catalog.tables(connection, wanted, include_schema=command.include_schema)


_SCHEMAS: dict[type[Message], pa.Schema] = {
    sql.CommandGetCatalogs: schemas.CATALOGS,
    sql.CommandGetDbSchemas: schemas.DB_SCHEMAS,
    sql.CommandGetTableTypes: schemas.TABLE_TYPES,
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
    """One batch: ADBC reads only the first one of some answers."""

    def get(call: Call, command: Any) -> Result:
        table = answer(call, command).combine_chunks()
        return Result(table.schema, iter(table.to_batches()), rows=table.num_rows)

    return get


def _given(command: Message, field: str) -> str | None:
    """An optional field: absent means no filter, which an empty text does not."""
    return getattr(command, field) if command.HasField(field) else None
