"""The stock ADBC driver: preparing statements, and binding parameters to them."""

import datetime as dt
import decimal
import uuid
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

TOOL = "ADBC DB-API (Python)"
parameters = pytest.mark.tool(TOOL, "parameters of every type")
many = pytest.mark.tool(TOOL, "executemany")
prepare = pytest.mark.tool(TOOL, "prepare")
by_name = pytest.mark.tool(
    TOOL, "parameters by name", limit="the driver has no adbc.statement.bind_by_name"
)

VALUES = [
    (1, "INTEGER"),
    (2**40, "BIGINT"),
    (1.5, "DOUBLE"),
    ("text 'quoted' ü", "VARCHAR"),
    (b"\x00\xff", "BLOB"),
    (True, "BOOLEAN"),
    (None, "INTEGER"),
    (dt.date(2024, 2, 29), "DATE"),
    (dt.time(23, 59, 59, 1), "TIME"),
    (dt.datetime.fromisoformat("2024-02-29T01:02:03.000004"), "TIMESTAMP"),
    (decimal.Decimal("12.345"), "DECIMAL(10,3)"),
    (decimal.Decimal("31943874831932418390.010000000007"), "DECIMAL(38,12)"),
]

ARRAYS: "list[tuple[pa.Array[Any], str]]" = [
    (pa.array([-128, 127, None], pa.int8()), "TINYINT"),
    (pa.array([255, 0, None], pa.uint8()), "UTINYINT"),
    (pa.array([-(2**15), None], pa.int16()), "SMALLINT"),
    (pa.array([2**16 - 1, None], pa.uint16()), "USMALLINT"),
    (pa.array([2**31 - 1, None], pa.int32()), "INTEGER"),
    (pa.array([2**32 - 1, None], pa.uint32()), "UINTEGER"),
    (pa.array([-(2**63), None], pa.int64()), "BIGINT"),
    (pa.array([2**64 - 1, None], pa.uint64()), "UBIGINT"),
    (pa.array([1.5, None], pa.float32()), "FLOAT"),
    (pa.array([1e300, None], pa.float64()), "DOUBLE"),
    (pa.array(["a", "", None], pa.large_string()), "VARCHAR"),
    (pa.array(["a", "", None], pa.string_view()), "VARCHAR"),
    (pa.array(["a", "b", "a"]).dictionary_encode(), "VARCHAR"),
    (pa.array([b"\x00", b"", None], pa.large_binary()), "BLOB"),
    (pa.array([b"\x00\x01", None], pa.binary(2)), "BLOB"),
    (pa.array([dt.date(1969, 12, 31), None], pa.date32()), "DATE"),
    (pa.array([dt.time(1, 2, 3, 4)], pa.time64("us")), "TIME"),
    (pa.array([dt.datetime(2024, 1, 1, 1, 2, 3)], pa.timestamp("s")), "TIMESTAMP_S"),  # noqa: DTZ001 - without a zone
    (pa.array([1, None], pa.timestamp("ns")), "TIMESTAMP_NS"),
    (pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")), "TIMESTAMPTZ"),
    (pa.array([decimal.Decimal("-1.23"), None], pa.decimal128(38, 2)), "DECIMAL(38,2)"),
    (pa.array([[1, 2], [], None], pa.list_(pa.int32())), "INTEGER[]"),
    (pa.array([{"a": 1, "b": "x"}, None]), "STRUCT(a BIGINT, b VARCHAR)"),
]


@parameters
@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_parameters_arrive_as_they_were_given(cursor: Any, value: object, kind: str) -> None:
    cursor.execute(f"SELECT ?::{kind}", (value,))
    assert cursor.fetchone() == (value,)


@parameters
@pytest.mark.parametrize(("values", "kind"), ARRAYS, ids=[f"{values.type}" for values, _ in ARRAYS])
def test_arrow_parameters_arrive_with_their_type(
    cursor: Any, values: "pa.Array[Any]", kind: str
) -> None:
    cursor.execute(f"SELECT ?::{kind} AS a", pa.table({"0": values}))
    assert cursor.fetch_arrow_table()["a"].to_pylist() == values.to_pylist()


@parameters
@pytest.mark.parametrize(("value", "kind"), VALUES)
def test_parameters_are_stored_as_they_were_given(cursor: Any, value: object, kind: str) -> None:
    cursor.execute(f"CREATE TABLE work.t (a {kind})")
    cursor.execute("INSERT INTO work.t VALUES (?)", (value,))
    assert cursor.rowcount == 1
    assert cursor.execute("SELECT a FROM work.t").fetchall() == [(value,)]
    assert cursor.execute(
        "SELECT a FROM work.t WHERE a IS NOT DISTINCT FROM ?", (value,)
    ).fetchall()


@parameters
def test_text_becomes_what_the_place_needs(cursor: Any) -> None:
    key = uuid.UUID("12345678-1234-5678-1234-567812345678")
    cursor.execute("CREATE TABLE work.t (a UUID, b DATE, c DECIMAL(9,2), d ENUM('x', 'y'))")
    cursor.execute("INSERT INTO work.t VALUES (?, ?, ?, ?)", (str(key), "2024-02-29", "12.34", "y"))
    cursor.execute("SELECT a::VARCHAR, b, c, d::VARCHAR FROM work.t WHERE a = ?", (str(key),))
    assert cursor.fetchall() == [
        (str(key), dt.date(2024, 2, 29), decimal.Decimal("12.34"), "y"),
    ]


@parameters
def test_a_query_runs_once_for_each_row_of_parameters(cursor: Any) -> None:
    cursor.execute("SELECT ?::INT * 2 AS twice", pa.table({"0": [1, 2, 3]}))
    assert cursor.fetchall() == [(2,), (4,), (6,)]


@parameters
def test_rows_of_parameters_may_come_from_a_stream(cursor: Any) -> None:
    batches = pa.table({"0": [1, 2, 3], "1": ["a", "b", None]}).to_reader(max_chunksize=1)
    cursor.execute("SELECT ?::INT, ?::VARCHAR", batches)
    assert cursor.fetchall() == [(1, "a"), (2, "b"), (3, None)]


@parameters
def test_the_same_statement_again_uses_the_new_parameters(cursor: Any) -> None:
    cursor.execute("SELECT ?::INT", (1,))
    assert cursor.fetchone() == (1,)
    cursor.execute("SELECT ?::INT", (2,))
    assert cursor.fetchone() == (2,)


@parameters
@pytest.mark.parametrize("given", [(1,), (1, 2, 3)])
def test_a_wrong_number_of_parameters_is_an_error(cursor: Any, given: tuple[int, ...]) -> None:
    with pytest.raises(adbc.ProgrammingError, match="parameter"):
        cursor.execute("SELECT ?::INT + ?::INT", given)


@parameters
def test_a_parameter_without_a_value_is_an_error(cursor: Any) -> None:
    with pytest.raises(adbc.ProgrammingError, match="parameter"):
        cursor.execute("SELECT ?::INT")


@by_name
def test_parameters_by_name_are_refused_by_the_driver(cursor: Any) -> None:
    with pytest.raises(adbc.NotSupportedError, match="bind_by_name"):
        cursor.execute("SELECT $a", {"a": 1})


@many
def test_executemany_inserts_every_row_once(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [(n, str(n)) for n in range(50)])
    assert cursor.rowcount == 50
    cursor.execute("SELECT count(*), sum(a), count(DISTINCT b) FROM work.t")
    assert cursor.fetchone() == (50, 1225, 50)


@many
def test_executemany_counts_all_rows_it_changed(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t AS SELECT range % 3 AS a, 0 AS b FROM range(9)")
    cursor.executemany("UPDATE work.t SET b = b + 1 WHERE a = ?", [(0,), (1,)])
    assert cursor.rowcount == 6
    cursor.executemany("DELETE FROM work.t WHERE a = ? AND b = ?", [(0, 1), (2, 1)])
    assert cursor.rowcount == 3


@many
def test_executemany_takes_arrow_data(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    rows = pa.table({"x": range(5000), "y": [str(n) for n in range(5000)]})
    cursor.executemany("INSERT INTO work.t VALUES (?, ?)", rows.to_reader(max_chunksize=1000))
    cursor.execute("SELECT count(*), sum(a), count(DISTINCT b) FROM work.t")
    assert cursor.fetchone() == (5000, 12_497_500, 5000)


@many
def test_executemany_without_parameters_runs_once(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    cursor.executemany("INSERT INTO work.t VALUES (7)", None)
    assert cursor.execute("SELECT a FROM work.t").fetchall() == [(7,)]


@many
def test_executemany_is_all_or_nothing(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT PRIMARY KEY)")
    with pytest.raises(adbc.ProgrammingError, match="duplicate key"):
        cursor.executemany("INSERT INTO work.t VALUES (?)", [(1,), (2,), (1,)])
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


@many
def test_executemany_without_rows_does_nothing(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    cursor.executemany("INSERT INTO work.t VALUES (?)", [])
    cursor.execute("SELECT count(*) FROM work.t")
    assert cursor.fetchone() == (0,)


@prepare
def test_prepare_tells_the_types_of_parameters(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR, c DOUBLE)")
    known = cursor.adbc_prepare("SELECT * FROM work.t WHERE a = ? AND b LIKE ? AND c > ?")
    assert known.types == [pa.int32(), pa.string(), pa.float64()]
    known = cursor.adbc_prepare("INSERT INTO work.t (c, a) VALUES (?, ?)")
    assert known.types == [pa.float64(), pa.int32()]
    assert cursor.adbc_prepare("SELECT ?::DATE").types == [pa.date32()]
    assert cursor.adbc_prepare("SELECT 1").types == []


@prepare
def test_a_prepared_statement_runs_again_and_again(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT)")
    statement = "INSERT INTO work.t VALUES (?)"
    cursor.adbc_prepare(statement)
    for number in range(5):
        cursor.execute(statement, (number,))
    cursor.adbc_prepare("SELECT sum(a) FROM work.t WHERE a < ?")
    for bound, total in [(3, 3), (5, 10), (1, 0)]:
        cursor.execute("SELECT sum(a) FROM work.t WHERE a < ?", (bound,))
        assert cursor.fetchall() == [(total,)]


@prepare
def test_a_schema_is_told_before_anything_runs(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR, c DECIMAL(9, 2))")
    schema = cursor.adbc_execute_schema("SELECT c, upper(b) AS u, a * 2.5::DOUBLE AS d FROM work.t")
    assert schema.names == ["c", "u", "d"]
    assert schema.types == [pa.decimal128(9, 2), pa.string(), pa.float64()]
    cursor.adbc_execute_schema("DELETE FROM work.t RETURNING a")
    cursor.adbc_execute_schema("INSERT INTO work.t VALUES (1, 'x', 2) RETURNING a")
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (0,)


@prepare
def test_preparing_nonsense_is_an_error(cursor: Any) -> None:
    with pytest.raises(adbc.ProgrammingError, match="syntax error"):
        cursor.adbc_prepare("SELEC ?")
    with pytest.raises(adbc.ProgrammingError, match="does not exist"):
        cursor.adbc_execute_schema("SELECT a FROM work.nowhere")
