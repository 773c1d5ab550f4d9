"""The stock ADBC Flight SQL driver through its DB-API, unchanged, against real nodes."""

import base64
import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_flightsql import DatabaseOptions

from tests.conformance.conftest import PASSWORD, USER, Pair


def connect(location: str, **options: Any) -> Any:
    return adbc.connect(location, db_kwargs={"username": USER, "password": PASSWORD}, **options)


@pytest.fixture
def connection(pair: Pair) -> Iterator[Any]:
    """An autocommitting connection whose tables go away."""
    with connect(pair.first, autocommit=True) as opened:
        yield opened
        with opened.cursor() as cursor:
            cursor.execute("DROP SCHEMA IF EXISTS work CASCADE")


@pytest.fixture
def cursor(connection: Any) -> Iterator[Any]:
    with connection.cursor() as opened:
        opened.execute("CREATE SCHEMA work")
        yield opened


def test_select_answers_rows_and_their_description(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS one, 'x' AS letter UNION ALL SELECT 2, NULL ORDER BY 1")
    assert [column[0] for column in cursor.description] == ["one", "letter"]
    assert cursor.fetchall() == [(1, "x"), (2, None)]


def test_an_empty_result_has_its_schema(cursor: Any) -> None:
    cursor.execute("SELECT 1 AS a WHERE false")
    assert cursor.fetch_arrow_table().schema == pa.schema([("a", pa.int32())])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "INTEGER"),
        (2**40, "BIGINT"),
        (1.5, "DOUBLE"),
        ("text 'quoted' ü", "VARCHAR"),
        (b"\x00\xff", "BLOB"),
        (True, "BOOLEAN"),
        (None, "INTEGER"),
        (dt.date(2024, 2, 29), "DATE"),
        (dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"), "TIMESTAMP"),
        (decimal.Decimal("12.345"), "DECIMAL(10,3)"),
    ],
)
def test_parameters_arrive_as_they_were_given(cursor: Any, value: object, kind: str) -> None:
    cursor.execute(f"SELECT ?::{kind}", (value,))
    assert cursor.fetchone() == (value,)


def test_a_query_runs_once_for_each_row_of_parameters(cursor: Any) -> None:
    cursor.execute("SELECT ?::INT * 2 AS twice", pa.table({"0": [1, 2, 3]}))
    assert cursor.fetchall() == [(2,), (4,), (6,)]


def test_the_same_statement_again_uses_the_new_parameters(cursor: Any) -> None:
    cursor.execute("SELECT ?::INT", (1,))
    assert cursor.fetchone() == (1,)
    cursor.execute("SELECT ?::INT", (2,))
    assert cursor.fetchone() == (2,)


def test_changes_take_effect_and_are_counted_without_fetching(cursor: Any) -> None:
    """Through plain execute(): a driver that plans and never fetches loses nothing."""
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    assert cursor.rowcount == 0
    cursor.execute("INSERT INTO work.t VALUES (1, 'x'), (2, 'y'), (3, 'z')")
    assert cursor.rowcount == 3
    cursor.execute("UPDATE work.t SET b = 'w' WHERE a > 1")
    assert cursor.rowcount == 2
    cursor.execute("DELETE FROM work.t WHERE a = ?", (3,))
    assert cursor.rowcount == 1
    cursor.execute("SELECT * FROM work.t ORDER BY a")
    assert cursor.fetchall() == [(1, "x"), (2, "w")]


