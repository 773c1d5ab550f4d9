"""Counting changes, and telling the states of a file apart."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from flightkeeper.flight_server.engine.changes import Changes, fingerprint
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.errors import NodeError

_CRASH = """
import duckdb, os, sys
duckdb.connect(sys.argv[1]).execute("INSERT INTO t VALUES (3)")
os._exit(0)"""


def test_a_version_stays_until_something_may_change() -> None:
    changes = Changes()
    first = changes.version
    assert first is not None
    assert changes.version == first
    changes.begin()
    assert changes.version is None
    changes.begin()
    changes.end()
    assert changes.version is None
    changes.end()
    assert changes.version not in {None, first}


def test_versions_of_two_databases_never_meet() -> None:
    assert Changes().version != Changes().version


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SELECT 1", False),
        ("FROM t", False),
        ("INSERT INTO t VALUES (2)", True),
        ("INSERT INTO t VALUES (2) RETURNING a", True),
        ("CREATE TABLE other (a INT)", True),
        ("CHECKPOINT", True),
        ("ATTACH ':memory:' AS there", True),
        ("SET GLOBAL TimeZone = 'UTC'", True),
        ("INSERT INTO t SELECT error('x')::INT", True),
        ("SELECT error('x')", False),
    ],
)
def test_what_goes_through_a_connection_is_counted(text: str, *, changed: bool) -> None:
    changes = Changes()
    with duckdb.connect() as root:
        root.execute("CREATE TABLE t AS SELECT 1 AS a")
        connection = Connection(root.cursor(), Wiring(1000, changes))
        before = changes.version
        _run(connection, text)
        assert changes.version is not None
        assert (changes.version != before) is changed
        connection.close()


def test_a_transaction_changes_something_when_it_commits() -> None:
    changes = Changes()
    with duckdb.connect() as root:
        connection = Connection(root.cursor(), Wiring(1000, changes))
        for text, commit in (("CREATE TABLE t (a INT)", True), ("SELECT 1", False)):
            connection.begin()
            _run(connection, text)
            before = changes.version
            if commit:
                connection.commit()
            else:
                connection.rollback()
            assert (changes.version != before) is commit
        connection.close()


def test_a_change_lasts_until_its_rows_are_read() -> None:
    changes = Changes()
    with duckdb.connect() as root:
        root.execute("CREATE TABLE t (a BIGINT)")
        connection = Connection(root.cursor(), Wiring(1000, changes))
        (statement,) = parse("INSERT INTO t FROM range(1000000) RETURNING a")
        result = connection.run(statement)
        assert changes.version is None
        result.close()
        assert changes.version is not None
        connection.close()


def _run(connection: Connection, text: str) -> None:
    (statement,) = parse(text)
    try:
        if statement.shape.name == "ROWS":
            list(connection.run(statement))
        else:
            connection.change(statement)
    except NodeError as exc:
        assert "x" in str(exc)  # noqa: PT017 - only one of the texts fails


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "data.duckdb"
    with duckdb.connect(str(path)) as opened:
        opened.execute("CREATE TABLE t AS SELECT 1 AS a")
    return path


def test_reading_a_file_leaves_its_fingerprint(file: Path) -> None:
    before = fingerprint(file)
    assert before is not None
    with duckdb.connect(str(file), read_only=True) as opened:
        opened.execute("FROM t").fetchall()
        assert fingerprint(file) == before
    assert fingerprint(file) == before


def test_writing_a_file_changes_its_fingerprint(file: Path) -> None:
    before = fingerprint(file)
    with duckdb.connect(str(file)) as opened:
        opened.execute("INSERT INTO t VALUES (2)")
        logged = fingerprint(file)
    assert len({before, logged, fingerprint(file)}) == 3


def test_a_log_that_a_crash_left_counts(file: Path) -> None:
    before = fingerprint(file)
    subprocess.run([sys.executable, "-c", _CRASH, str(file)], check=True)
    assert fingerprint(file) != before


def test_a_faithful_copy_is_the_same_and_another_file_is_not(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    shutil.copy2(file, copy)
    assert fingerprint(copy) == fingerprint(file)
    os.utime(copy, ns=(1, 1))
    assert fingerprint(copy) != fingerprint(file)


def test_what_is_no_file_has_no_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nothing") is None
    assert fingerprint(tmp_path) is None
