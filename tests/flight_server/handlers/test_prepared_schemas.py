"""What statements are announced with: parameters that can be filled, and the columns that come."""

from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.handlers.prepared_schemas import UNKNOWN, parameter_schema
from flightkeeper.flight_server.sql.client_types import client_type
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient

TABLE = """
    CREATE OR REPLACE TABLE p (
      i INTEGER, si SMALLINT, bi BIGINT, dc DECIMAL(12, 3), s VARCHAR, d DATE, ts TIMESTAMP,
      tz TIMESTAMPTZ, tm TIME, u UUID, l INTEGER[], h HUGEINT)"""


@pytest.fixture(autouse=True)
def table(client: WireClient) -> None:
    client.update(TABLE)


@pytest.fixture
def stranger(served: Served) -> Iterator[WireClient]:
    """Another session, for those that keep state."""
    with served.client(user="stranger") as made:
        yield made


def schema_of(encoded: bytes) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(encoded))


def taken(client: WireClient, text: str, transaction: bytes | None = None) -> list[str]:
    schema = schema_of(client.prepare(text, transaction).parameter_schema)
    return [str(kind) for kind in schema.types]


def columns(client: WireClient, text: str, transaction: bytes | None = None) -> pa.Schema:
    return schema_of(client.prepare(text, transaction).dataset_schema)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("SELECT * FROM p WHERE i = ? AND bi > ?", ["int32", "int64"]),
        ("SELECT * FROM p WHERE dc < ? AND s LIKE ?", ["decimal128(12, 3)", "string"]),
        ("SELECT * FROM p WHERE d = ? AND ts < ?", ["date32[day]", "timestamp[ms]"]),
        ("SELECT * FROM p WHERE tz = ? AND tm > ?", ["timestamp[ms, tz=UTC]", "time32[ms]"]),
        ("SELECT * FROM p WHERE u = ? AND l = ?", ["string", "list<item: int32>"]),
        ("SELECT sum(i) FROM p HAVING sum(i) > ?", ["decimal128(38, 0)"]),
        ("SELECT * FROM p LIMIT ?", ["int64"]),
        ("INSERT INTO p (si, d) VALUES (?, ?)", ["int16", "date32[day]"]),
        ("UPDATE p SET dc = dc * ? WHERE i IN (?, ?)", ["double", "int32", "int32"]),
        ("DELETE FROM p WHERE ts BETWEEN ? AND ?", ["timestamp[ms]", "timestamp[ms]"]),
        ("SELECT * FROM nowhere WHERE a = ?", ["string"]),
        ("SELECT * FROM read_parquet(?)", ["string"]),
        ("SELECT 1", []),
        ("DROP TABLE IF EXISTS nowhere", []),
    ],
)
def test_parameters_have_types_that_clients_can_fill(
    client: WireClient, text: str, types: list[str]
) -> None:
    assert taken(client, text) == types


def test_fields_of_parameters_say_all_there_is_to_say(client: WireClient) -> None:
    schema = schema_of(client.prepare("SELECT * FROM p WHERE h = $H AND u = $a").parameter_schema)
    assert schema.names == ["H", "a"]
    assert all(field.nullable for field in schema)
    huge, unique = (field.metadata or {} for field in schema)
    assert huge[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"HUGEINT"
    assert huge[b"ARROW:FLIGHT:SQL:SCALE"] == b"0"
    assert unique[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"UUID"
    assert unique[b"ARROW:FLIGHT:SQL:PRECISION"] == b"36"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT ? AS a, ? + i AS b FROM p", {"a": pa.string(), "b": pa.int32()}),
        ("SELECT ?::DATE AS a, dc * ? AS b FROM p", {"a": pa.date32(), "b": pa.float64()}),
        ("SELECT $x AS a, ts > $x AS b FROM p", {"a": pa.timestamp("ms"), "b": pa.bool_()}),
        ("SELECT [?, i] AS a FROM p WHERE s = ?", {"a": pa.list_(pa.int32())}),
        ("SELECT h + ? AS a FROM p", {"a": pa.decimal128(38, 0)}),
        (
            "INSERT INTO p (i) VALUES (?) RETURNING i, s || 'x' AS b",
            {"i": pa.int32(), "b": pa.string()},
        ),
        ("DELETE FROM p WHERE i = ? RETURNING p.bi + 1 AS c", {"c": pa.int64()}),
        (
            """MERGE INTO p USING (SELECT ? AS x) q ON i = x
            WHEN MATCHED THEN UPDATE SET bi = ? RETURNING merge_action AS a, bi""",
            {"a": pa.string(), "bi": pa.int64()},
        ),
        (
            "EXPLAIN ANALYZE SELECT * FROM p WHERE i = ?",
            {"explain_key": pa.string(), "explain_value": pa.string()},
        ),
        ("CALL range(?)", {"range": pa.int64()}),
        (
            "SELECT ?::TIMESTAMP_S AS a, ?::TIMESTAMP_NS AS b",
            {"a": pa.timestamp("s"), "b": pa.timestamp("ns")},
        ),
    ],
)
def test_the_announced_columns_come_when_the_announced_types_are_bound(
    client: WireClient, text: str, expected: dict[str, pa.DataType]
) -> None:
    prepared = client.prepare(text)
    announced = schema_of(prepared.dataset_schema)
    assert dict(zip(announced.names, announced.types, strict=True)) == expected
    rows = samples(schema_of(prepared.parameter_schema))
    bound = client.bind(prepared.prepared_statement_handle, rows)
    assert client.execute(bound).schema.equals(announced)