def test_returning_answers_rows(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t AS SELECT range AS a FROM range(5)")
    assert cursor.rowcount == 5
    cursor.execute("INSERT INTO work.t VALUES (10), (11) RETURNING a + 1 AS next")
    assert cursor.fetchall() == [(11,), (12,)]
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (7,)


def test_executemany_inserts_every_row_once(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [(n, str(n)) for n in range(50)])
    assert cursor.rowcount == 50
    cursor.execute("SELECT count(*), sum(a), count(DISTINCT b) FROM work.t")
    assert cursor.fetchone() == (50, 1225, 50)


def test_executemany_is_all_or_nothing(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT PRIMARY KEY)")
    with pytest.raises(adbc.ProgrammingError, match="duplicate key"):
        cursor.executemany("INSERT INTO work.t VALUES (?)", [(1,), (2,), (1,)])
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


def test_executemany_without_rows_does_nothing(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    cursor.executemany("INSERT INTO work.t VALUES (?)", [])
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


def test_executescript_runs_several_statements_in_order(cursor: Any) -> None:
    cursor.executescript("CREATE TABLE work.t (a INT); INSERT INTO work.t VALUES (1), (2)")
    cursor.execute("SELECT sum(a) FROM work.t")
    assert cursor.fetchone() == (3,)


def test_commit_and_rollback(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    with connect(pair.first) as other, other.cursor() as writer:
        writer.execute("INSERT INTO work.t VALUES (1)")
        cursor.execute("SELECT count(*) FROM work.t")
        assert cursor.fetchone() == (0,)
        other.commit()
        cursor.execute("SELECT count(*) FROM work.t")
        assert cursor.fetchone() == (1,)
        writer.execute("INSERT INTO work.t VALUES (2)")
        other.rollback()
        writer.execute("SELECT a FROM work.t")
        assert writer.fetchall() == [(1,)]


def test_a_commit_after_an_error_fails_loudly_and_writes_nothing(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT NOT NULL)")
    with connect(pair.first) as other:
        with other.cursor() as writer:
            writer.execute("INSERT INTO work.t VALUES (1)")
            with pytest.raises(adbc.Error):
                writer.execute("INSERT INTO work.t VALUES (NULL)")
        with pytest.raises(adbc.Error, match="rolled back, nothing of it was written"):
            other.commit()
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


def test_two_results_of_one_transaction_can_be_read_side_by_side(pair: Pair) -> None:
    with connect(pair.first) as opened, opened.cursor() as one, opened.cursor() as two:
        one.execute("SELECT range AS a FROM range(500000)")
        first = one.fetchone()
        two.execute("SELECT count(*) FROM range(10)")
        assert two.fetchone() == (10,)
        rest = one.fetch_arrow_table() if first is None else one.fetchall()
        assert first == (0,)
        assert len(rest) == 499_999
        assert rest[-1] == (499_999,)


@pytest.mark.parametrize("depth", ["catalogs", "db_schemas", "tables", "columns", "all"])
def test_get_objects_at_every_depth(connection: Any, cursor: Any, depth: str) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    cursor.execute("CREATE VIEW work.v AS SELECT a FROM work.t")
    catalogs = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
    catalog = next(row for row in catalogs if row["catalog_name"] == "memory")
    if depth == "catalogs":
        return
    schemas = {row["db_schema_name"]: row for row in catalog["catalog_db_schemas"]}
    assert {"main", "work"} <= schemas.keys()
    if depth == "db_schemas":
        return
    tables = {row["table_name"]: row for row in schemas["work"]["db_schema_tables"]}
    assert {name: row["table_type"] for name, row in tables.items()} == {"t": "TABLE", "v": "VIEW"}
    if depth == "tables":
        return
    columns = [(c["column_name"], c["xdbc_type_name"]) for c in tables["t"]["table_columns"]]
    assert columns == [("a", "INTEGER"), ("b", "VARCHAR")]


def test_get_objects_filters(connection: Any, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.left_one (a INT)")
    cursor.execute("CREATE TABLE work.right_one (a INT)")
    found = connection.adbc_get_objects(
        db_schema_filter="wor%", table_name_filter="left\\_%", table_types_filter=["TABLE"]
    )
    (catalog,) = (row for row in found.read_all().to_pylist() if row["catalog_name"] == "memory")
    (schema,) = catalog["catalog_db_schemas"]
    assert [table["table_name"] for table in schema["db_schema_tables"]] == ["left_one"]


def test_get_table_schema_table_types_and_info(connection: Any, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b DECIMAL(10, 2))")
    schema = connection.adbc_get_table_schema("t", db_schema_filter="work")
    fields: list[pa.Field[Any]] = [pa.field("a", pa.int32()), pa.field("b", pa.decimal128(10, 2))]
    assert schema.remove_metadata() == pa.schema(fields)
    assert {"TABLE", "VIEW"} <= set(connection.adbc_get_table_types())
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "Flightkeeper"
    assert info["vendor_version"].startswith("duckdb v")


def test_prepare_tells_schemas_before_anything_runs(cursor: Any) -> None:
    parameters = cursor.adbc_prepare("SELECT ?::INT + ?::INT AS total")
    assert len(parameters) == 2
    assert cursor.adbc_execute_schema("SELECT 1 AS a").names == ["a"]


def test_current_catalog_and_schema_belong_to_the_connection(pair: Pair, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.here (a INT)")
    with (
        connect(pair.first, autocommit=True) as mine,
        connect(pair.first, autocommit=True) as other,
    ):
        assert mine.adbc_current_db_schema == "main"
        mine.adbc_current_db_schema = "work"
        assert mine.adbc_current_db_schema == "work"
        assert mine.adbc_current_catalog == "memory"
        with mine.cursor() as inside, other.cursor() as outside:
            inside.execute("SELECT count(*) FROM here")
            assert inside.fetchone() == (0,)
            with pytest.raises(adbc.ProgrammingError, match="here does not exist"):
                outside.execute("SELECT count(*) FROM here")


def test_a_transaction_looks_names_up_where_its_connection_does(pair: Pair, cursor: Any) -> None:
    """Without autocommit, which is the driver's default, every statement is in a transaction."""
    cursor.execute("CREATE TABLE work.here (a INT)")
    with connect(pair.first) as opened:
        opened.adbc_current_db_schema = "work"
        with opened.cursor() as inside:
            inside.execute("INSERT INTO here VALUES (1)")
            opened.commit()
            inside.execute("SELECT a FROM here")
            assert inside.fetchall() == [(1,)]


def test_session_state_in_sql_stays_with_its_connection(pair: Pair) -> None:
    with connect(pair.first, autocommit=True) as mine, mine.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE scratch (a INT)")
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO scratch VALUES (1)")
        cursor.execute("ROLLBACK")
        cursor.execute("ROLLBACK")
        cursor.execute("SELECT count(*) FROM scratch")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("statement", "kind", "text"),
    [
        ("SELEC 1", adbc.ProgrammingError, r"(?s)syntax error.*LINE 1: SELEC 1"),
        ("SELECT * FROM nope", adbc.ProgrammingError, "nope does not exist"),
        ("SELECT 'x'::INT", adbc.ProgrammingError, "Could not convert"),
        ("SELECT * FROM read_csv('/no/such')", adbc.OperationalError, "No files found"),
        ("   ", adbc.ProgrammingError, "empty"),
    ],
)
def test_errors_say_what_duckdb_said_and_nothing_of_ours(
    cursor: Any, statement: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        cursor.execute(statement)
    told = f"{caught.value} {getattr(caught.value, 'details', '')}"
    assert "Traceback" not in told
    assert ".py" not in told
    assert "flight_server" not in told


def test_a_wrong_password_is_refused(pair: Pair) -> None:
    options = {"username": USER, "password": "wrong"}
    with (
        pytest.raises(adbc.Error, match="unknown user or wrong password"),
        adbc.connect(pair.first, db_kwargs=options) as opened,
        opened.cursor() as cursor,
    ):
        cursor.execute("SELECT 1")


def test_basic_on_every_call_needs_no_handshake(pair: Pair) -> None:
    credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Basic {credentials}"}
    with (
        adbc.connect(pair.first, db_kwargs=options, autocommit=True) as opened,
        opened.cursor() as cursor,
    ):
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_what_one_node_planned_another_delivers(pair: Pair) -> None:
    """Tickets are portable: a static pair needs no discovery and no shared state."""
    with (
        connect(pair.first, autocommit=True) as one,
        connect(pair.second, autocommit=True) as two,
    ):
        with one.cursor() as planner:
            partitions, schema = planner.adbc_execute_partitions(
                "SELECT range AS a FROM range(300000)"
            )
        assert schema.names == ["a"]
        with two.cursor() as reader:
            rows = 0
            for partition in partitions:
                reader.adbc_read_partition(partition)
                rows += reader.fetch_arrow_table().num_rows
    assert rows == 300_000
