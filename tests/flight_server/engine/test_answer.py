"""How a statement is begun: with numbers of the right size, once, in an unharmed transaction."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.answer import Answer, answered, described

_SIZE = 2 * 1024 * 1024


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def ask(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Any = (), *, pure: bool = True
) -> Answer:
    (statement,) = duckdb.extract_statements(sql)
    return answered(cursor, statement, parameters, _SIZE, pure=pure, again=pure)


def rest(answer: Answer) -> pa.Table:
    batches = []
    with suppress(StopIteration):
        while True:
            batches.append(answer.reader.read_next_batch())
    return pa.Table.from_batches(batches, batches[0].schema if batches else answer.schema)


def only(answer: Answer) -> Any:
    table = rest(answer)
    assert table.schema == answer.schema
    return table.column(0)[0].as_py()


def test_a_number_is_a_bigint(cursor: duckdb.DuckDBPyConnection) -> None:
    assert ask(cursor, "SELECT ?", [1]).schema.types == [pa.int64()]
    assert only(ask(cursor, "SELECT ? * 1000000", [5000])) == 5_000_000_000
    assert only(ask(cursor, "SELECT $a", {"a": 2**63})) == 2**63


@pytest.mark.parametrize(
    ("sql", "parameters", "value"),
    [
        ("SELECT round(1.25::DOUBLE, ?)", [1], 1.3),
        ("SELECT (DATE '2024-02-28' + ?)::VARCHAR", [1], "2024-02-29"),
        ("SELECT lpad('x', ?, '-')", [3], "--x"),
        ("SELECT 1 LIMIT ?", [1], 1),
        ("SELECT 2 IN (?, ?)", [1, 2], True),
        ("SELECT ?::DATE::VARCHAR", ["2024-02-29"], "2024-02-29"),
        ("SELECT DATE '2024-02-29' = ?", ["2024-02-29"], True),
        ("SELECT (INTERVAL (?) DAY)::VARCHAR", [2], "2 days"),
    ],
)
def test_a_place_for_smaller_numbers_gets_them(
    cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Any, value: object
) -> None:
    cursor.execute("BEGIN")
    assert only(ask(cursor, sql, parameters)) == value
    (statement,) = duckdb.extract_statements(sql)
    assert len(described(cursor, statement, parameters)) == 1
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_a_query_that_does_not_bind_leaves_the_transaction_alone(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    cursor.execute("BEGIN")
    with pytest.raises(duckdb.BinderException, match="nothing"):
        ask(cursor, "SELECT nothing FROM range(?)", [1])
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("query", "pure"),
    [
        ("SELECT\n 1,\n nope\nFROM t WHERE a = ?", True),
        ("SELECT\n 1,\n nope\nFROM t WHERE a = ? -- the end", True),
        ("INSERT INTO t\n SELECT ? RETURNING\n nope", False),
    ],
)
def test_an_error_of_binding_says_where_it_is(
    cursor: duckdb.DuckDBPyConnection, query: str, *, pure: bool
) -> None:
    cursor.execute("CREATE TABLE t (a INT); BEGIN")
    (statement,) = duckdb.extract_statements(query)
    with pytest.raises(duckdb.BinderException, match=r"\n\nLINE 3:  nope\n         \^"):
        ask(cursor, query, [1], pure=pure)
    for parameters in ([1], [None]) if pure else ():
        with pytest.raises(duckdb.BinderException, match=r"\n\nLINE 3:  nope\n         \^"):
            described(cursor, statement, parameters)
    if pure:
        assert cursor.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_what_changes_something_runs_once(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE TABLE t (a BIT); CREATE SEQUENCE s")
    assert only(ask(cursor, "INSERT INTO t VALUES ('11') RETURNING a", pure=False)) == "11"
    assert only(ask(cursor, "SELECT count(*) FROM t")) == 1
    answer = ask(cursor, "SELECT nextval('s')::BIT::VARCHAR || a::VARCHAR, a FROM t", pure=False)
    assert answer.schema.types == [pa.string(), pa.string()]
    assert answer.reader.read_all().num_rows == 1
    assert cursor.execute("SELECT nextval('s')").fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("EXECUTE p", [{"Count": 1}]),
        ("PRAGMA enable_object_cache", []),
        ("CHECKPOINT", []),
        ("CALL pragma_user_agent()", 1),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", 1),
    ],
)
def test_what_is_no_query_answers_what_duckdb_says(
    cursor: duckdb.DuckDBPyConnection, sql: str, rows: Any
) -> None:
    cursor.execute("CREATE TABLE t (a INT); PREPARE p AS INSERT INTO t VALUES (1)").fetchall()
    answer = ask(cursor, sql, pure=False).reader.read_all().to_pylist()
    assert answer == rows or len(answer) == rows


@pytest.mark.parametrize("select", ["s::INT AS n, 7 AS n", "s::INT::UHUGEINT AS n, 7 AS n_1"])
def test_a_query_with_parameters_is_described_without_running(
    cursor: duckdb.DuckDBPyConnection, select: str
) -> None:
    cursor.execute("CREATE TABLE t AS SELECT 'not a number' AS s")
    query = f"SELECT {select} FROM t WHERE s > ? ORDER BY 1;  -- the end"
    (statement,) = duckdb.extract_statements(query)
    columns = described(cursor, statement, ["a"])
    assert columns.equals(ask(cursor, query, ["z"]).schema, check_metadata=True)
    with pytest.raises((duckdb.Error, OSError, pa.ArrowException), match="not a number"):
        rest(ask(cursor, query, ["a"]))


def test_a_converted_answer_streams(cursor: duckdb.DuckDBPyConnection) -> None:
    answer = ask(cursor, "SELECT range::UHUGEINT FROM range(?);; -- the end", [10**12])
    assert answer.reader.read_next_batch().column(0)[1].as_py() == "1"


@pytest.mark.parametrize("rows", [0, 500_000], ids=["at once", "late"])
def test_errors_of_a_converted_answer_point_into_its_own_text(
    cursor: duckdb.DuckDBPyConnection, rows: int
) -> None:
    cursor.execute("SET threads = 1")
    cursor.execute(f"CREATE TABLE t AS SELECT '1' AS s FROM range({rows}) UNION ALL SELECT 'x'")
    query = "SELECT\n s::INT::UHUGEINT AS s FROM t"
    with pytest.raises((duckdb.Error, OSError, pa.ArrowException)) as caught:
        rest(ask(cursor, query))
    assert "\n\nLINE 2:  s::INT::UHUGEINT AS s FROM t\n          ^" in str(caught.value)


def test_an_order_survives_the_conversion(cursor: duckdb.DuckDBPyConnection) -> None:
    answer = ask(cursor, "SELECT i::UHUGEINT AS i FROM range(100000) t(i) ORDER BY i DESC")
    column = rest(answer).column("i").to_pylist()
    assert column == [str(i) for i in reversed(range(100_000))]


def test_columns_of_one_name_keep_it(cursor: duckdb.DuckDBPyConnection) -> None:
    answer = ask(cursor, "SELECT 1 AS a, '1'::BIT AS a, 2 AS A")
    assert answer.schema.names == ["a", "a", "A"]
    assert rest(answer).schema == answer.schema


def test_an_interval_that_overflows_is_an_error(cursor: duckdb.DuckDBPyConnection) -> None:
    fits = ask(cursor, "SELECT i FROM (VALUES (INTERVAL '9223372036854' MILLISECONDS)) t(i)")
    assert fits.reader.read_next_batch().num_rows == 1
    fits.reader.close()
    longer = ask(cursor, "SELECT 1, INTERVAL '9223372036855' MILLISECONDS AS i")
    with pytest.raises(pa.ArrowInvalid, match=r"Out of Range Error: .* cast it to VARCHAR"):
        longer.reader.read_next_batch()
