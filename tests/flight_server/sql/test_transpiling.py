"""From a client's text to DuckDB's: several statements, comments, refusals, nothing in the log."""

import logging
import threading

import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.transpiling import transpile


def test_each_statement_is_translated_by_itself() -> None:
    first, second = transpile("SELECT nvl(a, ';') FROM t; -- two\nSELECT `b`;;", "hive")
    assert first.sql == "SELECT COALESCE(a, ';') FROM t"
    assert first.source == "SELECT nvl(a, ';') FROM t"
    assert second.sql == 'SELECT "b"'
    assert second.source == "-- two\nSELECT `b`"


def test_comments_and_literals_survive() -> None:
    (found,) = transpile("SELECT /* why */ '--no' -- because", "mysql")
    assert "why" in found.sql
    assert "'--no'" in found.sql
    assert "because" in found.sql


def test_what_only_duckdb_understands_passes_as_it_is() -> None:
    (found,) = transpile("CALL pragma_version()", "postgres")
    assert found.sql == found.source == "CALL pragma_version()"


def test_replace_is_an_insert() -> None:
    (found,) = transpile("REPLACE INTO t (a) VALUES (1)", "mysql")
    assert found.sql == "INSERT OR REPLACE INTO t (a) VALUES (1)"


def test_what_is_explained_is_translated() -> None:
    (found,) = transpile("EXPLAIN ANALYZE SELECT `a` FROM t", "hive")
    assert found.sql == 'EXPLAIN ANALYZE SELECT "a" FROM t'


def test_a_refusal_says_that_nothing_was_run(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot be translated from .*; nothing was run"):
        transpile("SELECT parse_url('a', 'HOST')", "hive")
    assert capfd.readouterr().err == ""
    assert not caplog.records


def test_the_translators_own_warnings_go_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    transpile("GRANT SELECT ON t TO x WITH y z", "postgres")
    assert not logging.getLogger("sqlglot").propagate
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "ARRAY[" * 60 + "1" + "]" * 60,
        "SELECT " + "greatest(1, " * 40 + "1" + ")" * 40,
        "SELECT " + "(" * 3000,
    ],
    ids=["backtracking", "repeating", "deep"],
)
def test_what_would_take_for_ever_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="too deeply nested"):
        transpile(text, "trino")


def test_threads_may_translate_at_once() -> None:
    answers: list[str] = []

    def work() -> None:
        for _ in range(20):
            (found,) = transpile("SELECT nvl(`a`, ?), date_add(d, 1) FROM t", "hive")
            answers.append(found.sql)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 120
    assert len(set(answers)) == 1
