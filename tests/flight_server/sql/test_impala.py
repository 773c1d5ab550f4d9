"""Impala's own grammar."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        (
            "SELECT STRAIGHT_JOIN a FROM t JOIN [BROADCAST] u ON t.a = u.a",
            "SELECT a FROM t JOIN u ON t.a = u.a",
        ),
        ("SELECT [1, 2]", "SELECT [1, 2]"),
        ("SELECT 'STRAIGHT_JOIN'", "SELECT 'STRAIGHT_JOIN'"),
        ("SELECT date_add(a, 1)", "SELECT (a + INTERVAL 1 DAY)"),
        ("SELECT date_sub(a, interval 1 week)", "SELECT (a - INTERVAL '1' WEEK)"),
        ("SELECT trunc(a, 'Q')", "SELECT DATE_TRUNC('QUARTER', CAST(a AS TIMESTAMP))"),
        ("SELECT trunc(a, 2)", "SELECT TRUNC(a, 2)"),
        ("SELECT extract(a, 'year')", "SELECT EXTRACT(year FROM CAST(a AS TIMESTAMP))"),
        ("SELECT group_concat(a)", "SELECT LISTAGG(a, ', ')"),
        ("UPSERT INTO t (a) VALUES (1)", "INSERT OR REPLACE INTO t (a) VALUES (1)"),
        ("INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a) VALUES (1)"),
        (
            "CREATE TABLE t (a INT PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 2 STORED AS KUDU",
            "CREATE TABLE t (a INT PRIMARY KEY)",
        ),
        (
            "CREATE TABLE t PARTITION BY HASH (a) PARTITIONS 2 STORED AS KUDU AS SELECT 1 AS a",
            "CREATE TABLE t AS SELECT 1 AS a",
        ),
    ],
)
def test_grammar(text: str, sql: str) -> None:
    assert becomes(text, "impala") == sql
