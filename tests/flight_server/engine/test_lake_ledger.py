"""The ledger is written by commits, and asked in the words of the catalog's own engine."""

import pytest

from flightkeeper.flight_server.engine import lake, lake_ledger
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.ledger import NOT_APPLIED, Entry

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

ENTRY = Entry("k'1", "t", 1)


@pytest.fixture
def written(in_lake: Connection) -> Connection:
    """A lake with one entry, which nobody sees before its commit."""
    in_lake.command("CREATE TABLE t (i INTEGER)")
    in_lake.begin()
    in_lake.command("INSERT INTO t VALUES (1)")
    lake_ledger.carry(in_lake, "n'1", [ENTRY])
    assert lake_ledger.found(in_lake, ENTRY.key) is None
    in_lake.commit()
    return in_lake


def test_a_commit_writes_what_it_carries(written: Connection) -> None:
    assert lake_ledger.found(written, ENTRY.key) == ENTRY
    assert lake.last_change(written)[1] == "n'1"


def test_several_are_asked_for_at_once(written: Connection) -> None:
    lake_ledger.settle(written, "given up")
    found = lake_ledger.entries(written, ["none", ENTRY.key, "nor this", "given up"])
    assert found == {ENTRY.key: ENTRY, "given up": Entry("given up", "", NOT_APPLIED)}


def test_what_was_applied_cannot_be_given_up(written: Connection) -> None:
    with pytest.raises(InvalidArgument, match="onstraint"):
        lake_ledger.settle(written, ENTRY.key)
    assert lake_ledger.found(written, ENTRY.key) == ENTRY
