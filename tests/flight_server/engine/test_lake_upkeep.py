"""Each step of the upkeep of a real lake, in SQLite and in PostgreSQL: nothing of it is lost."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine import lake, lake_ledger, lake_upkeep
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import METADATA, LakeOptions
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.lake.ledger import Entry
from flightkeeper.flight_server.lake.location import Backend, Location, parse
from flightkeeper.flight_server.lake.upkeep import (
    Backlog,
    Cutoffs,
    Keeping,
    Run,
    Step,
    TableState,
    Task,
    cutoffs,
)
from tests.support.postgres_relay import Point, losing_commits
from tests.support.postgres_server import PostgresServer
from tests.support.stub_process import eventually

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

DAY_S = 86_400.0
KEEPING = Keeping(7 * DAY_S, 2 * DAY_S, 7 * DAY_S, 1 << 20)


@pytest.fixture
def connection(in_lake: Connection) -> Connection:
    in_lake.command("CREATE TABLE t (i BIGINT)")
    return in_lake


def at(where: Location, days: float) -> Cutoffs:
    """What is old enough in so many days."""
    texts = where.backend is Backend.SQLITE
    return cutoffs(KEEPING, time.time() + days * DAY_S, times_are_texts=texts)


def look(connection: Connection, where: Location, days: float = 0) -> Backlog:
    return lake_upkeep.backlog(connection, where.backend, KEEPING, at(where, days))


def do(connection: Connection, where: Location, task: Task, days: float = 0) -> str:
    return lake_upkeep.perform(connection, task, KEEPING, at(where, days), "n1")


def table(connection: Connection, where: Location) -> TableState:
    (found,) = look(connection, where).tables
    return found


def insert(connection: Connection, rows: int, times: int = 1) -> None:
    for _ in range(times):
        connection.command(f"INSERT INTO t FROM range({rows})")


def content(connection: Connection) -> tuple[int, int]:
    return connection.rows("SELECT count(*), sum(i)::BIGINT FROM t")[0]


def files(tmp_path: Path) -> int:
    return len(list((tmp_path / "files").rglob("ducklake-*.parquet")))


def keep_in_catalog(connection: Connection) -> None:
    """Let small changes of the table be kept where other programs than nodes do."""
    told = "'data_inlining_row_limit', '10', table_name => 't'"
    connection.command(f"CALL ducklake_set_option('lake', {told})")


def test_small_changes_are_kept_in_files(connection: Connection, where: Location) -> None:
    connection.command("INSERT INTO t VALUES (1), (2)")
    connection.command("DELETE FROM t WHERE i = 1")
    found = table(connection, where)
    assert (found.inlined, found.asked) == (0, False)
    assert content(connection) == (1, 2)


def test_rows_and_marks_in_the_catalog_become_files(
    connection: Connection, where: Location
) -> None:
    keep_in_catalog(connection)
    insert(connection, 50)
    insert(connection, 2, times=3)
    connection.command("DELETE FROM t WHERE i = 7")
    before = content(connection)
    assert table(connection, where).inlined == 7
    assert do(connection, where, Task(Step.FLUSH, "main", "t")) == "6 rows"
    assert table(connection, where).inlined == 0
    assert content(connection) == before
    # Others are told who it was that was faster.
    assert lake.last_change(connection)[1] == "n1"


def test_reads_ask_no_longer_for_rows_in_the_catalog(
    connection: Connection, where: Location
) -> None:
    with (
        closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as others,
        closing(others.connect()) as other,
    ):
        keep_in_catalog(connection)
        insert(connection, 2, times=3)
        before = content(connection)
        assert content(other) == before
        version, _ = lake.last_change(connection)
        assert table(connection, where).asked
        if where.backend is Backend.POSTGRES:
            # In SQLite's lake files would stay as they are meanwhile.
            other.begin()
            assert content(other) == before
        assert do(connection, where, Task(Step.UNINLINE)) == "0 tables"
        do(connection, where, Task(Step.FLUSH, "main", "t"))
        assert do(connection, where, Task(Step.UNINLINE)) == "1 tables"
        assert not table(connection, where).asked
        # Within its transaction somebody reads what was there.
        assert content(other) == before
        if other.in_transaction:
            other.rollback()
        assert content(other) == content(connection) == before
        old = f"SELECT count(*), sum(i)::BIGINT FROM t AT (VERSION => {version})"
        assert connection.rows(old) == other.rows(old) == [before]
        # Rows that others put there all the same are read and asked for again.
        insert(connection, 3)
        assert table(connection, where).inlined == 3
        assert content(other) == content(connection) == (9, 6)
        assert do(other, where, Task(Step.FLUSH, "main", "t")) == "3 rows"
        assert content(other) == content(connection) == (9, 6)


def test_rows_on_their_way_into_the_catalog_are_not_lost(
    server: PostgresServer, in_postgres: Location
) -> None:
    """Somebody is about to commit such rows while their place is taken away."""
    with losing_commits(server.home) as relay, ExitStack() as stack:

        def opened(url: str) -> Connection:
            options = DatabaseOptions(lake=LakeOptions(parse(url)))
            database = stack.enter_context(closing(Database(options)))
            return stack.enter_context(closing(database.connect()))

        near = LakeOptions(in_postgres)
        database = stack.enter_context(closing(Database(DatabaseOptions(lake=near))))
        connection = stack.enter_context(closing(database.connect()))
        connection.command("CREATE TABLE t (i BIGINT)")
        keep_in_catalog(connection)
        insert(connection, 2)
        other = opened(f"ducklake:postgres://postgres@/postgres?host={relay.home}")
        assert content(other) == (2, 1)
        pool = stack.enter_context(ThreadPoolExecutor())
        with relay.holding(Point.BEFORE):
            added = pool.submit(insert, other, 3)
            assert relay.held.wait(30)
            do(connection, in_postgres, Task(Step.FLUSH, "main", "t"))
            do(connection, in_postgres, Task(Step.UNINLINE))
            assert not table(connection, in_postgres).asked
        with pytest.raises(EngineFailed, match="another transaction has altered it"):
            added.result(30)
        insert(other, 3)
        assert content(connection) == content(other) == (5, 4)


def test_files_of_which_much_is_deleted_are_written_anew(
    connection: Connection, where: Location
) -> None:
    insert(connection, 100, times=2)
    connection.command("DELETE FROM t WHERE i < 50")
    before = content(connection)
    assert [round(file.deleted, 1) for file in table(connection, where).worn] == [0.5, 0.5]
    done = do(connection, where, Task(Step.REWRITE, "main", "t", deleted_min=0.5))
    assert done == "2 files into 1"
    assert not table(connection, where).worn
    assert content(connection) == before


def test_a_column_that_came_later_is_no_hindrance(connection: Connection, where: Location) -> None:
    keep_in_catalog(connection)
    insert(connection, 100)
    connection.command("INSERT INTO t VALUES (1)")
    connection.command("ALTER TABLE t ADD COLUMN later INTEGER")
    connection.command("DELETE FROM t WHERE i < 50")
    before = content(connection)
    for step in (Step.FLUSH, Step.REWRITE):
        do(connection, where, Task(step, "main", "t"))
    assert content(connection) == before


def test_small_files_are_merged_and_old_ones_go_when_they_are_old_enough(
    connection: Connection, where: Location, tmp_path: Path
) -> None:
    insert(connection, 100, times=5)
    before = content(connection)
    assert table(connection, where).small == 5
    assert do(connection, where, Task(Step.MERGE, "main", "t")) == "5 files into 1"
    assert table(connection, where).small == 1
    assert content(connection) == before
    # Readers of versions before still have them.
    assert look(connection, where).scheduled == 5
    assert do(connection, where, Task(Step.CLEAN)) == "0 files"
    assert do(connection, where, Task(Step.CLEAN), days=1.9) == "0 files"
    assert files(tmp_path) == 6
    assert look(connection, where, days=4.1).cleanable == 5
    assert do(connection, where, Task(Step.CLEAN), days=6) == "5 files"
    assert files(tmp_path) == 1
    assert content(connection) == before


def test_old_versions_expire_and_the_newest_stays(connection: Connection, where: Location) -> None:
    insert(connection, 100)
    connection.command("DROP TABLE t")
    connection.command("CREATE TABLE t AS SELECT 1::BIGINT AS i")
    assert look(connection, where, days=6.9).versions == ()
    backlog = look(connection, where, days=7.1)
    assert backlog.versions == (0, 1, 2, 3)
    assert backlog.expirable == 4
    done = do(connection, where, Task(Step.EXPIRE, versions=backlog.versions))
    assert done == "4 versions"
    assert look(connection, where, days=7.1).versions == ()
    # The files of the table that was dropped wait for those who may still read them.
    assert look(connection, where).scheduled >= 1
    assert do(connection, where, Task(Step.CLEAN), days=0) == "0 files"
    assert content(connection) == (1, 1)


def test_files_that_the_lake_does_not_know_go_when_they_are_very_old(
    connection: Connection, where: Location, tmp_path: Path
) -> None:
    insert(connection, 100)
    (tmp_path / "files/main/t/ducklake-left.parquet").write_bytes(b"of a node that was killed")
    assert do(connection, where, Task(Step.ORPHANS), days=13.9) == "0 files"
    assert do(connection, where, Task(Step.ORPHANS), days=14.1) == "1 files"
    assert files(tmp_path) == 1
    assert content(connection)[0] == 100


def test_a_folder_of_somebody_else_is_left_alone(
    connection: Connection, where: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lake_upkeep, "_ORPHANS_MAX", 1)
    insert(connection, 100)
    for number in range(2):
        (tmp_path / f"files/main/t/ducklake-{number}.parquet").write_bytes(b"another lake's")
    with pytest.raises(EngineFailed, match="2 old files that the lake does not know"):
        do(connection, where, Task(Step.ORPHANS), days=15)
    assert files(tmp_path) == 3


def test_statements_that_are_not_sent_again_are_forgotten(
    connection: Connection, where: Location
) -> None:
    connection.begin()
    connection.command("INSERT INTO t VALUES (1)")
    lake_ledger.carry(connection, "n1", [Entry("k", "t", 1)])
    connection.commit()
    assert look(connection, where, days=6.9).entries == 0
    assert look(connection, where, days=7.1).entries == 1
    assert do(connection, where, Task(Step.LEDGER), days=7.1) == "1 entries"
    assert lake_ledger.found(connection, "k") is None
    assert lake_ledger.found(connection, "lake") is not None


def test_what_was_done_last_is_known_to_all(connection: Connection, where: Location) -> None:
    assert lake_upkeep.runs(connection, where.backend) == {}
    assert look(connection, where).orphans_looked_s == float("-inf")
    first = Run(Step.ORPHANS, "n1", 5.5, 3, "failed", "why")
    last = Run(Step.ORPHANS, "n2", 7.25, 4, "done", "0 files")
    for run in (first, last):
        lake_upkeep.note(connection, run)
    assert lake_upkeep.runs(connection, where.backend) == {Step.ORPHANS: last}
    assert look(connection, where).orphans_looked_s == 7.25


def test_the_size_aimed_at_is_the_settings(connection: Connection, where: Location) -> None:
    insert(connection, 100, times=2)
    do(connection, where, Task(Step.MERGE, "main", "t"))
    asked = f"SELECT value FROM {METADATA}.ducklake_metadata WHERE key = 'target_file_size'"
    assert connection.rows(asked) == [(str(KEEPING.file_bytes),)]


def test_the_log_begins_anew_although_there_is_always_somebody_who_reads(
    connection: Connection, where: Location
) -> None:
    if where.backend is Backend.POSTGRES:
        assert look(connection, where).log_bytes == 0
        return
    over = threading.Event()

    def read(first_s: float, reader: Connection) -> None:
        over.wait(first_s)
        while not over.is_set():
            reader.begin()
            reader.rows("FROM t")
            over.wait(0.4)
            reader.rollback()

    with (
        closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as others,
        ThreadPoolExecutor() as pool,
    ):
        readers = [pool.submit(read, number / 8, others.connect()) for number in range(3)]
        try:
            grown = [_after_changes(connection, where) for _ in range(3)]
            assert grown[0] < grown[1] < grown[2]
            done = _patiently(connection, where, Task(Step.LOG))
            assert int(done.split()[0]) > grown[1] / 2
            assert _after_changes(connection, where) <= grown[2]
        finally:
            over.set()
        for reader in readers:
            reader.result()


def _patiently(connection: Connection, where: Location, task: Task) -> str:
    """What came of it once no read needs most of the log, as one does that is older than all."""
    done: list[str] = []

    def tried() -> bool:
        with suppress(EngineFailed):
            done.append(do(connection, where, task))
        return bool(done)

    eventually(tried)
    return done[0]


def _after_changes(connection: Connection, where: Location) -> int:
    """How long the log is after some changes."""
    for _ in range(20):
        connection.command("INSERT INTO t VALUES (1)")
    return look(connection, where).log_bytes
