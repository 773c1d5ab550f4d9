"""Metadata over the wire: schemas as announced, one batch, every filter."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from google.protobuf.message import Message

from flightkeeper.flightsql import schemas
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient

_COMMANDS: tuple[tuple[Message, pa.Schema], ...] = (
    (sql.CommandGetCatalogs(), schemas.CATALOGS),
    (sql.CommandGetDbSchemas(), schemas.DB_SCHEMAS),
    (sql.CommandGetTables(), schemas.TABLES),
    (sql.CommandGetTables(include_schema=True), schemas.TABLES_WITH_SCHEMA),
    (sql.CommandGetTableTypes(), schemas.TABLE_TYPES),
    (sql.CommandGetSqlInfo(), schemas.SQL_INFO),
    (sql.CommandGetTables(catalog="none"), schemas.TABLES),
)


@pytest.fixture(scope="module", autouse=True)
def tables(served: Served) -> Iterator[None]:
    with served.client() as client:
        client.update("CREATE TABLE t (a INT); CREATE VIEW v AS FROM t; CREATE SCHEMA other")
        yield
        client.update("DROP VIEW v; DROP TABLE t; DROP SCHEMA other")


@pytest.mark.parametrize(("command", "schema"), _COMMANDS)
def test_every_command_answers_as_announced(
    client: WireClient, command: Message, schema: pa.Schema
) -> None:
    info = client.info(command)
    assert info.endpoints[0].ticket.ticket == pack(command)
    assert info.schema.equals(schema)
    assert client.schema(command).equals(schema)
    batches = list(client.get(info.endpoints[0].ticket))
    assert len(batches) <= 1
    answer = client.fetch(info)
    answer.validate(full=True)
    assert answer.schema.equals(schema)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (sql.CommandGetTables(), ["t", "v"]),
        (sql.CommandGetTables(table_types=["VIEW"]), ["v"]),
        (sql.CommandGetTables(catalog="memory", table_name_filter_pattern="t"), ["t"]),
        (sql.CommandGetTables(catalog=""), []),
        (sql.CommandGetTables(db_schema_filter_pattern="oth%"), []),
    ],
)
def test_tables_are_filtered(
    client: WireClient, command: sql.CommandGetTables, names: list[str]
) -> None:
    assert client.command(command)["table_name"].to_pylist() == names


def test_schemas_are_filtered(client: WireClient) -> None:
    command = sql.CommandGetDbSchemas(catalog="memory", db_schema_filter_pattern="o%")
    assert client.command(command)["db_schema_name"].to_pylist() == ["other"]


def test_sql_info_is_answered_by_id(client: WireClient) -> None:
    answer = client.command(sql.CommandGetSqlInfo(info=[8, 0, 9999]))
    assert answer.to_pylist() == [
        {"info_name": 0, "value": "Flightkeeper"},
        {"info_name": 8, "value": 1},
    ]


def test_a_session_sees_its_temporary_tables(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE mine (a INT)")
    found = client.command(sql.CommandGetTables(table_types=["LOCAL TEMPORARY"]))
    assert found["table_name"].to_pylist() == ["mine"]
