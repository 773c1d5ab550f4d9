"""Writes to a real lake that two databases share: each once, whatever comes in between."""

import pytest

from flightkeeper.flight_server.engine import lake_ledger
from flightkeeper.flight_server.errors import (
    EngineFailed,
    InvalidArgument,
    NodeError,
    Unavailable,
)
from flightkeeper.flight_server.lake import commits, ledger
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.lake.calls import FakeCall, Node, only

pytestmark = pytest.mark.lake


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_PAUSE_S", 0.0)
    monkeypatch.setattr(commits, "_LOOK_AGAIN_S", 0.0)


@pytest.fixture
def second(first: Node, second: Node) -> Node:
    """Another one, for which there is a row."""
    first.write("INSERT INTO t VALUES (1)")
    return second


def test_what_one_writes_the_other_sees(first: Node, second: Node) -> None:
    assert second.write("INSERT INTO t VALUES (2), (3)") == 2
    assert first.rows("SELECT sum(i) FROM t") == [(6,)]
    assert first.write("UPDATE t SET i = i + 1") == 3
    assert second.rows("SELECT sum(i) FROM t") == [(9,)]


def test_a_statement_that_is_sent_again_is_answered_and_not_run(first: Node, second: Node) -> None:
    insert = "INSERT INTO t VALUES (2), (3)"
    assert first.write(insert, FakeCall("s1", sent_before=False)) == 2
    for sent_before in (True, None):
        assert second.write(insert, FakeCall("s1", sent_before=sent_before)) == 2
    assert second.rows("SELECT count(*) FROM t") == [(3,)]


def test_both_in_flight_are_applied_once(first: Node, second: Node) -> None:
    insert = "INSERT INTO t VALUES (2), (3)"
    first.interfere.append(lambda: second.write(insert, FakeCall("s1", sent_before=True)))
    assert first.write(insert, FakeCall("s1", sent_before=False)) == 2
    assert first.rows("SELECT count(*) FROM t") == [(3,)]


def test_others_ids_are_not_ours(first: Node, second: Node) -> None:
    insert = "INSERT INTO t VALUES (2)"
    first.write(insert, FakeCall("s1"))
    second.write(insert, FakeCall("s1", owner="bob"))
    assert first.rows("SELECT count(*) FROM t") == [(3,)]


def test_each_change_of_a_text_is_one_of_its_own(first: Node, second: Node) -> None:
    call = FakeCall("s1")
    for _ in range(2):
        first.write("INSERT INTO t VALUES (2)", call)
    again = FakeCall("s1", sent_before=True)
    for _ in range(2):
        second.write("INSERT INTO t VALUES (2)", again)
    assert first.rows("SELECT count(*) FROM t") == [(3,)]


def test_an_id_is_not_taken_for_another_statements(first: Node, second: Node) -> None:
    first.write("INSERT INTO t VALUES (2)", FakeCall("s1"))
    with pytest.raises(InvalidArgument, match=r"was another statement's.*nothing was run"):
        second.write("DELETE FROM t", FakeCall("s1", sent_before=True))
    assert first.rows("SELECT count(*) FROM t") == [(2,)]


def test_what_was_given_up_is_never_applied(first: Node, second: Node) -> None:
    lake_ledger.settle(second.connection, ledger.key("ada", "s1", 1))
    with pytest.raises(EngineFailed, match="was given up before, and was not applied"):
        first.write("INSERT INTO t VALUES (2)", FakeCall("s1", sent_before=False))
    assert first.rows("SELECT count(*) FROM t") == [(1,)]


def test_who_was_overtaken_tries_again(first: Node, second: Node) -> None:
    first.interfere.append(lambda: second.write("UPDATE t SET i = i * 10"))
    assert first.write("UPDATE t SET i = i + 1") == 1
    assert first.rows("SELECT i FROM t") == [(11,)]


def test_who_is_always_overtaken_is_told_by_whom(first: Node, second: Node) -> None:
    first.interfere += [lambda: second.write("UPDATE t SET i = i * 10")] * 20
    with pytest.raises(EngineFailed, match=r"node n2 made.*send it again") as caught:
        first.write("UPDATE t SET i = i + 1")
    assert caught.value.reason is Reason.CONFLICT
    assert not first.connection.in_transaction
    assert first.rows("SELECT i FROM t") == [(10**8,)]


def test_a_wrong_statement_is_refused_at_once(first: Node, second: Node) -> None:
    del second
    with pytest.raises(InvalidArgument, match="Conversion Error"):
        first.write("INSERT INTO t VALUES ('x')")
    assert not first.connection.in_transaction
    assert first.write("INSERT INTO t VALUES (2)") == 1


