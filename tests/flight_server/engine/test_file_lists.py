"""Reads beside merges of files on a real lake in SQLite, and the lock between them."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from fcntl import LOCK_SH
from pathlib import Path
from typing import Any

import pytest

from flightkeeper.flight_server.engine import file_lists
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.file_lists import FileLists
from flightkeeper.flight_server.engine.lake_upkeep import perform
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.file_locks import taken
from flightkeeper.flight_server.lake.reads import Reading
from flightkeeper.flight_server.lake.upkeep import Cutoffs, Keeping, Step, Task
from tests.flight_server.lake.conftest import here, location, there
from tests.support.stub_process import eventually

__all__ = ["here", "location", "there"]

(_COUNT,) = parse("SELECT count(*) FROM t")


@pytest.fixture
def lists(tmp_path: Path) -> FileLists:
    return FileLists(tmp_path / "lake.sqlite")


def test_readers_do_not_wait_for_each_other(lists: FileLists) -> None:
    with lists.read(), lists.read():
        pass


def test_who_replaces_files_does_not_wait_for_long(lists: FileLists) -> None:
    with lists.read(), pytest.raises(EngineFailed, match="somebody reads"), lists.replaced():
        pass
    with lists.replaced():
        pass


def test_who_comes_to_read_waits_for_who_replaces(lists: FileLists) -> None:
    told: list[str] = []

    def read() -> None:
        with lists.read():
            told.append("read")

    reader = threading.Thread(target=read)
    with lists.replaced():
        reader.start()
        reader.join(0.05)
        told.append("replaced")
    reader.join(10)
    assert told == ["replaced", "read"]


def test_who_keeps_coming_does_not_pass_who_waits(
    lists: FileLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lists, "_REPLACING_S", 20.0)
    told: list[str] = []

    def do(what: str, how: Callable[[], AbstractContextManager[None]]) -> threading.Thread:
        def run() -> None:
            with ExitStack() as stack:
                stack.enter_context(how())
                told.append(what)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    with lists.read():
        first = do("replaced", lists.replaced)
        eventually(lambda: _is_waiting(lists))
        second = do("read", lists.read)
        second.join(0.05)
    first.join(10)
    second.join(10)
    assert told == ["replaced", "read"]


def _is_waiting(lists: FileLists) -> bool:
    with ExitStack() as held:
        return not taken(held, lists._door, LOCK_SH)


def test_a_reader_goes_on_when_who_replaces_does_not(
    lists: FileLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lists, "_PATIENCE_S", 0.01)
    with lists.replaced(), lists.read():
        pass


def _merge(connection: Connection) -> str:
    keeping = Keeping(1e9, 1e9, 1e9, 1 << 27)
    return perform(connection, Task(Step.MERGE, "main", "t"), keeping, Cutoffs(0, 0, 0, 0), "n1")


@pytest.fixture
def merging(here: Database) -> Connection:
    opened = here.connect()
    opened.command("CREATE TABLE t (i INTEGER)")
    for _ in range(8):
        opened.command("INSERT INTO t FROM range(10)")
    return opened


@pytest.mark.lake
def test_a_transaction_keeps_the_files_it_may_read(merging: Connection, there: Database) -> None:
    reading = there.connect()
    reading.begin()
    assert reading.rows("SELECT count(*) FROM lake.snapshots()") == [(10,)]
    with pytest.raises(EngineFailed, match="somebody reads the lake"):
        _merge(merging)
    assert reading.rows("SELECT count(*) FROM t") == [(80,)]
    reading.commit()
    assert _merge(merging) == "8 files into 1"
    for end in (reading.commit, reading.rollback):
        reading.begin()
        assert reading.rows("SELECT count(*) FROM t") == [(80,)]
        end()
    reading.close()


@pytest.mark.lake
def test_a_read_that_has_begun_keeps_them(
    merging: Connection, there: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = there.connect()
    run = Connection.run
    refused: list[str] = []

    def merge_first(connection: Connection, *told: Any) -> Any:
        # The version has been asked.
        with pytest.raises(EngineFailed) as failed:
            _merge(merging)
        refused.append(str(failed.value))
        return run(connection, *told)

    monkeypatch.setattr(Connection, "run", merge_first)
    with closing(Reading(there.lake).run(reading, _COUNT, ())) as result:
        assert [batch.to_pydict() for batch in result] == [{"count_star()": [80]}]
    assert len(refused) == 1
    assert _merge(merging) == "8 files into 1"
    reading.close()


@pytest.mark.lake
def test_a_result_that_is_still_read_keeps_nobody(merging: Connection, there: Database) -> None:
    reading = there.connect()
    (long,) = parse("FROM t, range(100000)")
    with closing(Reading(there.lake).run(reading, long, ())) as result:
        batches = iter(result)
        rows = next(batches).num_rows
        assert _merge(merging) == "8 files into 1"
        assert rows + sum(batch.num_rows for batch in batches) == 8_000_000
    reading.close()


def test_a_lock_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    lists = FileLists(tmp_path / "nobody" / "lake.sqlite")
    with pytest.raises(EngineFailed, match="No such file or directory"), lists.read():
        pass
