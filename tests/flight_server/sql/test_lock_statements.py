"""Statements about the locks of a session."""

import pytest

from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.lock_statements import (
    CheckLock,
    ReleaseLock,
    ShowLocks,
    TakeLock,
)
from flightkeeper.flight_server.sql.translation import parse


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "mysql", "trino", "tsql"])
@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("SELECT flightkeeper_lock('My etl', 2.5)", TakeLock("My etl", 2.5, shared=False)),
        ("select FLIGHTKEEPER_LOCK ( 'x' ) ;", TakeLock("x", 10.0, shared=False)),
        ("SELECT flightkeeper_lock_shared('a', 3600)", TakeLock("a", 3600.0, shared=True)),
        ("SELECT flightkeeper_lock_check('a') -- still?", CheckLock("a")),
        ("SELECT flightkeeper_unlock('a')", ReleaseLock("a")),
        ("SELECT * FROM flightkeeper_locks()", ShowLocks()),
    ],
)
def test_each_is_read_in_every_dialect(dialect: str, text: str, command: Command) -> None:
    (statement,) = parse(text, dialect)
    assert statement.command == command


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT flightkeeper_lock()", r"\('name', seconds\) is expected here"),
        ("SELECT flightkeeper_lock('a'", "is expected here"),
        ("SELECT flightkeeper_lock(a)", "written out"),
        ('SELECT flightkeeper_lock("a")', "is expected here"),
        ("SELECT flightkeeper_lock(?, 1)", "written out"),
        ("SELECT flightkeeper_lock('a', 1) AS t", "nothing after it"),
        ("SELECT flightkeeper_lock('a', 1) FROM t", "nothing after it"),
        ("SELECT flightkeeper_lock('a', 0)", "more than 0"),
        ("SELECT flightkeeper_lock('a', 3601)", "3600 at most"),
        ("SELECT flightkeeper_lock_check('a', 1)", r"\('name'\) is expected here"),
        ("SELECT flightkeeper_unlock", "is expected here"),
        ("SELECT * FROM flightkeeper_locks", "is expected here"),
        ("SELECT * FROM flightkeeper_locks() ORDER BY 1", "nothing after it"),
    ],
)
def test_what_is_no_such_call_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        parse(text, "duckdb")


@pytest.mark.parametrize("text", ["SELECT 'flightkeeper_lock'", "SELECT 1 AS flightkeeper_locks"])
def test_the_words_elsewhere_mean_nothing(text: str) -> None:
    (statement,) = parse(text, "duckdb")
    assert statement.command is None
