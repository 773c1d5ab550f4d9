"""Metadata over the wire: schemas as announced, every filter, messages every client can take."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.message import Message

from flightkeeper.flightsql import schemas
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient

_ODD = 'o"d,d\\_%ü'
_MESSAGE_BYTES_MAX = 3 * 1024 * 1024
_COMMANDS: tuple[tuple[Message, pa.Schema], ...] = (
    (sql.CommandGetCatalogs(), schemas.CATALOGS),
    (sql.CommandGetDbSchemas(), schemas.DB_SCHEMAS),
    (sql.CommandGetTables(), schemas.TABLES),
    (sql.CommandGetTables(include_schema=True), schemas.TABLES_WITH_SCHEMA),
    (sql.CommandGetTables(catalog="none"), schemas.TABLES),
    (sql.CommandGetTables(catalog="none", include_schema=True), schemas.TABLES_WITH_SCHEMA),
    (sql.CommandGetTableTypes(), schemas.TABLE_TYPES),
    (sql.CommandGetPrimaryKeys(table="t"), schemas.PRIMARY_KEYS),
    (sql.CommandGetPrimaryKeys(table="nowhere"), schemas.PRIMARY_KEYS),
    (sql.CommandGetExportedKeys(table="t"), schemas.FOREIGN_KEYS),
    (sql.CommandGetImportedKeys(table="child"), schemas.FOREIGN_KEYS),
    (sql.CommandGetCrossReference(pk_table="t", fk_table="child"), schemas.FOREIGN_KEYS),
    (sql.CommandGetCrossReference(), schemas.FOREIGN_KEYS),
    (sql.CommandGetXdbcTypeInfo(), schemas.XDBC_TYPE_INFO),
    (sql.CommandGetXdbcTypeInfo(data_type=12), schemas.XDBC_TYPE_INFO),
    (sql.CommandGetSqlInfo(), schemas.SQL_INFO),
    (sql.CommandGetSqlInfo(info=[9999]), schemas.SQL_INFO),
)


def shown(command: Message) -> str:
    """A command as the name of a test."""
    return f"{command.DESCRIPTOR.name} {command!s}".strip().replace("\n", " ")


@pytest.fixture(scope="module", autouse=True)
def tables(served: Served) -> Iterator[None]:
    quoted = '"' + _ODD.replace('"', '""') + '"'
    with served.client() as client:
        client.update("CREATE TABLE t (a INT, b INT, PRIMARY KEY (b, a))")
        client.update("CREATE TABLE child (x INT, y INT, FOREIGN KEY (y, x) REFERENCES t (b, a))")
        client.update(f"CREATE SCHEMA {quoted}")
        client.update(f"CREATE TABLE {quoted}.{quoted} ({quoted} INT PRIMARY KEY)")
        client.update("CREATE VIEW v AS FROM t; CREATE SCHEMA other")
        yield
        client.update("DROP VIEW v; DROP TABLE child; DROP TABLE t; DROP SCHEMA other")
        client.update(f"DROP SCHEMA {quoted} CASCADE")


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
        (sql.CommandGetTables(), ["child", "t", "v", _ODD]),
        (sql.CommandGetTables(table_types=["VIEW"]), ["v"]),
        (sql.CommandGetTables(table_types=["base table"]), ["child", "t", _ODD]),
        (sql.CommandGetTables(catalog="memory", table_name_filter_pattern="t"), ["t"]),
        (sql.CommandGetTables(catalog=""), []),
        (sql.CommandGetTables(catalog="mem%"), []),
        (sql.CommandGetTables(db_schema_filter_pattern=""), []),
        (sql.CommandGetTables(db_schema_filter_pattern="oth%"), []),
        (sql.CommandGetTables(table_name_filter_pattern='o"d,d\\\\\\_\\%ü'), [_ODD]),
        (sql.CommandGetTables(table_name_filter_pattern="o%"), [_ODD]),
        (sql.CommandGetTables(table_name_filter_pattern="_"), ["t", "v"]),
        (sql.CommandGetTables(table_name_filter_pattern="' OR true --"), []),
    ],
)
def test_tables_are_filtered(
    client: WireClient, command: sql.CommandGetTables, names: list[str]
) -> None:
    assert client.command(command)["table_name"].to_pylist() == names
    command.include_schema = True
    assert client.command(command)["table_name"].to_pylist() == names


def test_schemas_are_filtered(client: WireClient) -> None:
    command = sql.CommandGetDbSchemas(catalog="memory", db_schema_filter_pattern="ot%")
    assert client.command(command)["db_schema_name"].to_pylist() == ["other"]


def test_a_primary_key_is_in_its_own_order(client: WireClient) -> None:
    command = sql.CommandGetPrimaryKeys(catalog="memory", db_schema="main", table="t")
    answer = client.command(command).to_pylist()
    assert [(row["column_name"], row["key_sequence"]) for row in answer] == [("b", 1), ("a", 2)]
    odd = client.command(sql.CommandGetPrimaryKeys(table=_ODD)).to_pylist()
    assert [(row["db_schema_name"], row["column_name"]) for row in odd] == [(_ODD, _ODD)]


@pytest.mark.parametrize(
    "command",
    [
        sql.CommandGetImportedKeys(table="child"),
        sql.CommandGetImportedKeys(catalog="memory", db_schema="main", table="child"),
        sql.CommandGetExportedKeys(table="t"),
        sql.CommandGetExportedKeys(catalog="memory", db_schema="main", table="t"),
        sql.CommandGetCrossReference(pk_table="t", fk_table="child"),
        sql.CommandGetCrossReference(
            pk_catalog="memory", pk_db_schema="main", pk_table="t", fk_table="child"
        ),
    ],
    ids=shown,
)
def test_imported_keys_are_asked_of_the_child_and_exported_ones_of_the_parent(
    client: WireClient, command: Message
) -> None:
    answer = client.command(command).to_pylist()
    assert [(row["pk_table_name"], row["pk_column_name"]) for row in answer] == [
        ("t", "b"),
        ("t", "a"),
    ]
    assert [(row["fk_table_name"], row["fk_column_name"]) for row in answer] == [
        ("child", "y"),
        ("child", "x"),
    ]
    assert {(row["update_rule"], row["delete_rule"]) for row in answer} == {(3, 3)}


@pytest.mark.parametrize(
    "command",
    [
        sql.CommandGetImportedKeys(table="t"),
        sql.CommandGetImportedKeys(catalog="", table="child"),
        sql.CommandGetImportedKeys(db_schema="", table="child"),
        sql.CommandGetImportedKeys(table="chi%"),
        sql.CommandGetExportedKeys(table="child"),
        sql.CommandGetExportedKeys(table=""),
        sql.CommandGetCrossReference(pk_table="child", fk_table="t"),
        sql.CommandGetCrossReference(pk_table="t", fk_db_schema="other", fk_table="child"),
        sql.CommandGetPrimaryKeys(table="v"),
    ],
    ids=shown,
)
def test_other_tables_have_no_such_keys(client: WireClient, command: Message) -> None:
    assert client.command(command).num_rows == 0


def test_types_are_found_by_number(client: WireClient) -> None:
    everything = client.command(sql.CommandGetXdbcTypeInfo())
    keys = list(zip(*map(_values(everything), ("data_type", "type_name")), strict=True))
    assert keys == sorted(keys)
    texts = client.command(sql.CommandGetXdbcTypeInfo(data_type=12))
    assert texts["type_name"].to_pylist() == ["VARCHAR"]
    # 0 is a number like any other, not "all".
    assert 0 < client.command(sql.CommandGetXdbcTypeInfo(data_type=0)).num_rows < len(keys)


def _values(table: pa.Table) -> Any:
    return lambda name: table[name].to_pylist()


def test_sql_info_is_answered_by_id(client: WireClient) -> None:
    answer = client.command(sql.CommandGetSqlInfo(info=[8, 0, 9999]))
    assert answer.to_pylist() == [
        {"info_name": 0, "value": "Flightkeeper"},
        {"info_name": 8, "value": 1},
    ]


def test_sql_info_travels_in_the_child_of_each_id(client: WireClient) -> None:
    answer = client.command(sql.CommandGetSqlInfo()).combine_chunks()
    value: Any = answer["value"].chunk(0)
    codes = dict(zip(answer["info_name"].to_pylist(), value.type_codes.to_pylist(), strict=True))
    assert {key: codes[key] for key in (0, 3, 503, 8, 508, 517)} == {
        0: 0,
        3: 1,
        503: 2,
        8: 3,
        508: 4,
        517: 5,
    }


def test_a_session_sees_its_temporary_tables(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE mine (a INT PRIMARY KEY)")
    found = client.command(sql.CommandGetTables(table_types=["LOCAL TEMPORARY"]))
    assert found["table_name"].to_pylist() == ["mine"]
    assert "temp" in client.command(sql.CommandGetCatalogs())["catalog_name"].to_pylist()
    key = client.command(sql.CommandGetPrimaryKeys(table="mine"))
    assert key["catalog_name"].to_pylist() == ["temp"]


def test_an_open_transaction_sees_its_tables_and_survives_broken_views(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE ours (a INT)", transaction)
    client.update("CREATE VIEW broken AS FROM ours", transaction)
    client.update("DROP TABLE ours; CREATE TABLE mine (a INT PRIMARY KEY)", transaction)
    found = client.command(sql.CommandGetTables(include_schema=True))
    assert {"mine", "broken"} <= set(found["table_name"].to_pylist())
    assert client.command(sql.CommandGetPrimaryKeys(table="mine")).num_rows == 1
    assert client.value("SELECT count(*) FROM mine", transaction) == 0
    client.end(transaction, commit=False)


def test_a_big_answer_comes_in_messages_that_every_client_takes(client: WireClient) -> None:
    columns = ", ".join(f"c{number} INT" for number in range(250))
    many = "; ".join(f"CREATE TABLE big.t{number:02} ({columns})" for number in range(40))
    client.update(f"CREATE SCHEMA big; {many}")
    command = sql.CommandGetTables(db_schema_filter_pattern="big", include_schema=True)
    batches = [chunk.data for chunk in client.get(pack(command))]
    assert sum(batch.nbytes for batch in batches) > 2 * _MESSAGE_BYTES_MAX
    assert max(batch.nbytes for batch in batches) < _MESSAGE_BYTES_MAX
    names = [name for batch in batches for name in batch["table_name"].to_pylist()]
    assert names == [f"t{number:02}" for number in range(40)]
    client.update("DROP SCHEMA big CASCADE")
