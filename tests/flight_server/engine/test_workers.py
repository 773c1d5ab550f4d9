"""The engine's threads: they come with the first statement that computes for long."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from flightkeeper.flight_server.engine import workers as module
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.engine.work import Work
from flightkeeper.flight_server.engine.workers import COMPUTES_S, Workers
from flightkeeper.flight_server.lake.location import Location
from tests.flight_server.wire_client import eventually

THREADS = 4
COUNT = "SELECT current_setting('external_threads')"


class Computed(Work):
    """A statement whose thread has used so much of a processor."""

    def __init__(self, used_s: float) -> None:
        super().__init__()
        self.told_s = used_s
        self.asked = threading.Event()

    def used_s(self) -> float:
        self.asked.set()
        return self.told_s


@pytest.fixture
def root() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": THREADS}) as opened:
        yield opened


@pytest.fixture
def workers(root: duckdb.DuckDBPyConnection) -> Iterator[Workers]:
    with closing(Workers(root.cursor())) as made:
        yield made


@pytest.fixture
def connection(root: duckdb.DuckDBPyConnection, workers: Workers) -> Iterator[Connection]:
    with closing(Connection(root.cursor(), Wiring(1000, workers=workers))) as opened:
        yield opened


def callers(root: duckdb.DuckDBPyConnection) -> int:
    """How many of the engine's threads are those of its callers."""
    ((count,),) = root.cursor().execute(COUNT).fetchall()
    return int(count)


def test_small_statements_need_none(
    root: duckdb.DuckDBPyConnection, connection: Connection
) -> None:
    connection.change(parse("CREATE TABLE t (i INTEGER)")[0])
    for _ in range(100):
        connection.rows("SELECT 1")
    assert callers(root) == THREADS


def test_they_come_for_a_statement_that_computes_and_stay(
    root: duckdb.DuckDBPyConnection, connection: Connection
) -> None:
    (heavy,) = parse("SELECT count(*) FROM range(60_000_000) t(i) WHERE hash(i) % 7 = 3")
    list(connection.run(heavy))
    eventually(lambda: callers(root) == 1)
    connection.rows("SELECT 1")
    assert callers(root) == 1


@pytest.mark.parametrize("idle", [False, True])
def test_they_come_also_after_a_time_without_work(
    root: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, *, idle: bool
) -> None:
    monkeypatch.setattr(module, "_IDLE_LOOKS", -1 if idle else 1_000_000)
    with closing(Workers(root.cursor())) as workers:
        threading.Event().wait(0.15)
        assert callers(root) == THREADS
        workers.begin(Computed(COMPUTES_S))
        eventually(lambda: callers(root) == 1)


def test_what_has_computed_less_or_has_ended_is_worth_none(
    root: duckdb.DuckDBPyConnection, workers: Workers
) -> None:
    small = Computed(COMPUTES_S / 2)
    workers.begin(small)
    assert small.asked.wait(20)
    workers.end(small)
    workers.end(small)
    small.told_s = 60
    threading.Event().wait(0.15)
    assert callers(root) == THREADS


def test_who_comes_takes_tasks_of_a_statement_that_has_begun(
    root: duckdb.DuckDBPyConnection, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPUTES_S", 0)
    seen, both = set[int](), threading.Event()

    def meet(number: int) -> int:
        seen.add(threading.get_ident())
        if len(seen) > 1:
            both.set()
        assert both.wait(20)
        return number

    root.create_function("meet", meet, ["BIGINT"], "BIGINT")
    root.execute("CREATE TABLE t AS SELECT i FROM range(300_000) t(i)")
    assert connection.rows("SELECT count(meet(i)) FROM t") == [(300_000,)]
    assert threading.get_ident() in seen


@pytest.mark.parametrize(
    ("sql", "threads"),
    [("SET threads = 2", 2), ("SET GLOBAL threads TO 1", 1), ("PRAGMA threads = 8", 8)],
)
def test_how_many_there_are_may_be_set(
    root: duckdb.DuckDBPyConnection, connection: Connection, sql: str, threads: int
) -> None:
    connection.change(parse(sql)[0])
    ((found,),) = connection.rows("SELECT current_setting('threads')")
    assert (int(found), callers(root)) == (threads, 1)


def test_settings_that_are_locked_lock_nobody_out(
    root: duckdb.DuckDBPyConnection, connection: Connection
) -> None:
    connection.change(parse("SET lock_configuration = true")[0])
    assert callers(root) == 1


@pytest.mark.lake
def test_a_node_whose_start_file_locks_settings_has_all_threads(
    where: Location, tmp_path: Path
) -> None:
    start = tmp_path / "start.sql"
    start.write_text("SET lock_configuration = true;")
    start.chmod(0o600)
    told = DatabaseOptions(threads=THREADS, start_file=start, lake=LakeOptions(where))
    with closing(Database(told)) as database, database.lent() as connection:
        assert connection.rows(COUNT) == [(1,)]


@pytest.mark.lake
def test_a_node_with_a_lake_begins_without(where: Location) -> None:
    options = DatabaseOptions(threads=THREADS, lake=LakeOptions(where))
    with closing(Database(options)) as database:
        with database.lent() as connection:
            assert connection.rows(COUNT) == [(THREADS,)]
        database.configure(DatabaseOptions(threads=2, lake=LakeOptions(where)))
        with database.lent() as connection:
            assert connection.rows(COUNT) == [(1,)]
            assert connection.rows("SELECT current_setting('threads')") == [(2,)]


def test_none_comes_once_it_is_closed(root: duckdb.DuckDBPyConnection) -> None:
    workers = Workers(root.cursor())
    workers.close()
    workers.begin(Computed(COMPUTES_S))
    assert callers(root) == THREADS


def test_an_engine_that_is_gone_ends_nobody(root: duckdb.DuckDBPyConnection) -> None:
    workers = Workers(root.cursor())
    root.close()
    workers.begin(Computed(COMPUTES_S))
    workers.close()
