"""Interrupts reach the work they are meant for, and no other."""

import threading

import duckdb
import pytest

from flightkeeper.flight_server.engine.changes import Changes
from flightkeeper.flight_server.engine.work import Engine


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
