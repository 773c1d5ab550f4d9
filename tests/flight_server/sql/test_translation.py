"""Translation as its callers see it: cached, refused in one form, and never anything else."""

import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flightkeeper.flight_server.engine import statement
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import translation
from flightkeeper.flight_server.sql.dialects import DIALECTS, DUCKDB
from flightkeeper.flight_server.sql.translation import parse

_OTHERS = [dialect for dialect in DIALECTS if dialect != DUCKDB]
_WORDS = [
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "(",
        "(",
        ")",
        ")",
        ",",
        ";",
        "a",
        "b",
        "t",
        "1",
        "2.5",
        "'x'",
        '"q"',
        "`k`",
        "*",
        "+",
        "-",
        "/",
        "||",
        "=",
        "<>",
        "AND",
        "OR",
        "NOT",
        "NULL",
    ],
    *[
        "GROUP",
        "BY",
        "ORDER",
        "LIMIT",
        "JOIN",
        "ON",
        "WITH",
        "AS",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "INSERT",
        "INTO",
        "VALUES",
        "UPDATE",
        "SET",
    ],
    *[
        "UPSERT",
        "CREATE",
        "TABLE",
        "DROP",
        "SHOW",
        "DESCRIBE",
        "USE",
        "EXPLAIN",
        "DELETE",
        "INTERVAL",
        "DAY",
        "?",
        ":x",
        "@y",
        "$1",
        "--",
        "/*",
        "*/",
    ],
]


def test_duckdbs_own_texts_pass_byte_for_byte() -> None:
    text = "SELECT  1 -- a comment\n; FROM range(3) ;"
    assert parse(text, DUCKDB) == statement.parse(text)


def test_a_node_of_one_dialect_never_loads_the_translator() -> None:
    code = (
        "import sys; from flightkeeper.flight_server.sql.translation import parse;"
        "parse('SELECT 1', 'duckdb'); sys.exit('sqlglot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("dialect", _OTHERS)
def test_every_statement_keeps_the_clients_own_text(dialect: str) -> None:
    first, second = parse("SELECT 1 AS a; SELECT 'x;y' AS b -- done", dialect)
    assert (first.source, second.source.split(" --")[0]) == ("SELECT 1 AS a", "SELECT 'x;y' AS b")


@pytest.mark.parametrize("dialect", _OTHERS)
def test_options_of_the_session_pass_in_every_dialect(dialect: str) -> None:
    for text in ("SET dialect = 'duckdb'", "SET statement_timeout = '5s'", "RESET dialect"):
        (found,) = parse(text, dialect)
        assert found.setting is not None
        assert found.setting.name in {"dialect", "statement_timeout"}


def test_a_text_is_translated_once() -> None:
    parse("SELECT 1 AS cached", "trino")
    before = translation._parse_cached.cache_info().hits
    parse("SELECT 1 AS cached", "trino")
    assert translation._parse_cached.cache_info().hits == before + 1


@pytest.mark.parametrize(
    ("text", "dialect", "told"),
    [
        ("SELECT 1", "klingon", "there is no dialect 'klingon'"),
        ("SELECT (", "trino", "LINE 1: SELECT ("),
        ("SELECT 1 +\n  FROM WHERE", "mysql", "LINE 2"),
        ("", "hive", "empty"),
        ("SELECT '" + "x" * translation.TEXT_CHARACTERS_MAX + "'", "spark", "too long"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "postgres", "nothing was run"),
    ],
)
def test_what_cannot_be_translated_is_refused_in_one_form(
    text: str, dialect: str, told: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(text, dialect)
    assert told in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert "sqlglot" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "dialect", "shown"),
    [
        ("SELECT nvl(a, 1),\n `nope` FROM t", "hive", "LINE 2:  `nope` FROM t\n         ^"),
        ("SELECT dow(d), nope FROM t", "trino", "LINE 1: SELECT dow(d), nope FROM t"),
        ("SELECT frob(a) FROM t", "mysql", "LINE 1: SELECT frob(a) FROM t\n               ^"),
    ],
)
def test_an_error_of_the_engine_points_into_the_clients_text(
    text: str, dialect: str, shown: str
) -> None:
    (found,) = parse(text, dialect)
    with (
        closing(Database(DatabaseOptions())) as database,
        closing(database.connect()) as connection,
    ):
        connection.command("CREATE TABLE t (a INTEGER, d DATE)")
        with pytest.raises(InvalidArgument) as caught:
            # Unlike a query, which DuckDB 2.0 makes a relation of: those errors have no position.
            connection.change(found)
    assert shown in str(caught.value)


@given(
    st.lists(st.sampled_from(_WORDS), max_size=25).map(" ".join) | st.text(max_size=40),
    st.sampled_from(_OTHERS),
)
@example("SELECT /*+ x", "impala")
@settings(max_examples=300, deadline=None)
def test_any_text_is_translated_or_refused(text: str, dialect: str) -> None:
    try:
        first = parse(text, dialect)
    except InvalidArgument:
        return
    assert [s.sql for s in first] == [s.sql for s in translation._parse(text, dialect)]
