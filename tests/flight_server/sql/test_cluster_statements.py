"""Statements of the cluster among those of the engine, in every dialect."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import cluster_statements, translation
from flightkeeper.flight_server.sql.cluster_statements import Rule
from flightkeeper.flight_server.sql.reading import Source
from flightkeeper.flight_server.sql.translation import parse

_RULES = cluster_statements.RULES


@dataclass(frozen=True, slots=True)
class Sing(Command):
    """A command that is not served."""

    song: str = ""


def read(source: Source) -> Sing | None:
    match source.words:
        case ("SING", "A", "SONG", song):
            return Sing(song)
        case ("SING", "A", "SONG"):
            raise InvalidArgument("which song?")
    return None


@pytest.fixture(autouse=True)
def rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cluster_statements, "RULES", (Rule("SONG", "SING A", read),))
    monkeypatch.setattr(translation, "_parse_cached", translation._parse)
    cluster_statements._marks.cache_clear()
    yield
    cluster_statements._marks.cache_clear()


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "mysql", "tsql"])
def test_a_command_stands_among_others(dialect: str) -> None:
    script = parse("SELECT 1 AS a; sing /* loud */ a\nsong Yesterday; SELECT 2 AS b", dialect)
    assert [statement.command for statement in script] == [None, Sing("YESTERDAY"), None]
    assert script[1].source == "sing /* loud */ a\nsong Yesterday"
    with pytest.raises(InvalidArgument, match="which song"):
        parse("SING A SONG", dialect)


@pytest.mark.parametrize(
    "text", ["SELECT 'song'", "SELECT 1 AS song; SELECT 2", "SELECT 1 -- song", "SING A SONG 'x"]
)
def test_a_word_alone_makes_no_command(text: str) -> None:
    with suppress(InvalidArgument):
        assert all(statement.command is None for statement in parse(text, "duckdb"))


@pytest.mark.parametrize(
    ("dialect", "text", "sql"),
    [
        ("duckdb", "create reference TABLE s.t AS SELECT 1;", "create  TABLE s.t AS SELECT 1"),
        (
            "duckdb",
            "CREATE OR REPLACE REFERENCE TABLE t(a INT)",
            "CREATE OR REPLACE  TABLE t(a INT)",
        ),
        ("spark", "CREATE REFERENCE TABLE t (a STRING)", "CREATE TABLE t (a TEXT)"),
    ],
)
def test_a_reference_table_is_defined_like_a_table(dialect: str, text: str, sql: str) -> None:
    (statement,) = parse(text, dialect)
    assert statement.reference
    assert statement.sql == sql
    assert statement.target[-1] == "t"


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER ada PASSWORD 'correct horse battery'",
        "CREATE ROLE readers",
        "ALTER USER ada PASSWORD 'correct horse battery'",
        "DROP USER ada",
        "DROP ROLE readers",
        "SHOW GRANTS",
        "SHOW USERS",
        "SHOW ROLES",
        "DROP EXTERNAL TABLE s.t",
        "ALTER TABLE s.t DROP PARTITION ( a = 1 )",
        "SHOW HISTORY OF REFERENCE TABLE t",
        "KILL STATEMENT 'x'",
        "SELECT flightkeeper_lock ( 'a' )",
    ],
)
def test_comments_may_stand_between_all_words(
    monkeypatch: pytest.MonkeyPatch, dialect: str, text: str
) -> None:
    monkeypatch.setattr(cluster_statements, "RULES", _RULES)
    cluster_statements._marks.cache_clear()
    (plain,) = (statement.command for statement in parse(text, dialect))
    assert plain is not None
    commented = parse(text.replace(" ", " /* loud\n*/ -- and long\n "), dialect)
    # No two passwords are the same.
    assert [repr(statement.command) for statement in commented] == [repr(plain)]


@pytest.mark.parametrize("part", ["CREATE --", "DROP /*", "CREATE /* -- ", "SHOW #", "DROP -- -- "])
def test_a_text_full_of_what_may_begin_one_is_looked_through_in_time(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(cluster_statements, "RULES", _RULES)
    begin_s = time.process_time()
    assert not cluster_statements.mentioned(part * (256 * 1024 // len(part)))
    assert time.process_time() - begin_s < 5
