"""A lake in the engine: attached by several at once, told from others, no password anywhere."""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine import catalog, lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import parse as parse_sql
from flightkeeper.flight_server.errors import EngineFailed, StartFailed, Unavailable
from flightkeeper.flight_server.lake.location import Location, parse
from flightkeeper.flight_server.lake.turns import FileGate
from flightkeeper.flightsql.headers import Reason

pytestmark = pytest.mark.lake


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return parse(f"ducklake:sqlite:{tmp_path}/new/lake.sqlite")


def opened(location: Location, *, read_only: bool = False) -> Database:
    return Database(DatabaseOptions(lake=LakeOptions(location, read_only=read_only)))


@pytest.fixture
def database(location: Location) -> Iterator[Database]:
    with closing(opened(location)) as database:
        yield database


def test_those_who_start_at_once_make_one_lake(location: Location) -> None:
    with ThreadPoolExecutor(4) as pool, ExitStack() as stack:
        all_of_them = list(pool.map(lambda _: opened(location), range(4)))
        for database in all_of_them:
            stack.callback(database.close)
        assert len({database.lake for database in all_of_them}) == 1
        assert all_of_them[0].lake


def test_who_starts_does_not_wait_for_ever_for_who_is_frozen_while_it_writes(
    location: Location, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake, "_PATIENCE_S", 0.01)
    gate = FileGate(lake.lock_file(location))
    assert gate.try_enter()
    with closing(opened(location)) as other:
        assert other.lake == database.lake
    gate.leave()


def locks(location: Location) -> list[str]:
    """What this process has locked of SQLite's files, as the kernel tells it."""
    files = {str(path.stat().st_ino) for path in Path(location.path).parent.glob("lake.sqlite*")}
    told = [line.split()[1:] for line in Path("/proc/locks").read_text().splitlines()]
    return sorted(
        " ".join(lock)
        for lock in told
        if lock[0] == "POSIX" and lock[3] == str(os.getpid()) and lock[4].split(":")[2] in files
    )


def test_who_has_attached_it_and_does_nothing_has_nothing_locked(
    location: Location, database: Database
) -> None:
    connection = database.connect()
    run(connection, "CREATE TABLE t AS SELECT 1 AS i")
    assert connection.rows("FROM t") == [(1,)]
    assert not locks(location)
    assert not Path(f"{location.path}-wal").exists(), "the log ends when nobody reads or writes"


def test_who_comes_later_leaves_the_locks_of_who_reads(
    location: Location, database: Database
) -> None:
    connection = database.connect()
    run(connection, "CREATE TABLE t AS SELECT 1 AS i")
    connection.begin()
    connection.rows("FROM t")
    before = locks(location)
    assert before
    with closing(opened(location)) as other:
        assert other.lake == database.lake
        assert set(before) <= set(locks(location))
    assert locks(location) == before
    connection.commit()


@pytest.mark.parametrize("name", ["flightkeeper_ledger_note", "flightkeeper_column_stats_restore"])
def test_a_trigger_of_an_older_node_is_replaced(location: Location, name: str) -> None:
    def triggers(catalog: sqlite3.Connection) -> dict[str, str]:
        found = catalog.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        return dict(found.fetchall())

    opened(location).close()
    with closing(sqlite3.connect(location.path)) as catalog:
        ours = triggers(catalog)
        older = ours[name].replace("END", "SELECT 1; END")
        catalog.executescript(f"DROP TRIGGER {name}; {older}")
        assert triggers(catalog) != ours
    opened(location).close()
    with closing(sqlite3.connect(location.path)) as catalog:
        assert triggers(catalog) == ours


def run(connection: Connection, sql: str) -> None:
    for statement in parse_sql(sql):
        connection.change(statement)


def test_names_are_looked_up_in_it(database: Database) -> None:
    connection = database.connect()
    run(connection, "CREATE TABLE t AS SELECT 1 AS i")
    assert lake.looked_up_in(connection)
    assert database.lend().rows("SELECT i FROM lake.main.t") == [(1,)]
    assert not lake.hides(connection, "t")
    run(connection, "CREATE TEMP TABLE t (i INTEGER)")
    assert lake.hides(connection, "t")
    assert not lake.hides(connection, "u")
    run(connection, "CREATE TEMP VIEW v AS SELECT 1 AS i")
    assert lake.hides(connection, "V")


@pytest.mark.parametrize("name", ["/tmp/none.csv", "http://127.0.0.1:1/none.parquet", 'a"b.c'])
def test_a_name_may_look_like_a_file_s(database: Database, name: str) -> None:
    assert database.connect().plain
    connection = database.connect()
    run(connection, "SET threads = 2")
    assert not connection.plain
    assert not lake.hides(connection, name)


