"""The stock ADBC driver: writing Arrow data into tables in bulk."""

import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.conformance.conftest import Pair, connect

TOOL = "ADBC DB-API (Python)"
ingest = pytest.mark.tool(TOOL, "bulk ingest: create, append, replace, create_append, temporary")
kinds = pytest.mark.tool(TOOL, "bulk ingest of every type")
in_transaction = pytest.mark.tool(TOOL, "bulk ingest within a transaction")

ROWS = pa.table({"a": pa.array([1, 2, 3], pa.int32()), "b": ["x", None, "z"]})
MORE = pa.table({"a": pa.array([4], pa.int32()), "b": ["w"]})


def rows_of(cursor: Any, table: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = cursor.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
    return rows


@ingest
def test_create_makes_a_table_of_the_datas_types(connection: Any, cursor: Any) -> None:
    assert cursor.adbc_ingest("t", ROWS, "create", db_schema_name="work") == 3
    assert rows_of(cursor, "work.t") == [(1, "x"), (2, None), (3, "z")]
    schema = connection.adbc_get_table_schema("t", db_schema_filter="work")
    assert schema.types == [pa.int32(), pa.string()]


@ingest
def test_create_refuses_a_table_that_exists(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    with pytest.raises(adbc.Error, match="already exists"):
        cursor.adbc_ingest("t", ROWS, "create", db_schema_name="work")
    assert rows_of(cursor, "work.t") == []


@ingest
def test_append_adds_to_a_table_that_exists(cursor: Any) -> None:
    with pytest.raises(adbc.ProgrammingError, match="does not exist"):
        cursor.adbc_ingest("t", ROWS, "append", db_schema_name="work")
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    assert cursor.adbc_ingest("t", ROWS, "append", db_schema_name="work") == 3
    assert cursor.adbc_ingest("t", MORE, "append", db_schema_name="work") == 1
    assert [a for a, _ in rows_of(cursor, "work.t")] == [1, 2, 3, 4]


@ingest
def test_replace_leaves_only_the_new_rows(cursor: Any) -> None:
    assert cursor.adbc_ingest("t", ROWS, "replace", db_schema_name="work") == 3
    other = pa.table({"c": [1.5]})
    assert cursor.adbc_ingest("t", other, "replace", db_schema_name="work") == 1
    assert rows_of(cursor, "work.t") == [(1.5,)]


@ingest
def test_create_append_does_what_is_needed(cursor: Any) -> None:
    assert cursor.adbc_ingest("t", ROWS, "create_append", db_schema_name="work") == 3
    assert cursor.adbc_ingest("t", MORE, "create_append", db_schema_name="work") == 1
    assert len(rows_of(cursor, "work.t")) == 4


@ingest
def test_a_refused_append_writes_nothing(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT PRIMARY KEY, b VARCHAR)")
    double = pa.concat_tables([ROWS, MORE, ROWS])
    with pytest.raises(adbc.Error, match=r"(?i)duplicate key"):
        cursor.adbc_ingest("t", double, "append", db_schema_name="work")
    other = pa.table({"a": ["no number"], "b": ["x"]})
    with pytest.raises(adbc.Error):
        cursor.adbc_ingest("t", other, "append", db_schema_name="work")
    assert rows_of(cursor, "work.t") == []


@ingest
def test_a_temporary_table_belongs_to_its_connection(pair: Pair, cursor: Any) -> None:
    with connect(pair.first, autocommit=True) as mine, mine.cursor() as inside:
        assert inside.adbc_ingest("scratch", ROWS, "create", temporary=True) == 3
        assert inside.adbc_ingest("scratch", MORE, "append", temporary=True) == 1
        assert len(rows_of(inside, "scratch")) == 4
        assert inside.adbc_ingest("scratch", MORE, "replace", temporary=True) == 1
        assert rows_of(inside, "scratch") == [(4, "w")]
        with pytest.raises(adbc.ProgrammingError, match="scratch does not exist"):
            rows_of(cursor, "scratch")


@ingest
def test_a_temporary_table_has_no_place(connection: Any, cursor: Any) -> None:
    with pytest.raises(adbc.ProgrammingError):
        cursor.adbc_ingest("t", ROWS, "create", temporary=True, db_schema_name="work")
    found = connection.adbc_get_objects(table_name_filter="t").read_all().to_pylist()
    schemas = [schema for catalog in found for schema in catalog["catalog_db_schemas"]]
    assert not any(schema["db_schema_tables"] for schema in schemas)


@ingest
def test_catalog_and_schema_say_where(cursor: Any) -> None:
    cursor.execute("ATTACH ':memory:' AS other")
    try:
        cursor.execute("CREATE SCHEMA other.place")
        there = {"catalog_name": "other", "db_schema_name": "place"}
        assert cursor.adbc_ingest("t", ROWS, "create", **there) == 3
        assert len(rows_of(cursor, "other.place.t")) == 3
        with pytest.raises(adbc.ProgrammingError):
            cursor.adbc_ingest("t", ROWS, "create", catalog_name="nowhere", db_schema_name="place")
    finally:
        cursor.execute("DETACH other")


@ingest
def test_without_a_place_the_connections_own_is_meant(pair: Pair, cursor: Any) -> None:
    with connect(pair.first, autocommit=True) as mine, mine.cursor() as inside:
        mine.adbc_current_db_schema = "work"
        assert inside.adbc_ingest("here", ROWS) == 3
    assert len(rows_of(cursor, "work.here")) == 3


@ingest
def test_names_need_no_quoting(cursor: Any) -> None:
    odd = pa.table({'a "b"': [1], "select": ["x"], "Ä;": [True]})
    assert cursor.adbc_ingest('t"; DROP SCHEMA work', odd, db_schema_name="work") == 1
    cursor.execute('SELECT "a ""b""", "select", "Ä;" FROM work."t""; DROP SCHEMA work"')
    assert cursor.fetchall() == [(1, "x", True)]


@ingest
@pytest.mark.parametrize("form", ["batch", "table", "reader", "dataset"])
def test_data_comes_in_any_form(cursor: Any, form: str) -> None:
    table = pa.table({"a": range(100_000)})
    data = {
        "batch": table.combine_chunks().to_batches()[0],
        "table": table,
        "reader": table.to_reader(max_chunksize=1000),
        "dataset": ds.dataset(table),
    }[form]
    assert cursor.adbc_ingest("t", data, db_schema_name="work") == 100_000
    cursor.execute("SELECT count(*), sum(a) FROM work.t")
    assert cursor.fetchall() == [(100_000, 4_999_950_000)]


@ingest
def test_a_stream_that_fails_half_way_writes_nothing(cursor: Any) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(3):
            yield pa.record_batch({"a": [1, 2, 3]})
        raise ValueError("the source broke")

    cursor.execute("CREATE TABLE work.t (a BIGINT)")
    broken = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), batches())
    with pytest.raises(adbc.Error, match="the source broke"):
        cursor.adbc_ingest("t", broken, "append", db_schema_name="work")
    assert rows_of(cursor, "work.t") == []


