"""Bulk ingest over the wire: every mode and place, all of it or nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.uploading import (
    APPEND,
    CREATE,
    CREATE_APPEND,
    NEITHER,
    REPLACE,
    REPLACE_ONLY,
    Ingest,
    Options,
    endless,
    ingest,
    into,
    uploading,
)
from tests.flight_server.wire_client import Served, WireClient, serving

ROWS = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
MORE = pa.table({"b": ["w"], "a": [4]})


@pytest.fixture
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[WireClient]:
    with served.client(user=request.node.name) as made:
        made.update("DROP SCHEMA IF EXISTS work CASCADE; CREATE SCHEMA work")
        yield made


def rows_of(
    client: WireClient, table: str, transaction: bytes | None = None
) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in client.query(f"FROM {table}", transaction).to_pylist()]


@pytest.mark.parametrize("mode", [CREATE, CREATE_APPEND, REPLACE], ids=["c", "ca", "r"])
def test_a_table_that_is_not_there_is_made(client: WireClient, mode: Options) -> None:
    assert ingest(client, into("t", mode, schema="work"), ROWS) == 3
    assert rows_of(client, "work.t") == [(1, "x"), (2, None), (3, "z")]


@pytest.mark.parametrize("mode", [APPEND, REPLACE_ONLY], ids=["append", "replace"])
def test_a_table_that_has_to_be_there_is_not_made(client: WireClient, mode: Options) -> None:
    with pytest.raises(KeyError, match=r'"work"."t" does not exist; nothing was applied'):
        ingest(client, into("t", mode, schema="work"), ROWS)
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 0


@pytest.mark.parametrize(
    ("mode", "left"),
    [(APPEND, 4), (CREATE_APPEND, 4), (REPLACE, 1), (REPLACE_ONLY, 1)],
    ids=["append", "create or append", "create or replace", "replace"],
)
def test_a_table_that_is_there_is_added_to_or_replaced(
    client: WireClient, mode: Options, left: int
) -> None:
    ingest(client, into("t", schema="work"), ROWS)
    assert ingest(client, into("t", mode, schema="work"), MORE) == 1
    assert client.value("SELECT count(*) FROM work.t") == left
    assert client.value("SELECT a FROM work.t WHERE b = 'w'") == 4


def test_a_table_that_must_not_be_there_stays(client: WireClient) -> None:
    ingest(client, into("t", schema="work"), ROWS)
    with pytest.raises(pa.ArrowInvalid, match="already exists; nothing was applied"):
        ingest(client, into("t", CREATE, schema="work"), MORE)
    assert len(rows_of(client, "work.t")) == 3


REFUSED = {
    "no modes": (Ingest(table="t"), "say what to do if the table exists"),
    "half a mode": (into("t", Options(if_exists=APPEND.if_exists)), "and what if it does not"),
    "the other half": (into("t", Options(if_not_exist=APPEND.if_not_exist)), "if the table exists"),
    "no mode that can be": (into("t", NEITHER), "cannot succeed"),
    "no table": (into(""), "the table needs a name"),
    "an option": (into("t", options={"tablespace": "x"}), "no such options here: tablespace"),
    "temporary elsewhere": (into("t", temporary=True, schema="work"), "a place of their own"),
    "temporary in a catalog": (into("t", temporary=True, catalog="memory"), "leave out catalog"),
    "no catalog": (into("t", catalog="nowhere"), 'no catalog "nowhere"'),
    "no schema": (into("t", schema="nowhere"), 'no schema "nowhere"'),
    "no name": (into("t\0", schema="work"), "without zero bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_command_that_cannot_be_done_is_refused_before_data_are_sent(
    client: WireClient, case: str
) -> None:
    command, text = REFUSED[case]
    with (
        uploading(client, command, ROWS.schema) as (writer, _),
        pytest.raises((pa.ArrowInvalid, KeyError), match=text),
    ):
        endless(writer)
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 0


def test_an_upload_without_rows_makes_a_table_without_rows(client: WireClient) -> None:
    with uploading(client, into("t", schema="work"), ROWS.schema) as (writer, reader):
        writer.done_writing()
        answer = sql.DoPutUpdateResult.FromString(bytes(reader.read()))
    assert answer.record_count == 0
    assert ingest(client, into("t", schema="work"), ROWS.slice(0, 0)) == 0
    assert client.query("FROM work.t").schema.names == ["a", "b"]
    assert rows_of(client, "work.t") == []


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("a INTEGER PRIMARY KEY, b VARCHAR", "(?i)duplicate key"),
        ("a INTEGER, b VARCHAR UNIQUE", "(?i)duplicate key"),
        ("a INTEGER, b VARCHAR NOT NULL", "NOT NULL constraint failed: t.b"),
        ("a INTEGER CHECK (a < 4), b VARCHAR", "CHECK constraint failed"),
        ("a INTEGER, b INTEGER", "Could not convert string"),
        ("a TINYINT, b VARCHAR", "(?i)out of range|cast"),
        ("a INTEGER, b VARCHAR, c INTEGER NOT NULL", "NOT NULL constraint failed: t.c"),
        ("b VARCHAR", 'has no column "a"; it has "b"'),
    ],
)
def test_what_the_table_does_not_take_is_not_applied_at_all(
    client: WireClient, definition: str, text: str
) -> None:
    client.update(f"CREATE TABLE work.t ({definition})")
    rows = pa.table({"a": [1, 2, 1, 1000], "b": ["x", "y", "x", None]})
    with pytest.raises(pa.ArrowInvalid, match=text) as caught:
        ingest(client, into("t", APPEND, schema="work"), rows)
    assert "; nothing was applied" in str(caught.value)
    assert "LINE 1" not in str(caught.value)
    assert rows_of(client, "work.t") == []


def test_a_replacement_that_fails_leaves_the_old_table(client: WireClient) -> None:
    ingest(client, into("t", schema="work"), ROWS)
    field = pa.field("a", pa.string(), metadata={"ARROW:FLIGHT:SQL:TYPE_NAME": "UHUGEINT"})
    bad = pa.table([["1", "no number"]], schema=pa.schema([field]))
    with pytest.raises(pa.ArrowInvalid, match=r"no number.*nothing was applied"):
        ingest(client, into("t", REPLACE, schema="work"), bad)
    assert len(rows_of(client, "work.t")) == 3


def test_values_are_cast_as_insert_does_it_and_missing_ones_are_the_default(
    client: WireClient,
) -> None:
    client.update("CREATE TABLE work.t (c INTEGER DEFAULT 7, a VARCHAR, d DATE, b BLOB)")
    assert ingest(client, into("T", APPEND, schema="WORK"), ROWS) == 3
    assert rows_of(client, "work.t")[0] == (7, "1", None, b"x")


def test_dictionaries_may_change_from_batch_to_batch(client: WireClient) -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    schema = pa.schema({"flat": kind, "deep": pa.list_(kind)})
    with uploading(client, into("t", schema="work"), schema) as (writer, reader):
        for text in ("x", "y", "x"):
            flat = pa.array([text, None]).dictionary_encode().cast(kind)
            deep = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), flat)
            writer.write_batch(pa.record_batch([flat, deep], schema=schema))
        writer.done_writing()
        assert sql.DoPutUpdateResult.FromString(bytes(reader.read())).record_count == 6
    expected = [("x", ["x"]), (None, [None]), ("y", ["y"]), (None, [None]), ("x", ["x"])]
    assert rows_of(client, "work.t")[:5] == expected
    assert client.query("FROM work.t").schema.types == [pa.string(), pa.list_(pa.string())]


def test_a_temporary_table_is_the_sessions_own(client: WireClient, served: Served) -> None:
    assert ingest(client, into("mine", temporary=True), ROWS) == 3
    assert ingest(client, into("mine", APPEND, temporary=True), MORE) == 1
    assert ingest(client, into("mine", APPEND, catalog="temp", schema="main"), MORE) == 1
    assert len(rows_of(client, "mine")) == 5
    with served.client("another") as other, pytest.raises(pa.ArrowInvalid, match="mine does not"):
        rows_of(other, "mine")


def test_a_caller_without_state_gets_no_temporary_table(client: WireClient) -> None:
    client.extra_headers[headers.STATELESS] = "1"
    with pytest.raises(pa.ArrowInvalid, match=r"temporary tables.*stay on one node"):
        ingest(client, into("mine", temporary=True), ROWS)


def test_a_temporary_table_joins_the_transaction_that_has_the_session(client: WireClient) -> None:
    ingest(client, into("one", temporary=True), ROWS)
    transaction = client.begin()
    assert len(rows_of(client, "one", transaction)) == 3
    ingest(client, into("two", temporary=True), ROWS)
    ingest(client, into("one", APPEND, temporary=True), MORE)
    assert len(rows_of(client, "one", transaction)) == 4
    client.end(transaction)
    assert len(rows_of(client, "one")) == 4
    assert len(rows_of(client, "two")) == 3


@pytest.mark.parametrize("commit", [True, False], ids=["committed", "rolled back"])
def test_an_ingest_in_a_transaction_ends_with_it(client: WireClient, *, commit: bool) -> None:
    ingest(client, into("t", schema="work"), ROWS)
    transaction = client.begin()
    assert ingest(client, into("t", APPEND, schema="work", transaction_id=transaction), MORE) == 1
    assert ingest(client, into("new", schema="work", transaction_id=transaction), ROWS) == 3
    assert len(rows_of(client, "work.t")) == 3
    assert len(rows_of(client, "work.t", transaction)) == 4
    client.end(transaction, commit=commit)
    assert len(rows_of(client, "work.t")) == (4 if commit else 3)
    assert client.value("SELECT count(*) FROM duckdb_tables()") == (2 if commit else 1)


def test_an_error_of_the_engine_aborts_the_transaction_and_says_so(client: WireClient) -> None:
    client.update("CREATE TABLE work.t (a INTEGER, b INTEGER)")
    transaction = client.begin()
    client.update("CREATE TABLE work.before (a INTEGER)", transaction)
    with pytest.raises(pa.ArrowInvalid, match="open transaction is aborted: roll it back"):
        ingest(client, into("t", APPEND, schema="work", transaction_id=transaction), ROWS)
    with pytest.raises(Exception, match="nothing of it was written"):
        client.end(transaction)
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 1


def test_what_is_refused_before_does_not_hurt_the_transaction(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE work.t (a INTEGER)", transaction)
    with pytest.raises(pa.ArrowInvalid, match='has no column "b"'):
        ingest(client, into("t", APPEND, schema="work", transaction_id=transaction), ROWS)
    client.end(transaction)
    assert client.value("SELECT count(*) FROM work.t") == 0


def test_a_caller_who_wants_reads_only_is_refused(client: WireClient) -> None:
    client.reads_only()
    with pytest.raises(pa.ArrowInvalid, match="only reads were asked for; nothing was applied"):
        ingest(client, into("t", schema="work"), ROWS)
    assert client.received[headers.REASON] == headers.Reason.NOT_READ_ONLY


def test_a_read_only_node_says_so_before_data_are_sent(tmp_path: Path) -> None:
    path = str(tmp_path / "data.duckdb")
    with serving(database=path):
        pass
    with serving(database=path, read_only=True) as served, served.client() as client:
        with (
            uploading(client, into("t"), ROWS.schema) as (writer, _),
            pytest.raises(pa.ArrowInvalid, match='"data" is read-only; nothing was applied'),
        ):
            endless(writer)
        assert ingest(client, into("t", temporary=True), ROWS) == 3


@pytest.mark.lake
def test_an_ingest_that_made_its_table_is_answered_when_it_is_sent_again(tmp_path: Path) -> None:
    lake = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    with serving(lake=lake) as served, served.client() as client:
        client.extra_headers[headers.STATEMENT_ID] = "first"
        for _ in range(2):
            assert ingest(client, into("t", CREATE), ROWS) == 3
        for others in (ROWS.slice(1), ROWS.rename_columns(["a", "c"]), MORE.select(["a"])):
            with pytest.raises(pa.ArrowInvalid, match="was another statement's"):
                ingest(client, into("t", CREATE), others)
        # What has no ledger is what it always was.
        assert ingest(client, into("own", CREATE, catalog="memory"), ROWS) == 3
        with pytest.raises(pa.ArrowInvalid, match="already exists; nothing was applied"):
            ingest(client, into("own", CREATE, catalog="memory"), ROWS)
        client.extra_headers[headers.STATEMENT_ID] = "second"
        with pytest.raises(pa.ArrowInvalid, match="already exists; nothing was applied"):
            ingest(client, into("t", CREATE), ROWS)
        assert rows_of(client, "t") == [(1, "x"), (2, None), (3, "z")]


@pytest.mark.lake
def test_what_nobody_can_look_up_is_refused_when_it_is_said_to_be_sent_again(
    tmp_path: Path,
) -> None:
    lake = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    with serving(lake=lake) as served, served.client() as client:
        client.update("CREATE TABLE t (a INTEGER)")
        client.extra_headers[headers.STATEMENT_ID] = "text"
        text = "BEGIN; INSERT INTO t VALUES (1); COMMIT; BEGIN; ROLLBACK"
        client.update(text)
        client.extra_headers[headers.SENT_BEFORE] = "1"
        with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
            client.update(text)
        with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
            ingest(client, into("own", CREATE, catalog="memory"), ROWS)
        assert client.value("SELECT count(*) FROM lake.t") == 1
