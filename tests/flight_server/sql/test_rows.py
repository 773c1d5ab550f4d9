"""Lists and maps as rows."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        (
            "SELECT e FROM t LATERAL VIEW OUTER explode(a) x AS e",
            "hive",
            "SELECT e FROM t LEFT JOIN UNNEST(a) AS x(e) ON TRUE",
        ),
        (
            "SELECT k FROM t LATERAL VIEW explode(m) x AS k, v",
            "spark",
            (
                "SELECT k FROM t CROSS JOIN LATERAL (SELECT UNNEST(MAP_KEYS(m)) AS k, "
                "UNNEST(MAP_VALUES(m)) AS v) AS x"
            ),
        ),
        (
            "SELECT k FROM UNNEST(m) AS x(k, v)",
            "trino",
            (
                "SELECT k FROM LATERAL (SELECT UNNEST(MAP_KEYS(m)) AS k, "
                "UNNEST(MAP_VALUES(m)) AS v) AS x"
            ),
        ),
        (
            "SELECT e, n FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS x(e, n)",
            "trino",
            "SELECT e, n FROM t CROSS JOIN UNNEST(a) WITH ORDINALITY AS x(e, n)",
        ),
        (
            "SELECT g FROM generate_series(1, 3) AS g",
            "postgres",
            "SELECT g FROM GENERATE_SERIES(1, 3) AS g(g)",
        ),
    ],
)
def test_rows(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql


def test_offsets_of_bigquery_count_from_0() -> None:
    sql = becomes("SELECT e, n FROM t, UNNEST(a) AS e WITH OFFSET AS n", "bigquery")
    assert "GENERATE_SUBSCRIPTS(a, 1) - 1 AS n" in sql


@pytest.mark.parametrize(("outer", "join"), [("TRUE", "LEFT JOIN"), ("FALSE", "CROSS JOIN")])
def test_flatten_has_values_and_indexes(outer: str, join: str) -> None:
    text = f"SELECT f.value FROM t, LATERAL FLATTEN(input => a, outer => {outer}) f"
    sql = becomes(text, "snowflake")
    assert f"FROM t {join} LATERAL (SELECT" in sql
    assert "AS index" in sql
    assert "AS value" in sql
