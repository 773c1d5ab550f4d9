"""Rewriting of trees: clauses that DuckDB takes otherwise."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        (
            "SELECT a FROM t GROUP BY a, b WITH CUBE",
            "hive",
            "SELECT a FROM t GROUP BY CUBE (a, b)",
        ),
        ("SELECT a LIKE 'x\\\\_' ", "mysql", "SELECT a LIKE 'x\\_' ESCAPE '\\'"),
        ("SELECT a LIKE 'x\\_'", "trino", "SELECT a LIKE 'x\\_'"),
        ("SELECT a LIKE 'x!_' ESCAPE '!'", "postgres", "SELECT a LIKE 'x!_' ESCAPE '!'"),
        (
            "SELECT regexp_replace(a, '(b)', '$1')",
            "trino",
            "SELECT REGEXP_REPLACE(a, '(b)', '\\1', 'g')",
        ),
        ("SELECT 1 FROM dual", "oracle", "SELECT 1"),
        ("SELECT 1 FROM x.dual", "oracle", "SELECT 1 FROM x.dual"),
        ("SELECT a + 'x' + b", "tsql", "SELECT a || 'x' || b"),
        ("SELECT a + b", "tsql", "SELECT a + b"),
        ("SELECT @@version", "mysql", "SELECT VERSION()"),
        (
            "SELECT multiIf(a, 1, b, 2, 3)",
            "clickhouse",
            "SELECT CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END",
        ),
        (
            "SELECT RATIO_TO_REPORT(a) OVER (PARTITION BY b) FROM t",
            "snowflake",
            "SELECT (a / NULLIF(SUM(a) OVER (PARTITION BY b), 0)) FROM t",
        ),
    ],
)
def test_clauses(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql


def test_what_is_inside_of_what_is_replaced_is_replaced_as_well() -> None:
    sql = becomes("SELECT dayofweek(trunc(a, 'MM'))", "hive")
    assert "DATE_TRUNC('MONTH'" in sql
    assert sql.endswith("+ 1)")
