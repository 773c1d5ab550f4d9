"""Writing: what sqlglot's generator would get wrong."""

import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        ("SELECT a / 2", "trino", "SELECT a // 2"),
        ("SELECT a / b", "mysql", "SELECT a / NULLIF(b, 0)"),
        ("SELECT a / 2", "mysql", "SELECT a / 2"),
        ("SELECT percentile(a, 0.5)", "hive", "SELECT QUANTILE_CONT(a, 0.5)"),
        ("SELECT length(a)", "mysql", "SELECT STRLEN(a)"),
        ("SELECT length(a)", "bigquery", "SELECT LENGTH(a)"),
        ("SELECT map_contains_key(m, 'a')", "spark", "SELECT MAP_CONTAINS(m, 'a')"),
        ("SELECT /*+ X(a) */ a", "spark", "SELECT a"),
        ("SELECT now()", "mysql", "SELECT CAST(CURRENT_TIMESTAMP AS TIMESTAMP)"),
        ("SELECT now()", "trino", "SELECT CURRENT_TIMESTAMP"),
        (
            "SELECT reduce(a, 0, (s, x) -> s + x, s -> s)",
            "trino",
            "SELECT LIST_REDUCE(a, LAMBDA s, x : s + x, 0)",
        ),
        ("SELECT CAST(a AS SIGNED)", "mysql", "SELECT CAST(a AS BIGINT)"),
        ("SELECT pmod(a + 1, 2)", "hive", "SELECT ((((a + 1) % 2) + 2) % 2)"),
    ],
)
def test_functions_and_operators(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql


def test_what_duckdb_lacks_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"from hive: PARSE_URL .*; nothing was run"):
        becomes("SELECT parse_url(a, 'HOST')", "hive")
