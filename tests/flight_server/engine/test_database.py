"""The database: opened or refused with a reason, connections lent and kept within bounds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from flightkeeper.flight_server.engine import database as module
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, StartFailed

_HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database(DatabaseOptions())
    yield opened
    opened.close()


def test_idle_connections_are_used_again(database: Database) -> None:
    first = database.lend()
    assert database.lend() is not first
    database.take_back(first)
    assert database.lend() is first


def test_only_so_many_idle_connections_are_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE_CONNECTIONS_MAX", 2)
    lent = [database.lend() for _ in range(3)]
    for connection in lent:
        database.take_back(connection)
    assert len(database._idle) == 2
    with pytest.raises(EngineFailed):
        lent[2].command("SELECT 1")


def test_what_comes_back_after_closing_is_closed() -> None:
    opened = Database(DatabaseOptions())
    idle, lent = opened.lend(), opened.lend()
    opened.take_back(idle)
    opened.close()
    opened.close()
    opened.take_back(lent)
    for connection in (idle, lent):
        with pytest.raises(EngineFailed):
            connection.command("SELECT 1")


def test_connections_see_one_database(database: Database) -> None:
    database.connect().command("CREATE TABLE t AS SELECT 7 AS a")
    assert database.lend().table("FROM t").to_pylist() == [{"a": 7}]


def test_the_options_reach_the_engine(tmp_path: Path) -> None:
    options = DatabaseOptions(threads=1, memory_limit="300MB", temp_directory=str(tmp_path))
    opened = Database(options)
    settings = (
        "SELECT current_setting('threads') AS threads, "
        "current_setting('memory_limit') AS memory, current_setting('temp_directory') AS directory"
    )
    (row,) = opened.lend().table(settings).to_pylist()
    opened.close()
    assert (row["threads"], row["directory"]) == (1, str(tmp_path))
    assert row["memory"].startswith("286")


def test_sql_does_not_reach_into_python(database: Database) -> None:
    secret = [{"a": 1}]
    with pytest.raises(InvalidArgument):
        database.lend().run(parse("FROM secret")[0])
    assert secret


def test_a_locked_file_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StartFailed) as caught:
            Database(DatabaseOptions(path=str(path)))
        holder.communicate("\n", timeout=10)
    assert f"locked by process {holder.pid};" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_lock_without_a_name_says_another_process() -> None:
    text = module._start_text(DatabaseOptions(path="x.db"), "IO Error: Could not set lock on file")
    assert "locked by another process" in text


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(os.urandom(100_000))
    with pytest.raises(StartFailed, match=r"notes\.txt cannot be opened: ") as caught:
        Database(DatabaseOptions(path=str(path)))
    assert "\n" not in str(caught.value)


def test_read_only_needs_a_file_and_shares_it(tmp_path: Path) -> None:
    path = str(tmp_path / "data.db")
    with pytest.raises(StartFailed, match="does not exist; --read-only cannot create it"):
        Database(DatabaseOptions(path=path, read_only=True))
    made = Database(DatabaseOptions(path=path))
    made.lend().command("CREATE TABLE t AS SELECT 7 AS a")
    made.close()
    opened = Database(DatabaseOptions(path=path, read_only=True))
    assert opened.lend().table("FROM t").to_pylist() == [{"a": 7}]
    opened.close()


def _read_only(path: Path) -> Database:
    return Database(DatabaseOptions(path=str(path), read_only=True))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A database's file, and a copy of it."""
    paths = tmp_path / "one" / "data.duckdb", tmp_path / "two" / "data.duckdb"
    for path in paths:
        path.parent.mkdir()
    with duckdb.connect(str(paths[0])) as opened:
        opened.execute("CREATE TABLE t AS SELECT 1 AS a")
    shutil.copy2(*paths)
    return paths


def test_data_that_can_change_have_a_name_of_this_process(database: Database) -> None:
    connection = database.lend()
    version = database.version(connection, "memory")
    assert version == database.changes.version
    assert version is not None
    assert database.is_at(connection, version)
    database.lend().change(parse("CREATE TABLE t (a INT)")[0])
    assert not database.is_at(connection, version)


def test_one_file_has_the_same_name_everywhere(files: tuple[Path, Path]) -> None:
    other = shutil.copy2(files[0], files[0].with_name("other.duckdb"))
    with closing(_read_only(files[0])) as one, closing(_read_only(files[1])) as two:
        version = one.version(one.lend(), "data")
        assert version is not None
        assert version == two.version(two.lend(), "data")
        assert two.is_at(two.lend(), version)
        # What else a node holds is not in the file.
        one.lend().change(parse(f"ATTACH '{other}' AS there")[0])
        assert one.version(one.lend(), "data") == version
        assert one.version(one.lend(), "there") == one.changes.version
        # Answers depend on these as well.
        one.lend().change(parse("SET GLOBAL TimeZone = 'Asia/Tokyo'")[0])
        assert not one.is_at(one.connect(), version)


def test_a_file_that_was_written_has_another_name(files: tuple[Path, Path]) -> None:
    with duckdb.connect(str(files[1])) as opened:
        opened.execute("INSERT INTO t VALUES (2)")
    with closing(_read_only(files[0])) as one, closing(_read_only(files[1])) as two:
        version = one.version(one.lend(), "data")
        assert version is not None
        assert not two.is_at(two.lend(), version)


def test_a_file_that_is_replaced_while_it_is_opened_has_no_name(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = iter("ab")
    monkeypatch.setattr(module, "fingerprint", lambda _path: next(told))
    with closing(_read_only(files[0])) as opened:
        assert opened.version(opened.lend(), "data") == opened.changes.version


def test_a_closed_database_has_not_failed() -> None:
    database = Database(DatabaseOptions())
    assert database.works()
    database.close()
    assert database.works()


def test_a_database_that_is_closed_while_it_is_asked_has_not_failed() -> None:
    with ThreadPoolExecutor(1) as asking:
        for _ in range(60):
            database = Database(DatabaseOptions())
            answers = asking.submit(lambda opened: [opened.works() for _ in range(50)], database)
            database.close()
            assert all(answers.result(30))
