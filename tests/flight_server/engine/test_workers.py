"""The engine's threads: there while something computes, and gone some time after."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from flightkeeper.flight_server.engine import workers as module
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.engine.work import Work
from flightkeeper.flight_server.engine.workers import (
    BUSY,
    CHANGES_S,
    READS_S,
    WINDOW_S,
    Usage,
    Workers,
    is_worth_more,
    used_s,
)
from tests.flight_server.wire_client import eventually

THREADS = 4
HEAVY = "SELECT count(*) FROM range(40_000_000) t(i) WHERE hash(i) % 7 = 3"


@pytest.mark.parametrize(
    ("age_s", "used", "reads", "worth"),
    [
        (60, 0, True, False),
        (60, READS_S / 2, True, False),
        (READS_S, READS_S, True, True),
        (READS_S / 2, READS_S, True, False),
        (60, READS_S, False, False),
        (60, CHANGES_S, False, True),
    ],
)
def test_a_statement_that_computes_is_worth_more_threads(
    age_s: float, used: float, *, reads: bool, worth: bool
) -> None:
    work = Work(reads=reads)
    work.began_s -= age_s
    work.thread_s -= used
    assert is_worth_more(work) is worth


def test_what_a_thread_has_used_is_told_by_the_system() -> None:
    work = Work()
    sum(range(1_000_000))
    used = time.thread_time() - work.thread_s
    assert used * 0.5 < used_s(work, 60) < used + 1
    # It is a process, and no thread of this one.
    work.native_thread = 1
    assert used_s(work, 60) == 60


def test_threads_that_wait_use_little() -> None:
    over = threading.Event()
    waiting = threading.Thread(target=over.wait)
    waiting.start()
    assert waiting.native_id is not None
    usage = Usage([waiting.native_id, 1], 0.0)
    assert usage.is_low(WINDOW_S / 2) is None
    assert usage.is_low(WINDOW_S) is True
    over.set()
    waiting.join()
    mine = Usage([threading.get_native_id()], 0.0)
    busy_until_s = time.thread_time() + 2 * BUSY * WINDOW_S
    while time.thread_time() < busy_until_s:
        pass
    assert mine.is_low(WINDOW_S) is False


@pytest.fixture
def root() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": THREADS}) as opened:
        yield opened


@pytest.fixture
def connection(
    root: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connection]:
    monkeypatch.setattr(module, "LINGER_S", 0.05)
    with closing(Workers(root.cursor())) as workers:
        opened = Connection(root.cursor(), Wiring(1000, workers=workers))
        yield opened
        opened.close()


def callers(root: duckdb.DuckDBPyConnection) -> int:
    """How many of the engine's threads are those of its callers."""
    ((count,),) = root.cursor().execute("SELECT current_setting('external_threads')").fetchall()
    return int(count)


def until(root: duckdb.DuckDBPyConnection, count: int) -> None:
    eventually(lambda: callers(root) == count)


def test_they_come_for_a_statement_that_computes_and_go_after_it(
    root: duckdb.DuckDBPyConnection, connection: Connection
) -> None:
    assert callers(root) == THREADS
    connection.rows("SELECT 1")
    assert callers(root) == THREADS
    thread = threading.Thread(target=connection.rows, args=(HEAVY,))
    thread.start()
    until(root, 1)
    thread.join()
    until(root, THREADS)
    # Again, after there was nothing to do for a while.
    thread = threading.Thread(target=connection.rows, args=(HEAVY,))
    thread.start()
    until(root, 1)
    thread.join()


@pytest.fixture
def workers(root: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Nobody looks by himself whether they may go."""
    monkeypatch.setattr(module, "TICK_S", 60)
    monkeypatch.setattr(module, "LINGER_S", 0)
    monkeypatch.setattr(module, "WINDOW_S", 0)
    with closing(Workers(root.cursor())) as made:
        yield made


def test_they_leave_only_while_nothing_runs(
    root: duckdb.DuckDBPyConnection, workers: Workers
) -> None:
    """One of them might wait for who lets them leave, who would wait for it."""
    with workers.staying():
        assert callers(root) == 1
    work = Work(reads=True)
    workers.begin(work)
    for _ in range(3):
        workers.look()
        assert callers(root) == 1
    workers.end(work)
    workers.look()
    assert callers(root) == THREADS


def test_what_begins_waits_until_they_have_left(
    root: duckdb.DuckDBPyConnection, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 60)
    with workers.staying():
        pass
    running, later, begun = Work(), Work(), threading.Event()
    workers.begin(running)
    leaving = threading.Thread(target=workers.look)
    leaving.start()
    eventually(lambda: workers._leaving)

    def begin() -> None:
        workers.begin(later)
        assert callers(root) == THREADS
        begun.set()

    beginning = threading.Thread(target=begin)
    beginning.start()
    assert not begun.wait(0.05)
    workers.end(running)
    assert begun.wait(20)
    leaving.join()
    beginning.join()
    workers.end(later)


def test_who_comes_takes_tasks_of_a_statement_that_has_begun(
    root: duckdb.DuckDBPyConnection, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHANGES_S", 0)
    monkeypatch.setattr(module, "READS_S", 0)
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
    statement = parse(sql)[0]
    connection.change(statement)
    ((found,),) = connection.rows("SELECT current_setting('threads')")
    assert int(found) == threads
    until(root, threads)


def test_nothing_comes_and_goes_once_it_is_closed(root: duckdb.DuckDBPyConnection) -> None:
    workers = Workers(root.cursor())
    workers.close()
    workers.begin(Work())
    assert callers(root) == THREADS


def test_an_engine_that_is_gone_ends_nobody(root: duckdb.DuckDBPyConnection) -> None:
    workers = Workers(root.cursor())
    root.close()
    workers.begin(Work())
    workers.close()
