"""Paths into JSON."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        ("SELECT json_value(j, 'lax $.a')", "trino", "SELECT JSON_VALUE(j, '$.a')"),
        ("SELECT j:a", "snowflake", "SELECT j -> '$.a'"),
        ("SELECT j:a::STRING", "snowflake", "SELECT CAST((j ->> '$.a') AS TEXT)"),
        ("SELECT j:a::INT", "snowflake", "SELECT CAST(j -> '$.a' AS INT)"),
        ("SELECT 1 WHERE j:a = 'x'", "snowflake", "SELECT 1 WHERE (j ->> '$.a') = 'x'"),
        ("SELECT j:a", "databricks", "SELECT (j ->> '$.a')"),
        (
            "SELECT j #>> '{a,1}'",
            "postgres",
            "SELECT JSON_EXTRACT_STRING(j, '$.\"a\"[1]')",
        ),
        ("SELECT j #> '{a}'", "postgres", "SELECT JSON_EXTRACT(j, '$.\"a\"')"),
    ],
)
def test_paths(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql
