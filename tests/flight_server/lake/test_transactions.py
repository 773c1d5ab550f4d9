"""COMMITs of transactions that change a real lake: what became of one can be told by others."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, Unavailable
from flightkeeper.flight_server.lake import commits, ledger
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.transactions import LakeTransactions
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.writes import LakeWrites
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.lake.calls import FakeCall

pytestmark = pytest.mark.lake

(_COMMIT,) = parse("COMMIT")


@dataclass
class Node:
    """A database's connection, and the owners of its lake."""

    connection: Connection
    writes: LakeWrites
    transactions: LakeTransactions

    def change(self, sql: str) -> None:
        """Change something in the open transaction."""
        (statement,) = parse(sql)
        change = Change(statement, lambda where: where.change(statement))
        if self.writes.owns(self.connection, statement):
            asking: Any = FakeCall()
            self.writes.change(asking, self.connection, change)
        else:
            change.run(self.connection)

    @property
    def owns(self) -> bool:
        """Whether the COMMIT of what is open is the lake's."""
        return self.transactions.owns(self.connection, _COMMIT)

    def commit(self, call: FakeCall, sent: str = "t1") -> int:
        asking: Any = call
        change = Change(_COMMIT, lambda where: where.commit(), (sent,))
        return self.transactions.change(asking, self.connection, change) or 0

    def tell(self, statement_id: str, sent: str = "t1", owner: str = "ada") -> int:
        """What became of a COMMIT, whose answer was lost?"""
        return self.commit(FakeCall(statement_id, sent_before=True, owner=owner), sent)

    def values(self) -> list[int]:
        return [i for (i,) in self.connection.rows("SELECT i FROM t ORDER BY i")]

    def noted(self, statement_id: str) -> int | None:
        entry = lake.found(self.connection, ledger.key("ada", statement_id, 1))
        return None if entry is None else entry.rows


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LOOK_AGAIN_S", 0.0)


def _node(database: Database, location: Location, name: str) -> Iterator[Node]:
    connection = database.connect()
    connection.command("SET GLOBAL ducklake_max_retry_count = 2")
    line = Line(gate(location, database))
    yield Node(connection, LakeWrites(line, lambda: name), LakeTransactions(lambda: name))
    connection.close()


@pytest.fixture
def first(here: Database, location: Location) -> Iterator[Node]:
    yield from _node(here, location, "n1")


@pytest.fixture
def second(there: Database, first: Node, location: Location) -> Iterator[Node]:
    first.change("CREATE TABLE t (i INTEGER)")
    yield from _node(there, location, "n2")


def _begun(node: Node) -> Node:
    node.connection.begin()
    node.change("INSERT INTO t VALUES (1)")
    return node


def _new(statement_id: str = "s1") -> FakeCall:
    return FakeCall(statement_id, sent_before=False)


def test_it_is_in_the_ledger_and_others_can_tell(first: Node, second: Node) -> None:
    assert _begun(first).owns
    assert first.commit(_new()) == 0
    assert (first.connection.in_transaction, second.values()) == (False, [1])
    assert lake.last_change(second.connection)[1] == "n1"
    assert second.noted("s1") == 0
    for _ in range(2):
        assert second.tell("s1") == 0
    assert second.values() == [1]


def test_what_others_cannot_find_is_undone_for_ever(first: Node, second: Node) -> None:
    _begun(first)
    for _ in range(2):
        with pytest.raises(EngineFailed, match="nothing of it was written: begin it") as undone:
            second.tell("s1")
        assert (undone.value.reason, undone.value.in_doubt) == (Reason.UNDONE, False)
    # The first one wakes up.
    with pytest.raises(InvalidArgument, match="nothing of the transaction was written"):
        first.commit(_new())
    assert not first.connection.in_transaction
    assert (first.values(), second.noted("s1")) == ([], ledger.NOT_APPLIED)
    _begun(first).commit(_new("s2"))
    assert second.values() == [1]


def test_an_id_is_its_users_own(first: Node, second: Node) -> None:
    with pytest.raises(EngineFailed, match="rolled back"):
        second.tell("s1", owner="eve")
    _begun(first).commit(_new())
    with pytest.raises(EngineFailed, match="rolled back"):
        second.tell("s1", owner="eve")
    assert second.values() == [1]


def test_an_id_of_another_transaction_is_refused(first: Node, second: Node) -> None:
    _begun(first).commit(_new())
    with pytest.raises(InvalidArgument, match="another statement's"):
        second.tell("s1", sent="t2")
    _begun(second)
    with pytest.raises(InvalidArgument, match="another statement's"):
        second.commit(FakeCall("s1"), sent="t2")
    assert second.values() == [1]


def test_what_has_not_changed_the_lake_is_not_its_business(first: Node, second: Node) -> None:
    second.connection.command("CREATE TABLE memory.own (i INTEGER)")
    second.connection.begin()
    second.values()
    assert not second.owns
    second.change("INSERT INTO memory.own VALUES (1)")
    assert not second.owns
    # So nobody is told that all of it is in the lake.
    with pytest.raises(EngineFailed, match="single attached database"):
        second.change("INSERT INTO t VALUES (1)")
    second.connection.rollback()
    _begun(second)
    with pytest.raises(EngineFailed, match="single attached database"):
        second.change("INSERT INTO memory.own VALUES (1)")
    second.connection.rollback()
    second.connection.begin()
    assert not second.owns, "what was rolled back does not count for the next one"
    second.connection.rollback()
    assert first.values() == []


def test_a_commit_of_nothing_is_none(first: Node, second: Node) -> None:
    before = lake.last_change(second.connection)
    assert second.commit(_new()) == 0
    assert first.noted("s1") is None
    assert lake.last_change(second.connection) == before


def test_an_aborted_one_writes_nothing(first: Node, second: Node) -> None:
    _begun(first).connection.abort("whatever")
    with pytest.raises(EngineFailed, match="rolled back, nothing of it was written"):
        first.commit(_new())
    assert (second.values(), second.noted("s1")) == ([], None)


def test_who_cannot_settle_it_does_not_say_that_it_is_undone(
    first: Node, second: Node, location: Location
) -> None:
    _begun(first)
    options = DatabaseOptions(lake=LakeOptions(location, read_only=True))
    with closing(Database(options)) as reading:
        for third in _node(reading, location, "n3"):
            with pytest.raises(Unavailable, match="not known") as unsure:
                third.tell("s1")
            assert unsure.value.in_doubt
    first.commit(_new())
    assert second.tell("s1") == 0
    with closing(Database(options)) as reading:
        for third in _node(reading, location, "n3"):
            assert third.tell("s1") == 0