def test_words_of_a_statement_are_not_taken_for_the_lakes(first: Node, second: Node) -> None:
    del second
    runs: list[int] = []
    first.interfere.append(lambda: runs.append(1))
    with pytest.raises(InvalidArgument, match="duplicate key"):
        first.write("INSERT INTO t SELECT error('duplicate key, connection to server')")
    assert first.write("INSERT INTO t VALUES (2)") == 1
    assert runs == [1]


def test_a_transaction_is_its_callers_business(first: Node, second: Node) -> None:
    first.connection.begin()
    first.write("INSERT INTO t VALUES (2)", FakeCall("s1"))
    assert second.rows("SELECT count(*) FROM t") == [(1,)]
    first.connection.commit()
    assert second.rows("SELECT count(*) FROM t") == [(2,)]


def test_an_aborted_transaction_is_not_committed(first: Node, second: Node) -> None:
    first.connection.begin()
    first.write("INSERT INTO t VALUES (2)")
    with pytest.raises(NodeError):
        first.write("INSERT INTO t VALUES ('x')")
    with pytest.raises(EngineFailed, match="rolled back, nothing of it was written"):
        first.connection.commit()
    assert second.rows("SELECT count(*) FROM t") == [(1,)]


def lost_on_commit(node: Node, monkeypatch: pytest.MonkeyPatch, *, after: bool, times: int) -> None:
    """Let so many commits fail as if the catalog's server went away, before or after they are."""
    commit, left = node.connection.commit, [times]

    def commit_and_fail() -> None:
        if not left[0]:
            commit()
            return
        left[0] -= 1
        if after:
            commit()
        else:
            node.connection.rollback()
        raise EngineFailed("IO Error: server closed the connection unexpectedly")

    monkeypatch.setattr(node.connection, "commit", commit_and_fail)


@pytest.mark.parametrize("after", [False, True])
def test_a_commit_whose_answer_was_lost_happens_once(
    first: Node, second: Node, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    lost_on_commit(first, monkeypatch, after=after, times=1)
    assert first.write("INSERT INTO t VALUES (2), (3)") == 2
    assert second.rows("SELECT count(*) FROM t") == [(3,)]


def test_what_is_given_up_is_surely_not_applied(
    first: Node, second: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost_on_commit(first, monkeypatch, after=False, times=100)
    with pytest.raises(EngineFailed, match="was not applied: send it again"):
        first.write("INSERT INTO t VALUES (2)", FakeCall("s1"))
    with pytest.raises(EngineFailed, match="was given up before"):
        second.write("INSERT INTO t VALUES (2)", FakeCall("s1", sent_before=True))
    assert second.rows("SELECT count(*) FROM t") == [(1,)]


def test_nobody_to_ask_is_said_to_be_in_doubt(
    first: Node, second: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_asked: object) -> None:
        raise EngineFailed("the catalog is away")

    monkeypatch.setattr(lake_ledger, "found", away)
    with pytest.raises(Unavailable, match="not known whether") as caught:
        second.write("INSERT INTO t VALUES (2)", FakeCall("s1", sent_before=True))
    assert caught.value.in_doubt
    assert first.rows("SELECT count(*) FROM t") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "owned"),
    [
        ("INSERT INTO t VALUES (1)", True),
        ("INSERT INTO main.t VALUES (1)", True),
        ("INSERT INTO lake.t VALUES (1)", True),
        ("INSERT INTO LAKE.main.t VALUES (1)", True),
        ("CREATE SCHEMA s", True),
        ("COPY t FROM 'x.csv'", True),
        ("INSERT INTO memory.main.t VALUES (1)", False),
        ("INSERT INTO memory.t VALUES (1)", False),
        ("INSERT INTO temp.mine VALUES (1)", False),
        ("CREATE SCHEMA memory.s", False),
        ("CREATE TEMP TABLE u (i INTEGER)", False),
        ("INSERT INTO mine VALUES (1)", False),
        ("SET threads = 1", False),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", False),
    ],
)
def test_what_is_in_the_lake_is_owned(first: Node, sql: str, *, owned: bool) -> None:
    first.connection.change(only("CREATE TEMP TABLE mine (i INTEGER)"))
    assert first.writes.owns(first.connection, only(sql)) is owned


def test_elsewhere_names_are_not_the_lakes(first: Node) -> None:
    first.connection.change(only("USE memory"))
    assert not first.writes.owns(first.connection, only("INSERT INTO t VALUES (1)"))
    assert first.writes.owns(first.connection, only("INSERT INTO lake.t VALUES (1)"))