def samples(parameters: pa.Schema) -> pa.Table:
    kinds = [(field.metadata or {})[b"ARROW:FLIGHT:SQL:TYPE_NAME"] for field in parameters]
    row = [client_type(kind.decode()).sample for kind in kinds]
    return pa.Table.from_pylist([dict(zip(parameters.names, row, strict=True))], schema=parameters)


def test_what_clients_say_of_their_fields_does_no_harm(client: WireClient) -> None:
    handle = client.prepare("SELECT ?::TIMESTAMP_NS AS a").prepared_statement_handle
    for said in (b"\xff", b"TIMESTAMP_S; --", b"TIMESTAMP_S"):
        field = pa.field("1", pa.timestamp("ms"), metadata={b"ARROW:FLIGHT:SQL:TYPE_NAME": said})
        rows = pa.Table.from_pylist([{"1": 1_500}], schema=pa.schema([field]))
        assert client.execute(client.bind(handle, rows))["a"].cast(pa.int64()).to_pylist() in (
            [1_500_000_000],
            [1_000_000_000],
        )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SHOW TABLES", ["name"]),
        ("DESCRIBE p", ["column_name", "column_type", "null", "key", "default", "extra"]),
        ("SUMMARIZE p", None),
        ("EXPLAIN SELECT 1", ["explain_key", "explain_value"]),
        ("EXPLAIN ANALYZE INSERT INTO p (i) VALUES (1)", ["explain_key", "explain_value"]),
        ("CALL pragma_version()", ["library_version", "source_id", "codename"]),
        ("/* which? */ CALL range(3);", ["range"]),
        ("PRAGMA version", ["library_version", "source_id", "codename"]),
        ("PRAGMA table_info('p')", ["cid", "name", "type", "notnull", "dflt_value", "pk"]),
        ("INSERT INTO p (i) VALUES (1) RETURNING i, i * 2 AS j", ["i", "j"]),
        ("WITH q AS (SELECT 1 AS a) INSERT INTO p (i) SELECT a FROM q RETURNING *", None),
        ("UPDATE p AS x SET i = 1 RETURNING x.i", ["i"]),
        ("DELETE FROM p RETURNING s", ["s"]),
        ("PIVOT p ON i IN (1, 2) USING count(*) GROUP BY s", ["s", "1", "2"]),
        ("PIVOT p ON i USING count(*) GROUP BY s", UNKNOWN.names),
        ("CREATE TEMP TABLE later (a INT); SELECT * FROM later", UNKNOWN.names),
        ("CREATE TEMP TABLE later (a INT); SELECT i FROM p", ["i"]),
        ("EXECUTE prepared(1)", UNKNOWN.names),
        ("CALL force_checkpoint()", UNKNOWN.names),
        ("SELECT nextval('counted')", UNKNOWN.names),
        ("SELECT * FROM read_parquet(?)", UNKNOWN.names),
        ("SELECT * FROM nowhere WHERE a = ?", UNKNOWN.names),
        ("INSERT INTO nowhere VALUES (1) RETURNING a", UNKNOWN.names),
        ("INSERT INTO p (i) VALUES (1) RETURNING i!", UNKNOWN.names),
        ("PRAGMA table_info(p)", ["cid", "name", "type", "notnull", "dflt_value", "pk"]),
        ("CHECKPOINT", []),
        ("PRAGMA enable_profiling", []),
    ],
)
def test_what_answers_rows_has_columns(
    client: WireClient, text: str, names: list[str] | None
) -> None:
    client.update("CREATE SEQUENCE IF NOT EXISTS counted")
    prepared = client.prepare(text)
    announced = schema_of(prepared.dataset_schema)
    assert prepared.is_update is False
    assert announced.names == names if names is not None else len(announced) > 3
    assert client.value("SELECT count(*) FROM p") == 0


