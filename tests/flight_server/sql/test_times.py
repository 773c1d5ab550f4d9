"""Dates and times: what is counted otherwise, and what stays a date."""

import pytest

from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        ("SELECT hour(a)", "hive", "SELECT HOUR(CAST(a AS TIMESTAMP))"),
        ("SELECT hour(a)", "trino", "SELECT HOUR(a)"),
        ("SELECT dayofweek(a)", "mysql", "SELECT (DAYOFWEEK(CAST(a AS DATE)) + 1)"),
        ("SELECT EXTRACT(DAYOFWEEK FROM a)", "bigquery", "SELECT (EXTRACT(DAYOFWEEK FROM a) + 1)"),
        ("SELECT date_diff('month', a, b)", "trino", "SELECT DATE_SUB('MONTH', a, b)"),
        ("SELECT DATEDIFF(month, a, b)", "snowflake", "SELECT DATE_DIFF('MONTH', a, b)"),
        ("SELECT format_datetime(a, 'HH:mm')", "trino", "SELECT STRFTIME(a, '%H:%M')"),
        (
            "SELECT current_date + INTERVAL '1' DAY",
            "trino",
            "SELECT CAST(CURRENT_DATE + INTERVAL '1' DAY AS DATE)",
        ),
        (
            "SELECT current_date + INTERVAL '1' HOUR",
            "trino",
            "SELECT CURRENT_DATE + INTERVAL '1' HOUR",
        ),
        (
            "SELECT current_date + INTERVAL '1 day'",
            "postgres",
            "SELECT CURRENT_DATE + INTERVAL '1' DAY",
        ),
        ("SELECT EXTRACT(ISOWEEK FROM a)", "bigquery", "SELECT EXTRACT(WEEK FROM a)"),
        ("SELECT CAST(a AS DATE)", "oracle", "SELECT CAST(a AS TIMESTAMP)"),
        ("SELECT DATE '2024-01-31'", "oracle", "SELECT CAST('2024-01-31' AS DATE)"),
    ],
)
def test_times(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql
