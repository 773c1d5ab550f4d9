"""Dividing statements: only those that read one table row by row, and exactly."""

from collections.abc import Iterator
from itertools import pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.partitions import ROW_GROUP, is_ordered, ranges, scan
from flightkeeper.flight_server.engine.statement import Shape, parse
from flightkeeper.flight_server.engine.wiring import Wiring

_ROWS = 300_000
_TABLES = f"""
    CREATE TABLE big AS
      SELECT i AS a, i % 7 AS b, 'text ' || i AS s, {{'f': i}} AS r, [i, 1] AS l,
             TIMESTAMP '2020-01-01' + INTERVAL (i % 1000) DAY AS ts,
             ('v' || (i % 3))::ENUM('v0', 'v1', 'v2') AS e
      FROM range({_ROWS}) t(i);
    CREATE TABLE "we ""ird" AS SELECT a AS "sel ect" FROM big;
    CREATE VIEW seen AS FROM big;
    CREATE SCHEMA other;
    CREATE TABLE other.big AS SELECT 5 AS a;
    CREATE TABLE has_rowid AS SELECT 1 AS rowid;
    CREATE TABLE same AS SELECT {{'rowid': 1}} AS same;
    CREATE TABLE computed (a INT, b DOUBLE AS (a + 1));
    CREATE TABLE dated AS SELECT 1 AS current_date;
    CREATE MACRO lower(x) AS random();
    CREATE MACRO rows_of(x) AS TABLE SELECT x AS a"""

_DIVISIBLE = [
    "FROM big",
    "SELECT * FROM big;",
    "SELECT a, b + 1 FROM big WHERE a > 3 OR b < 2 ; -- the end",
    'SELECT a FROM main.big AS "Q x" WHERE "Q x".a > 3 AND b < 4 AND s LIKE \'%x\' -- why\n',
    "SELECT a FROM memory.main.big t WHERE (a > 3 AND b < 4)",
    "FROM big SELECT a WHERE b = 1",
    "select A from BIG where a in (1, 2, 299999) and not (b is null)",
    "SELECT * EXCLUDE (a, l) REPLACE (b * 2 AS b) FROM big",
    "SELECT COLUMNS('a|b') FROM big",
    "SELECT big.a, r.f, big.r.f, l[1], s[1:2] FROM big",
    "SELECT CASE WHEN a > 1 THEN 2 END, a::VARCHAR, a BETWEEN 1 AND 3, -a, a // 3, e FROM big",
    "SELECT ts + INTERVAL 1 DAY, date_trunc('month', ts), upper(s) || 'x', hash(a) FROM big",
    "SELECT [a, b], {'x': a}, s COLLATE NOCASE, coalesce(a, b), TRY_CAST(s AS INT) FROM big",
    "SELECT 'where (' AS \"where\", a FROM big WHERE s <> 'where (' /* where */",
    "SELECT rowid, a FROM big WHERE rowid % 2 = 0",
    'SELECT "sel ect" FROM "we ""IRD"',
    "SELECT 'ä🦆' AS \"ß\", a /* ü */ FROM big WHERE s < 'é' AND a > 3",
    "SELECT $$where$$, a FROM big WHERE s <> $x$ where $x$",
    "SELECT 1 FROM big",
]
_INDIVISIBLE = [
    "SELECT a FROM big ORDER BY a",
    "SELECT a FROM big LIMIT 4",
    "SELECT a FROM big OFFSET 4",
    "SELECT DISTINCT a FROM big",
    "SELECT sum(a) FROM big",
    "SELECT count(*) FROM big",
    "SELECT a FROM big GROUP BY a",
    "SELECT a FROM big GROUP BY ALL",
    "SELECT 1 FROM big HAVING true",
    "SELECT a, row_number() OVER () FROM big",
    "SELECT a FROM big QUALIFY row_number() OVER () < 3",
    "SELECT a FROM big USING SAMPLE 3",
    "SELECT a FROM big TABLESAMPLE 10%",
    "SELECT big.a FROM big, range(3)",
    "SELECT a FROM big JOIN other.big USING (a)",
    "SELECT a FROM big WHERE a IN (SELECT 1)",
    "SELECT (SELECT 1), a FROM big",
    "SELECT a FROM big WHERE EXISTS (FROM other.big)",
    "SELECT a FROM big UNION ALL SELECT a FROM big",
    "SELECT a FROM (FROM big)",
    "WITH big AS (SELECT 1 AS a) SELECT a FROM big",
    "WITH x AS (SELECT a FROM big) SELECT a FROM x",
    "SELECT unnest(l) FROM big",
    "SELECT random(), a FROM big",
    "SELECT a FROM big WHERE random() < 0.5",
    "SELECT uuid() FROM big",
    "SELECT now(), a FROM big",
    "SELECT current_timestamp FROM big",
    "SELECT CURRENT_DATE FROM big",
    "SELECT current_setting('threads'), a FROM big",
    "SELECT current_query() FROM big",
    "SELECT txid_current() FROM big",
    "SELECT lower(s) FROM big",
    "SELECT LOWER(s) FROM big",
    "SELECT a AS x, x + 1 FROM big",
    "SELECT a AS current_date, current_date FROM big",
    "SELECT list_transform(l, lambda x: x + 1) FROM big",
    "SELECT [x + 1 FOR x IN l] FROM big",
    "SELECT #1, a FROM big",
    "SELECT x FROM big t(x)",
    "SELECT a FROM big WHERE a = ?",
    "SELECT a FROM big WHERE false",
    "SELECT a FROM seen",
    "FROM rows_of(3)",
    "FROM range(1000000)",
    "VALUES (1)",
    "SELECT 1",
    "TABLE big",
    "EXPLAIN FROM big",
    "PIVOT big ON b USING sum(a)",
    "FROM duckdb_tables()",
    "SELECT rowid FROM has_rowid",
    "SELECT 1 FROM same",
    "SELECT 1 FROM big a",
    "SELECT 1 FROM big rowid",
    "SELECT a FROM computed",
    "FROM nowhere",
    "SELECT nothing FROM big",
]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with duckdb.connect() as root:
        opened = Connection(root.cursor(), Wiring(2 * 1024 * 1024))
        for statement in parse(_TABLES):
            if statement.shape is Shape.ROWS:
                list(opened.run(statement))
            else:
                opened.change(statement)
        yield opened
        opened.close()


def answer(connection: Connection, text: str) -> pa.Table:
    result = connection.run(parse(text)[0])
    return pa.Table.from_batches(list(result), result.schema)


@pytest.mark.parametrize("text", _DIVISIBLE)
def test_the_parts_are_the_whole(connection: Connection, text: str) -> None:
    found = scan(connection, parse(text)[0])
    assert found is not None
    assert (found.catalog, found.rows) == ("memory", _ROWS)
    parts = [answer(connection, found.part(rows)) for rows in ranges(found.rows, 8)]
    assert [part.num_rows for part in parts if part.num_rows < _ROWS] == [
        part.num_rows for part in parts
    ]
    whole = answer(connection, text)
    for part in parts:
        assert part.schema.equals(whole.schema, check_metadata=True)
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())


@pytest.mark.parametrize("text", _INDIVISIBLE)
def test_what_is_more_than_reading_rows_is_not_divided(connection: Connection, text: str) -> None:
    assert scan(connection, parse(text)[-1]) is None


def test_a_column_may_be_called_what_is_a_function_elsewhere(connection: Connection) -> None:
    found = scan(connection, parse("SELECT current_date FROM dated")[0])
    assert found is not None
    assert answer(connection, found.part(ranges(0, 1)[0]))["current_date"].to_pylist() == [1]


def test_names_mean_what_they_mean_to_the_planner(connection: Connection) -> None:
    found = scan(connection, parse("FROM other.big")[0])
    assert found is not None
    assert found.rows == 1


def test_a_table_is_skipped_outside_the_range(connection: Connection) -> None:
    found = scan(connection, parse("SELECT a FROM big WHERE s LIKE '%9'")[0])
    assert found is not None
    text = found.part(ranges(found.rows, 2)[0])
    ((_, plan),) = connection.rows(f"EXPLAIN {text}")
    assert "rowid" in plan
    scanned = answer(connection, f"SELECT max(a) AS most FROM ({text})")
    assert scanned["most"].to_pylist() == [ROW_GROUP - 1]


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(1, 16))
def test_ranges_hold_every_row_once_and_begin_at_row_groups(rows: int, parts: int) -> None:
    found = ranges(rows, parts)
    assert 1 <= len(found) <= parts
    assert found[0].start == 0
    assert found[-1].end > 2**60
    assert all(one.end == after.start for one, after in pairwise(found))
    assert all(one.start % ROW_GROUP == 0 and one.start < one.end for one in found)
    assert len(found) == 1 or rows // ROW_GROUP >= len(found)


@pytest.mark.parametrize(("rows", "parts"), [(0, 1), (2 * ROW_GROUP - 1, 1), (2 * ROW_GROUP, 2)])
def test_small_tables_are_read_at_once(rows: int, parts: int) -> None:
    assert len(ranges(rows, 16)) == parts


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("select a from t order/* */by a limit 3", True),
        ("(SELECT a FROM t) ORDER BY 1", True),
        ("FROM t ORDER BY ALL;", True),
        ("SELECT a FROM t", False),
        ("SELECT list(a ORDER BY b) FROM t", False),
        ("SELECT sum(a) OVER (ORDER BY b) FROM t", False),
        ("SELECT 1 UNION ALL (SELECT a FROM t ORDER BY a)", False),
        ("WITH x AS (FROM t ORDER BY a) FROM x", False),
        ("SELECT 'order by', [1, 2] -- ORDER BY", False),
        ('SELECT "order", "by" FROM t', False),
    ],
)
def test_an_order_is_told_by_the_text(text: str, *, ordered: bool) -> None:
    assert is_ordered(text) is ordered