@in_transaction
def test_an_ingest_belongs_to_the_open_transaction(pair: Pair, cursor: Any) -> None:
    with connect(pair.first) as other, other.cursor() as writer:
        for _ in range(2):
            assert writer.adbc_ingest("t", ROWS, db_schema_name="work") == 3
            assert len(rows_of(writer, "work.t")) == 3
            other.rollback()
        writer.execute("CREATE TABLE work.t (id BIGINT)")
        writer.execute("DROP TABLE work.t")
        assert writer.adbc_ingest("t", ROWS, "create", db_schema_name="work") == 3
        with pytest.raises(adbc.ProgrammingError, match="t does not exist"):
            cursor.execute("FROM work.t")
        other.commit()
    assert len(rows_of(cursor, "work.t")) == 3


interval: Any = pa.MonthDayNano
COLUMNS: dict[str, Any] = {
    "bool": pa.array([True, False, None]),
    "int8": pa.array([-128, None], pa.int8()),
    "int16": pa.array([-(2**15), None], pa.int16()),
    "int32": pa.array([-(2**31), None], pa.int32()),
    "int64": pa.array([-(2**63), None], pa.int64()),
    "uint8": pa.array([255, None], pa.uint8()),
    "uint16": pa.array([2**16 - 1, None], pa.uint16()),
    "uint32": pa.array([2**32 - 1, None], pa.uint32()),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "float32": pa.array([1.5, None], pa.float32()),
    "float64": pa.array([1e300, float("inf"), None], pa.float64()),
    "decimal": pa.array([decimal.Decimal("-1.23"), None], pa.decimal128(12, 2)),
    "string": pa.array(["ä🦆", "", None]),
    "large string": pa.array(["a", None], pa.large_string()),
    "string view": pa.array(["a much longer text", None], pa.string_view()),
    "binary": pa.array([b"\x00\xff", b"", None]),
    "large binary": pa.array([b"\x00", None], pa.large_binary()),
    "fixed size binary": pa.array([b"\x00\x01", None], pa.binary(2)),
    "date": pa.array([dt.date(1969, 12, 31), None]),
    "time": pa.array([dt.time(23, 59, 59, 1), None]),
    "timestamp s": pa.array([-1, None], pa.timestamp("s")),
    "timestamp ms": pa.array([-1, None], pa.timestamp("ms")),
    "timestamp us": pa.array([-1, None], pa.timestamp("us")),
    "timestamp ns": pa.array([1000, None], pa.timestamp("ns")),
    "timestamp us with zone": pa.array([-1, None], pa.timestamp("us", "UTC")),
    "interval": pa.array([interval([1, 2, 3000]), None]),
    "dictionary": pa.array(["x", "y", "x", None]).dictionary_encode(),
    "list": pa.array([[1, None], [], None]),
    "fixed size list": pa.array([[1, 2], None], pa.list_(pa.int32(), 2)),
    "struct": pa.array([{"a": 1, "b": ["x"]}, None]),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    "null": pa.array([None, None]),
}


@kinds
@pytest.mark.parametrize("kind", COLUMNS)
def test_values_of_a_type_come_back_as_they_went(cursor: Any, kind: str) -> None:
    values = COLUMNS[kind]
    data = pa.table({"n": range(len(values)), "a": values})
    assert cursor.adbc_ingest("t", data, db_schema_name="work") == len(values)
    back = cursor.execute("SELECT a FROM work.t ORDER BY n").fetch_arrow_table()["a"]
    assert back.to_pylist() == values.to_pylist()
