"""Interrupts reach the work they are meant for, and no other."""

import threading
import time

import duckdb
import pytest

from flightkeeper.flight_server.engine.changes import Changes
from flightkeeper.flight_server.engine.work import Engine, Work
from tests.flight_server.wire_client import eventually


class _Cursor:
    """Counts interrupts."""

    def __init__(self) -> None:
        self.interrupts = 0

    def interrupt(self) -> None:
        self.interrupts += 1


@pytest.fixture
def cursor() -> _Cursor:
    return _Cursor()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def engine(cursor: _Cursor, changes: Changes) -> Engine:
    return Engine(cursor, changes)  # type: ignore[arg-type]


def test_work_is_interrupted_until_it_ends(engine: Engine, cursor: _Cursor) -> None:
    work = engine.begin()
    engine.interrupt(work)
    assert (engine.busy, cursor.interrupts, work.interrupted) == (True, 1, True)
    engine.end(work)
    engine.interrupt(work)
    assert (engine.busy, cursor.interrupts) == (False, 1)


def test_the_work_after_it_is_not_meant(engine: Engine, cursor: _Cursor) -> None:
    before, now = engine.begin(), engine.begin()
    engine.interrupt(before)
    engine.end(before)
    assert (engine.busy, cursor.interrupts, now.interrupted) == (True, 0, False)
    engine.interrupt(now)
    assert cursor.interrupts == 1


def test_a_thread_means_its_own_work(engine: Engine, cursor: _Cursor) -> None:
    engine.interrupt_thread(None)
    work = engine.begin()
    engine.interrupt_thread(threading.get_ident() + 1)
    assert cursor.interrupts == 0
    engine.interrupt_thread(threading.get_ident())
    work.thread = None  # between two batches
    engine.interrupt_thread(threading.get_ident())
    assert cursor.interrupts == 1
    engine.interrupt_thread(None)
    assert cursor.interrupts == 2


def test_changes_are_counted_once(engine: Engine, changes: Changes) -> None:
    before = changes.version
    work = engine.begin(changes=True)
    assert changes.version is None
    engine.end(work)
    engine.end(work)
    assert changes.version not in {None, before}


def test_a_closed_database_has_nothing_to_interrupt() -> None:
    root = duckdb.connect()
    engine = Engine(root.cursor(), Changes())
    work = engine.begin()
    root.close()
    engine.interrupt(work)


def compute(for_s: float) -> None:
    until_s = time.thread_time() + for_s
    while time.thread_time() < until_s:
        pass


def test_what_its_threads_have_computed_is_told() -> None:
    compute(0.02)
    work = Work()
    assert work.used_s() < 0.01
    compute(0.02)
    work.leave()
    used_s = work.used_s()
    assert 0.02 <= used_s < 0.2
    # What the thread does for others does not count, and what another one does for it does.
    compute(0.02)
    assert work.used_s() == used_s

    def fetch() -> None:
        work.enter()
        compute(0.02)
        assert work.used_s() >= used_s + 0.02
        work.leave()

    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    assert work.used_s() >= used_s + 0.02


def test_a_thread_that_is_gone_has_used_what_was_known() -> None:
    made: list[Work] = []
    thread = threading.Thread(target=lambda: made.append(Work()))
    thread.start()
    thread.join()
    eventually(lambda: made[0].used_s() == 0.0)