def test_preparing_takes_nothing_from_a_sequence(client: WireClient) -> None:
    client.update(
        "CREATE OR REPLACE SEQUENCE taken; CREATE OR REPLACE MACRO take() AS nextval('taken')"
    )
    for text in (
        "SELECT nextval('taken') + ?",
        "INSERT INTO p (i, s) VALUES (nextval('taken'), ?)",
    ):
        client.prepare(text)
    client.prepare("SELECT * FROM range(take()) WHERE range = ?")
    assert client.value("SELECT 1") == 1
    client.prepare("INSERT INTO p (i, s) SELECT take(), ?")
    assert client.value("SELECT nextval('taken')") < 10


def test_a_parameter_is_text_when_nobody_can_be_asked() -> None:
    database = Database(DatabaseOptions())
    with closing(database.connect()) as connection:
        connection.begin()
        schema = parameter_schema(connection, parse("SELECT ?::INTEGER")[0])
    database.close()
    assert schema == pa.schema({"1": pa.string()})


def test_a_sessions_own_tables_are_known(stranger: WireClient) -> None:
    stranger.update("CREATE SCHEMA IF NOT EXISTS aside")
    stranger.update("CREATE TABLE IF NOT EXISTS aside.own (a DATE)")
    stranger.update("CREATE TEMP TABLE own_temp (a TIME)")
    assert taken(stranger, "SELECT * FROM own_temp WHERE a = ?") == ["time32[ms]"]
    stranger.update("USE aside")
    assert taken(stranger, "INSERT INTO own VALUES (?)") == ["date32[day]"]


def test_preparing_leaves_an_open_transaction_as_it_is(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE inside (a DATE)", transaction)
    client.update("INSERT INTO p (i) VALUES (1)", transaction)
    assert taken(client, "SELECT * FROM p WHERE d = ?", transaction) == ["date32[day]"]
    assert taken(client, "SELECT * FROM inside WHERE a = ?", transaction) == ["string"]
    assert columns(client, "SELECT a FROM inside WHERE a = ?", transaction).names == ["a"]
    for text in ("FROM read_parquet(?)", "SELECT nothing FROM p WHERE i = ?", "SELECT ?::NOTHING"):
        assert columns(client, text, transaction).names == UNKNOWN.names
    client.end(transaction)
    assert client.value("SELECT count(*) FROM p") == 1
    client.update("DROP TABLE inside")


def test_a_transaction_as_text_goes_on_as_well(stranger: WireClient) -> None:
    stranger.update("BEGIN")
    stranger.update("INSERT INTO p (i) VALUES (1)")
    assert taken(stranger, "SELECT * FROM p WHERE i = ?") == ["int32"]
    stranger.update("ROLLBACK")
    assert stranger.value("SELECT count(*) FROM p") == 0


def test_the_schema_of_a_handle_is_what_was_announced(client: WireClient) -> None:
    for text in (
        "SELECT ? + i AS a FROM p",
        "SELECT i FROM p",
        "DELETE FROM p WHERE i = ? RETURNING s",
    ):
        prepared = client.prepare(text)
        handle = prepared.prepared_statement_handle
        command = sql.CommandPreparedStatementQuery(prepared_statement_handle=handle)
        announced = prepared.dataset_schema
        expected = schema_of(announced) if announced else pa.schema({"Count": pa.int64()})
        assert client.schema(command).equals(expected)
    handle = client.prepare("SELECT * FROM read_parquet(?)").prepared_statement_handle
    with pytest.raises(pa.ArrowInvalid, match="known only once it has run"):
        client.schema(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))
