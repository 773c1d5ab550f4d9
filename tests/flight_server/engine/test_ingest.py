"""Which table an upload goes to, and what is said when it cannot go there."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.ingest import (
    IfExists,
    Target,
    located,
    offered,
    plan,
    rows_of,
)
from flightkeeper.flight_server.engine.intake import importable
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, NotFound

_ROWS = pa.table({"a": [1, 2], "B": ["x", None]})


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    made = database.connect()
    made.command("CREATE OR REPLACE TABLE there (b VARCHAR, a INTEGER, c INTEGER DEFAULT 7)")
    made.command("CREATE SCHEMA IF NOT EXISTS other")
    made.command("ATTACH IF NOT EXISTS ':memory:' AS elsewhere")
    made.command("CREATE SCHEMA IF NOT EXISTS elsewhere.far")
    yield made
    made.command("DETACH elsewhere")
    made.close()


def target(table: str, if_exists: IfExists = IfExists.APPEND, **more: Any) -> Target:
    asked: dict[str, Any] = {"schema": None, "catalog": None, "create": True, **more}
    return Target(table, if_exists=if_exists, **asked)


def apply(connection: Connection, wanted: Target, rows: pa.Table = _ROWS) -> int:
    intake = importable(rows.schema)
    with offered(connection, pa.RecordBatchReader.from_batches(intake.schema, rows.to_batches())):
        return connection.change(plan(connection, located(connection, wanted), intake))


def test_columns_are_matched_by_name_whatever_their_case_and_order(connection: Connection) -> None:
    assert apply(connection, target("THERE")) == 2
    assert connection.rows("FROM there ORDER BY a") == [("x", 1, 7), (None, 2, 7)]


def test_columns_the_table_has_not_are_named(connection: Connection) -> None:
    more = _ROWS.append_column("d", pa.array([1, 2]))
    with pytest.raises(InvalidArgument, match=r'has no column "d"; it has "b", "a", "c"'):
        apply(connection, target("there"), more)
    wide = pa.table({f"column {i}": [1] for i in range(1000)})
    with pytest.raises(InvalidArgument, match=r"column 1\b.*…; it has") as caught:
        apply(connection, target("there"), wide)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ({}, "memory.main"),
        ({"schema": "other"}, "memory.other"),
        ({"schema": "OTHER"}, "memory.other"),
        ({"catalog": "elsewhere"}, "elsewhere.main"),
        ({"catalog": "elsewhere", "schema": "far"}, "elsewhere.far"),
        ({"catalog": "temp", "schema": "main"}, "temp.main"),
    ],
    ids=str,
)
def test_a_table_is_made_where_it_is_wanted(
    connection: Connection, place: dict[str, Any], found: str
) -> None:
    assert apply(connection, target("new", **place)) == 2
    assert connection.rows(f"SELECT count(*) FROM {found}.new") == [(2,)]
    connection.command(f"DROP TABLE {found}.new")


def test_without_a_place_names_mean_what_they_mean_to_the_connection(
    connection: Connection,
) -> None:
    connection.command("USE elsewhere.far")
    apply(connection, target("new"))
    apply(connection, target("new", catalog="elsewhere"))
    connection.command("USE memory.main")
    assert connection.rows("SELECT count(*) FROM elsewhere.far.new") == [(4,)]


def test_a_temporary_table_does_not_stand_for_another(connection: Connection) -> None:
    connection.command("CREATE TEMPORARY TABLE shadow (a INTEGER)")
    with pytest.raises(NotFound, match=r'table "memory"."main"."shadow" does not exist'):
        apply(connection, target("shadow", create=False))


def test_a_schema_named_like_a_catalog_is_not_taken_for_it(connection: Connection) -> None:
    connection.command("CREATE SCHEMA IF NOT EXISTS elsewhere")
    apply(connection, target("new", schema="elsewhere"))
    assert connection.rows("SELECT count(*) FROM memory.elsewhere.new") == [(2,)]
    connection.command("DROP SCHEMA memory.elsewhere CASCADE")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({"catalog": 'no"where'}, r'there is no catalog "no""where" here; nothing was applied'),
        ({"schema": "nowhere"}, r'no schema "nowhere" in catalog "memory".*create it first'),
        ({"catalog": "elsewhere", "schema": "other"}, r'"other" in catalog "elsewhere"'),
    ],
    ids=str,
)
def test_a_place_that_is_not_there_is_not_made(
    connection: Connection, place: dict[str, Any], text: str
) -> None:
    with pytest.raises(NotFound, match=text):
        apply(connection, target("new", **place))


def test_what_is_to_exist_has_to_and_what_is_not_to_must_not(connection: Connection) -> None:
    with pytest.raises(NotFound, match=r"nowhere. does not exist; nothing was applied"):
        apply(connection, target("nowhere", create=False))
    with pytest.raises(InvalidArgument, match=r'"there" already exists; nothing was applied'):
        apply(connection, target("there", IfExists.FAIL))


def test_a_replaced_table_has_the_columns_of_the_upload(connection: Connection) -> None:
    assert apply(connection, target("there", IfExists.REPLACE)) == 2
    assert connection.rows("DESCRIBE there")[0][:2] == ("a", "BIGINT")
    with pytest.raises(NotFound):
        apply(connection, target("nowhere", IfExists.REPLACE, create=False))


def test_only_tables_are_replaced(connection: Connection) -> None:
    connection.command("CREATE OR REPLACE VIEW seen AS SELECT 1 AS a")
    with pytest.raises(InvalidArgument, match="type View"):
        apply(connection, target("seen", IfExists.REPLACE))
    with pytest.raises(InvalidArgument, match=r"not an? table"):
        apply(connection, target("seen"), pa.table({"a": [1]}))
    connection.command("DROP VIEW seen")


def test_a_catalog_that_cannot_be_written_says_so(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "data.duckdb"
    connection.command(f"ATTACH '{path}' AS made")
    connection.command("DETACH made")
    connection.command(f"ATTACH '{path}' AS fixed (READ_ONLY)")
    with pytest.raises(InvalidArgument, match='"fixed" is read-only; nothing was applied'):
        apply(connection, target("new", catalog="fixed"))
    connection.command("DETACH fixed")


def test_a_type_that_arrow_has_not_comes_back(connection: Connection) -> None:
    field = pa.field("a", pa.string(), metadata={"ARROW:FLIGHT:SQL:TYPE_NAME": "UHUGEINT"})
    rows = pa.table([[str(2**128 - 1)]], schema=pa.schema([field]))
    apply(connection, target("huge"), rows)
    assert connection.rows("SELECT a, typeof(a) FROM huge") == [(2**128 - 1, "UHUGEINT")]
    connection.command("DROP TABLE huge")


def test_rows_keep_their_order(connection: Connection) -> None:
    rows = pa.table({"a": range(1_000_000)})
    apply(connection, target("long", IfExists.REPLACE), rows)
    assert connection.table("FROM long")["a"].combine_chunks() == rows["a"].combine_chunks()
    connection.command("DROP TABLE long")


def offer(connection: Connection, rows: pa.Table) -> AbstractContextManager[None]:
    return offered(connection, rows.to_reader())


def test_an_upload_is_read_as_it_comes(connection: Connection) -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(200):
            taken.append(number)
            yield pa.record_batch({"a": range(2048)})

    schema = pa.schema({"a": pa.int64()})
    with offered(connection, pa.RecordBatchReader.from_batches(schema, batches())):
        (statement,) = parse(f"{rows_of(importable(schema))} WHERE #1 = 7 LIMIT 1")
        result = connection.run(statement)
        assert len(taken) < 100
        result.close()


def test_an_upload_is_read_once_and_never_taken_for_empty(connection: Connection) -> None:
    rows = rows_of(importable(_ROWS.schema))
    with pytest.raises(InvalidArgument, match="already been consumed"), offer(connection, _ROWS):
        connection.rows(f"SELECT count(*) FROM ({rows}) x, ({rows}) y")
    with offer(connection, _ROWS):
        assert connection.rows(rows) == [(1, "x"), (2, None)]


def test_an_upload_is_forgotten_also_after_an_error_in_a_transaction(
    connection: Connection,
) -> None:
    rows = rows_of(importable(_ROWS.schema))
    connection.begin()
    with pytest.raises(InvalidArgument, match=r"no such value$"), offer(connection, _ROWS):
        connection.rows(f"SELECT error('no such value') FROM ({rows})")
    connection.rollback()
    with pytest.raises(InvalidArgument, match="does not exist"):
        connection.rows(rows)


def test_nobody_comes_between_when_a_connection_is_used_alone(connection: Connection) -> None:
    thread = threading.Thread(target=lambda: connection.command("SELECT 1"))
    with connection.alone():
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
        connection.command("SELECT 1")
    thread.join()
