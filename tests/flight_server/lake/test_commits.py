"""Groups of writes to a real lake: each as if it were alone, all in one commit."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import lake, lake_ledger
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    InvalidArgument,
    NodeError,
    Unavailable,
)
from flightkeeper.flight_server.lake import commits, groups, ledger
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.writes import LakeWrites
from tests.flight_server.lake.calls import FakeCall
from tests.support.stub_process import eventually

pytestmark = pytest.mark.lake


def _new(statement_id: str) -> FakeCall:
    """A statement that is sent for the first time."""
    return FakeCall(statement_id, sent_before=False)


@dataclass(eq=False)
class Writer:
    """A caller in a thread of its own, whose statement waits with those of others."""

    owner: LakeWrites
    connection: Connection
    sql: str
    call: FakeCall = field(default_factory=lambda: _new(""))
    before: Callable[[Connection], None] = lambda _: None
    rows: int | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._write)
        self.member: groups.Member

    def _write(self) -> None:
        (statement,) = parse(self.sql)

        def run(where: Connection) -> int:
            self.before(where)
            return where.change(statement)

        asking: Any = self.call
        try:
            self.rows = self.owner.change(asking, self.connection, Change(statement, run))
        except NodeError as exc:
            self.error = exc

    def stop(self) -> None:
        """Its caller goes away."""
        self.connection.interrupt(self.thread.ident)


class Crowd:
    """Writers of one node whose line is held up until all of them wait."""

    def __init__(self, database: Database, location: Location) -> None:
        self.database = database
        self.line = Line(gate(location, database))
        self.owner = LakeWrites(self.line, lambda: "n1")
        self.asking = database.connect()
        self.asking.command("CREATE TABLE t (i INTEGER)")

    def writer(self, sql: str, **told: Any) -> Writer:
        return Writer(self.owner, self.database.lend(), sql, **told)

    def write(self, *writers: Writer, while_they_wait: Callable[[], object] = lambda: None) -> None:
        """Let these write, in this order, all of them waiting at once."""
        waiting = self.owner._waiting
        with self.line.turn(lambda: None):
            for number, writer in enumerate(writers, start=1):
                writer.thread.start()
                eventually(partial(self._waits, number))
                writer.member = waiting._members[-1]
            while_they_wait()
        for writer in writers:
            writer.thread.join(30)
            assert not writer.thread.is_alive()
            self.database.take_back(writer.connection)

    def _waits(self, number: int) -> bool:
        return len(self.owner._waiting) == number

    @property
    def version(self) -> int:
        return lake.last_change(self.asking)[0]

    def values(self) -> list[int]:
        return [i for (i,) in self.asking.rows("SELECT i FROM t ORDER BY i")]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_PAUSE_S", 0.0)
    monkeypatch.setattr(commits, "_LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(groups, "_GATHER_MAX_S", 0.0)


@pytest.fixture
def crowd(here: Database, location: Location) -> Iterator[Crowd]:
    made = Crowd(here, location)
    yield made
    made.asking.close()


def test_small_writes_that_wait_are_one_commit(crowd: Crowd) -> None:
    before = crowd.version
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i}), ({i})") for i in range(4)]
    writers.append(crowd.writer("DELETE FROM t WHERE i < 0"))
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [2, 2, 2, 2, 0]
    assert crowd.version == before + 1
    assert crowd.values() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_each_of_them_is_in_the_ledger(crowd: Crowd) -> None:
    writers = [
        crowd.writer(f"INSERT INTO t VALUES ({i}), ({i})", call=_new(f"s{i}")) for i in range(3)
    ]
    crowd.write(*writers)
    for number in range(3):
        entry = lake_ledger.found(crowd.asking, ledger.key("ada", f"s{number}", 1))
        assert entry is not None
        assert entry.rows == 2


def test_one_that_fails_falls_out_and_the_rest_go_again(crowd: Crowd) -> None:
    before = crowd.version
    writers = [
        crowd.writer(f"INSERT INTO t VALUES ({value})") for value in ("1", "'x'", "2", "nobody")
    ]
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1, None, 1, None]
    assert "Could not convert string 'x'" in str(writers[1].error)
    assert "nobody" in str(writers[3].error)
    assert crowd.version == before + 1
    assert crowd.values() == [1, 2]


def test_rows_for_one_table_are_one_file(crowd: Crowd) -> None:
    crowd.asking.command("CREATE TABLE u (i INTEGER NOT NULL, n INTEGER DEFAULT 7)")
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})") for i in range(4)]
    writers += [crowd.writer(f"INSERT INTO u (i) VALUES ({i})") for i in range(4)]
    writers.append(crowd.writer("UPDATE t SET i = 9 WHERE i = 5"))
    before = crowd.version
    crowd.asking.command("INSERT INTO t VALUES (5)")
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1] * 9
    assert crowd.version == before + 2
    assert crowd.values() == [0, 1, 2, 3, 9]
    assert crowd.asking.rows("FROM u ORDER BY i") == [(i, 7) for i in range(4)]
    assert len(crowd.asking.rows("FROM ducklake_list_files('lake', 't')")) == 2


def test_what_a_table_does_not_take_falls_out(crowd: Crowd) -> None:
    crowd.asking.command("CREATE TABLE u (i INTEGER NOT NULL)")
    crowd.asking.command("CREATE VIEW v AS SELECT 1 AS i")
    names = ("u", "v", "nobody")
    writers = [crowd.writer(f"INSERT INTO {t} VALUES ({i})") for t in names for i in range(3)]
    writers.append(crowd.writer("INSERT INTO u VALUES (NULL)"))
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1] * 3 + [None] * 7
    assert all("v is not an table" in str(writer.error) for writer in writers[3:6])
    assert all("nobody does not exist" in str(writer.error) for writer in writers[6:9])
    assert "NOT NULL" in str(writers[9].error)
    assert crowd.asking.rows("FROM u ORDER BY i") == [(0,), (1,), (2,)]


def test_who_fails_because_of_others_is_told_what_holds_without_them(crowd: Crowd) -> None:
    crowd.asking.command("INSERT INTO t VALUES (1)")
    one = crowd.writer("UPDATE t SET i = 0")
    two = crowd.writer("UPDATE t SET i = CASE WHEN i = 0 THEN error('none is left') ELSE 7 END")
    crowd.write(one, two)
    assert two.rows == 1, "alone it is right"
    assert one.rows == 1
    assert crowd.values() == [0]


def test_a_write_that_may_take_long_goes_by_itself(crowd: Crowd) -> None:
    before = crowd.version
    waiting = crowd.owner._waiting
    long = crowd.writer("INSERT INTO t SELECT 1")
    small = crowd.writer("INSERT INTO t VALUES (2)")
    with crowd.line.turn(lambda: None):
        long.thread.start()
        small.thread.start()
        eventually(lambda: len(waiting) == 1)
    for writer in (long, small):
        writer.thread.join(30)
        assert writer.rows == 1
    assert crowd.version == before + 2


def test_who_is_stopped_while_it_waits_never_runs(crowd: Crowd) -> None:
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})") for i in range(3)]

    def stop() -> None:
        writers[1].stop()
        eventually(lambda: len(crowd.owner._waiting) == 2)

    crowd.write(*writers, while_they_wait=stop)
    assert [writer.rows for writer in writers] == [1, None, 1]
    assert isinstance(writers[1].error, Cancelled)
    assert crowd.values() == [0, 2]


def test_who_is_stopped_while_others_run_is_left_out(crowd: Crowd) -> None:
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})") for i in range(3)]
    stopped: list[Writer] = []

    def stop_another(where: Connection) -> None:
        if not stopped:
            stopped.append(next(w for w in writers if w.connection is not where))
            stopped[0].stop()
            eventually(lambda: stopped[0].member.stopped)

    for writer in writers:
        writer.before = stop_another
    crowd.write(*writers)
    assert [writer.rows is None for writer in writers] == [w in stopped for w in writers]
    assert isinstance(stopped[0].error, Cancelled)
    assert crowd.values() == [i for i in range(3) if writers[i] not in stopped]


def test_the_others_go_on_with_another_when_the_one_who_leads_is_stopped(crowd: Crowd) -> None:
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})") for i in range(3)]
    left: list[Writer] = []

    def interrupted(where: Connection) -> None:
        # The one who leads is the first to run.
        if not left:
            left.append(next(w for w in writers if w.connection is where))
        elif len(left) == 1:
            left.append(left[0])
            raise Cancelled("its caller went away while it ran another one's")

    for writer in writers:
        writer.before = interrupted
    crowd.write(*writers)
    assert [writer.rows is None for writer in writers] == [w is left[0] for w in writers]
    assert isinstance(left[0].error, Cancelled)
    assert crowd.values() == [i for i in range(3) if writers[i] is not left[0]]


def test_one_id_twice_at_once_is_applied_once(crowd: Crowd) -> None:
    writers = [crowd.writer("INSERT INTO t VALUES (7)", call=_new("s1")) for _ in range(3)]
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1, 1, 1]
    assert crowd.values() == [7]


def test_what_another_node_applied_meanwhile_is_not_applied_again(
    crowd: Crowd, there: Database
) -> None:
    other = there.connect()
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})", call=_new(f"s{i}")) for i in range(3)]
    first = [True]

    def elsewhere(_: Connection) -> None:
        if not first:
            return
        first.clear()
        text = ledger.text_of("INSERT INTO t VALUES (1)")
        other.begin()
        other.command("INSERT INTO t VALUES (1)")
        lake_ledger.carry(other, "n2", [ledger.Entry(ledger.key("ada", "s1", 1), text, 1)])
        other.commit()

    writers[2].before = elsewhere
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1, 1, 1]
    assert crowd.values() == [0, 1, 2]
    other.close()


def test_an_id_of_another_text_is_refused_and_the_rest_are_applied(
    crowd: Crowd, there: Database
) -> None:
    other = there.connect()
    other.begin()
    other.command("INSERT INTO t VALUES (9)")
    lake_ledger.carry(other, "n2", [ledger.Entry(ledger.key("ada", "s1", 1), "another", 1)])
    other.commit()
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})", call=_new(f"s{i}")) for i in range(3)]
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1, None, 1]
    assert isinstance(writers[1].error, InvalidArgument)
    assert crowd.values() == [0, 2, 9]
    other.close()


@pytest.mark.parametrize("after", [False, True])
def test_a_group_whose_commit_was_not_answered_is_applied_once(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    commit, lost = Connection.commit, [True]

    def lose(connection: Connection) -> None:
        if not lost:
            commit(connection)
            return
        lost.clear()
        if after:
            commit(connection)
        else:
            connection.rollback()
        raise EngineFailed("IO Error: server closed the connection unexpectedly")

    monkeypatch.setattr(Connection, "commit", lose)
    before = crowd.version
    writers = [crowd.writer(f"INSERT INTO t VALUES ({i})") for i in range(3)]
    crowd.write(*writers)
    assert [writer.rows for writer in writers] == [1, 1, 1]
    assert crowd.version == before + 1
    assert crowd.values() == [0, 1, 2]


@pytest.mark.parametrize("times", [2, 5])
def test_an_id_is_settled_as_soon_as_the_catalog_is_not_busy(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    settle, left = lake_ledger.settle, [True] * times

    def busy(connection: Connection, key: str) -> None:
        if left:
            left.pop()
            raise EngineFailed("database is locked")
        settle(connection, key)

    monkeypatch.setattr(lake_ledger, "settle", busy)
    if times < commits._LOOKS_MAX:
        assert commits.settled(crowd.asking, "k", lambda: None) is None
        entry = lake_ledger.found(crowd.asking, "k")
        assert entry is not None
        assert entry.rows == ledger.NOT_APPLIED
    else:
        with pytest.raises(Unavailable, match="does not answer") as told:
            commits.settled(crowd.asking, "k", lambda: None)
        assert told.value.in_doubt