@pytest.mark.parametrize(
    ("sql", "inside"),
    [
        ("SET TimeZone = 'UTC'", True),
        ("CREATE SCHEMA lake.s; USE lake.s", True),
        ("USE LAKE", True),
        ("USE memory", False),
        ("SET search_path = 'memory.main,lake.main'", False),
    ],
)
def test_a_session_may_look_names_up_elsewhere(
    database: Database, sql: str, *, inside: bool
) -> None:
    connection = database.connect()
    run(connection, sql)
    assert lake.looked_up_in(connection) is inside


def test_who_looks_names_up_where_another_session_does_is_asked(database: Database) -> None:
    connection = database.connect()
    catalog.use(connection, "memory")
    assert not lake.looked_up_in(connection)


def test_catalogs_are_known_in_any_case(database: Database) -> None:
    connection = database.connect()
    connection.command("ATTACH ':memory:' AS Other")
    assert lake.is_catalog(connection, "other")
    assert not lake.is_catalog(connection, "main")


def test_whose_a_change_is_costs_the_lakes_catalog_nothing(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = database.connect()
    connection.command("SET GLOBAL sqlite_debug_show_queries = true")
    assert lake.looked_up_in(connection)
    assert not lake.hides(connection, "t")
    assert not lake.is_catalog(connection, "s")
    run(connection, "SET TimeZone = 'UTC'")
    assert lake.looked_up_in(connection)
    assert capfd.readouterr().err == ""
    assert database.lend().rows("SELECT abs(-1)") == [(1,)]
    assert "ducklake_snapshot" in capfd.readouterr().err


def test_who_only_reads_changes_nothing(location: Location, database: Database) -> None:
    database.connect().command("CREATE TABLE t AS SELECT 1 AS i")
    with closing(opened(location, read_only=True)) as reader:
        assert reader.lake == database.lake
        assert reader.connect().rows("SELECT i FROM t") == [(1,)]
        with pytest.raises(Exception, match="read-only"):
            reader.connect().command("CREATE TABLE u (i INTEGER)")


def test_a_lake_without_a_ledger_is_not_read(location: Location) -> None:
    with closing(opened(location)):
        pass
    with closing(sqlite3.connect(location.path)) as catalog:
        catalog.execute("DELETE FROM flightkeeper_ledger")
        catalog.commit()
    with pytest.raises(StartFailed, match="has no ledger"):
        opened(location, read_only=True)


def test_what_cannot_be_attached_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake.sqlite").write_text("this is no database, and long enough to be seen as one")
    with pytest.raises(StartFailed, match=r"the lake ducklake:sqlite:.*cannot be attached"):
        opened(parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite"))


def test_a_server_that_is_away_is_told_without_the_password(tmp_path: Path) -> None:
    where = parse(f"ducklake:postgres://ada@/shop?host={tmp_path}")
    options = LakeOptions(where, password="tr0ub4dor")
    with pytest.raises(StartFailed, match="cannot be attached") as caught:
        Database(DatabaseOptions(lake=options))
    assert "tr0ub4dor" not in str(caught.value)
    assert "tr0ub4dor" not in repr(options)


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        ("Transaction conflict - attempting to insert into table with index 2", True),
        ("Failed to query most recent snapshot: database is locked", True),
        ("this table has been created by another transaction already", True),
        ("UNIQUE constraint failed: flightkeeper_ledger.key", True),
        ("Catalog Error: Table with name x does not exist", False),
    ],
)
def test_who_was_overtaken_is_told_by_the_words(words: str, *, taken: bool) -> None:
    assert lake.was_taken(EngineFailed(words)) is taken
    # As it is told of what the lake's other users keep from being done, in whatever words.
    assert lake.was_taken(EngineFailed(words, reason=Reason.CONFLICT))


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ('IO Error: Failed to execute query "COMMIT": server closed the connection', True),
        ("FATAL: terminating connection due to administrator command", True),
        ('IO Error: Unable to connect to Postgres at ""', True),
        ("Conversion Error: Could not convert string 'x' to INT32", False),
    ],
)
def test_a_server_that_went_away_is_told_by_the_words(words: str, *, lost: bool) -> None:
    assert lake.was_lost(EngineFailed(words)) is lost
    # As it is told of what was not begun, in whatever words.
    assert lake.was_lost(Unavailable(words, reason=Reason.AWAY))
