"""Statements that are no queries."""

import pytest

from flightkeeper.flight_server.sql.commands import command, explained, plain
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flight_server.sql.reading import Source, sources
from flightkeeper.flight_server.sql.settings import notice, quoted
from tests.flight_server.sql.translated import becomes


def read(text: str, dialect: str) -> Source:
    return next(sources(text, dialect))


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != DUCKDB])
@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("begin", "BEGIN TRANSACTION"),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", "BEGIN TRANSACTION"),
        ("COMMIT WORK", "COMMIT"),
        ("rollback", "ROLLBACK"),
        ("USE s", "USE s"),
        ("SET dialect = 'duckdb'", "SET dialect = 'duckdb'"),
        ("RESET dialect", "RESET dialect"),
        ("SET SESSION statement_timeout = '5s'", "SET SESSION statement_timeout = '5s'"),
        ("SET threads = 4", "SET threads = 4"),
    ],
)
def test_what_every_dialect_has(text: str, sql: str, dialect: str) -> None:
    if (dialect, text) == ("impala", "SET threads = 4"):
        text = text.lower()
        sql = sql.lower()
    assert becomes(text, dialect) == sql


def test_a_savepoint_is_left_to_duckdb_to_refuse() -> None:
    assert becomes("ROLLBACK TO SAVEPOINT a", "postgres").startswith("ROLLBACK TO")


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("SET autocommit = 0", "mysql"),
        ("SET sql_mode = 'ANSI_QUOTES'", "mysql"),
        ("SET datestyle TO 'German'", "postgres"),
        ("SET standard_conforming_strings = off", "postgres"),
        ("SET ROWCOUNT 5", "tsql"),
    ],
)
def test_a_setting_that_would_change_answers_is_not_ignored(text: str, dialect: str) -> None:
    assert command(read(text, dialect)) is None


def test_a_plain_text_has_duckdbs_quotes() -> None:
    assert plain(read("show\n tables  from `a b`.`c`", "hive")) == 'show tables from "a b"."c"'
    assert plain(read('SET x="it"', "mysql")) == "SET x='it'"


def test_a_notice_is_a_query() -> None:
    assert notice("it's") == "SELECT 'it''s' AS notice"
    assert quoted("'") == "''''"


@pytest.mark.parametrize(
    ("text", "head", "inner"),
    [
        ("EXPLAIN SELECT 1", "EXPLAIN", "SELECT 1"),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", "EXPLAIN ANALYZE", "SELECT 1"),
        ("EXPLAIN (TYPE LOGICAL, FORMAT TEXT) SELECT 1", "EXPLAIN", "SELECT 1"),
        ("EXPLAIN (SELECT 1)", "EXPLAIN", "(SELECT 1)"),
    ],
)
def test_what_is_explained(text: str, head: str, inner: str) -> None:
    found = explained(read(text, "trino"))
    assert found is not None
    assert (found[0], found[1].own) == (head, inner)


def test_only_explain_explains() -> None:
    assert explained(read("SELECT 1", "trino")) is None
    assert explained(read("EXPLAIN", "trino")) is None
