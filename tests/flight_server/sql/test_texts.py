"""Texts: joined, split and cut."""

import duckdb
import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize("dialect", ["trino", "presto", "spark", "hive"])
@pytest.mark.parametrize(
    ("value", "joined"),
    [("['x', NULL, 'y']", "x,y"), ("[1, 2]", "1,2"), ("'[x]'", "[x]"), ("7", "7"), ("[]", "")],
)
def test_a_list_is_joined_and_a_text_is_itself(dialect: str, value: str, joined: str) -> None:
    sql = becomes("SELECT concat_ws(',', v) FROM t", dialect)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {value} AS v")
        assert connection.execute(sql).fetchall() == [(joined,)]


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        ("SELECT concat_ws(',', a, b)", "postgres", "SELECT CONCAT_WS(',', a, b)"),
        ("SELECT concat_ws(',', a, b)", "impala", "SELECT CONCAT_WS(',', a, b)"),
        ("SELECT concat_ws(',', upper(a))", "trino", "SELECT CONCAT_WS(',', UPPER(a))"),
        (
            "SELECT concat_ws(',', CAST(a AS ARRAY(VARCHAR)))",
            "trino",
            "SELECT ARRAY_TO_STRING(CAST(a AS TEXT[]), ',')",
        ),
        ("SELECT substr(a, 2)", "postgres", "SELECT SUBSTRING(a, 2)"),
        ("SELECT substr(a, ?)", "trino", "SELECT SUBSTRING(a, $1)"),
        ("SELECT substr(a, -2)", "spark", "SELECT SUBSTRING(a, -2)"),
        ("SELECT substr(a, b)", "sqlite", "SELECT SUBSTRING(a, b)"),
        ("SELECT split(a, 'x')", "trino", "SELECT STR_SPLIT(a, 'x')"),
    ],
)
def test_what_is_plain_stays_short(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql


def test_a_limit_and_a_pattern_do_not_go_together() -> None:
    with pytest.raises(InvalidArgument, match="SPLIT with a limit"):
        becomes("SELECT split(a, b, 2)", "spark")
