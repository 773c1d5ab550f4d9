"""COMMITs of transactions that change a real lake: what became of one can be told by others."""

from contextlib import closing

import pytest

from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, Unavailable
from flightkeeper.flight_server.lake import commits, ledger
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.lake.calls import FakeCall, Node, node

pytestmark = pytest.mark.lake


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_LOOK_AGAIN_S", 0.0)


def _begun(by: Node) -> Node:
    by.connection.begin()
    by.write("INSERT INTO t VALUES (1)")
    return by


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
    second.connection.command("INSERT INTO memory.own VALUES (1)")
    assert not second.owns
    # So nobody is told that all of it is in the lake.
    with pytest.raises(EngineFailed, match="single attached database"):
        second.write("INSERT INTO t VALUES (1)")
    second.connection.rollback()
    _begun(second)
    with pytest.raises(EngineFailed, match="single attached database"):
        second.connection.command("INSERT INTO memory.own VALUES (1)")
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
    with closing(Database(options)) as reading, node(reading, location, "n3") as third:
        with pytest.raises(Unavailable, match="not known") as unsure:
            third.tell("s1")
        assert unsure.value.in_doubt
    first.commit(_new())
    assert second.tell("s1") == 0
    with closing(Database(options)) as reading, node(reading, location, "n3") as third:
        assert third.tell("s1") == 0
