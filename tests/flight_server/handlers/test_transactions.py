"""Transactions: all or nothing, told honestly, ended when idle."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.tickets import Kind
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving, sharing


@pytest.fixture(autouse=True)
def table(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE t (a INT NOT NULL)")


def count(client: WireClient, transaction: bytes | None = None) -> int:
    return int(client.value("SELECT count(*) FROM t", transaction))


@pytest.mark.parametrize(("commit", "left"), [(True, 2), (False, 0)])
def test_all_or_nothing(client: WireClient, *, commit: bool, left: int) -> None:
    transaction = client.begin()
    assert client.update("INSERT INTO t VALUES (1), (2)", transaction) == 2
    assert (count(client, transaction), count(client)) == (2, 0)
    client.end(transaction, commit=commit)
    assert count(client) == left


def test_committing_an_aborted_transaction_fails_and_writes_nothing(client: WireClient) -> None:
    transaction = client.begin()
    client.update("INSERT INTO t VALUES (1)", transaction)
    with pytest.raises(pa.ArrowInvalid, match="Constraint Error"):
        client.update("INSERT INTO t VALUES (NULL)", transaction)
    with pytest.raises(flight.FlightServerError, match="rolled back, nothing of it was written"):
        client.end(transaction)
    assert count(client) == 0
    with pytest.raises(KeyError, match="no such open transaction"):
        client.end(transaction)


def test_the_same_as_text(client: WireClient) -> None:
    client.update("BEGIN/* */; INSERT INTO t VALUES (1); COMMIT -- done")
    assert count(client) == 1
    client.update("BEGIN")
    client.update("INSERT INTO t VALUES (2)")
    with pytest.raises(pa.ArrowInvalid, match="Constraint Error"):
        client.update("INSERT INTO t VALUES (NULL)")
    with pytest.raises(flight.FlightServerError, match="nothing of it was written"):
        client.update("COMMIT/* */")
    assert count(client) == 1
    client.query("BEGIN")
    client.update("DELETE FROM t")
    client.query("ROLLBACK")
    assert count(client) == 1


def test_an_ended_transaction_is_gone(client: WireClient) -> None:
    transaction = client.begin()
    client.end(transaction, commit=False)
    for ask in (
        lambda: client.query("SELECT 1", transaction),
        lambda: client.update("DELETE FROM t", transaction),
        lambda: client.end(transaction),
    ):
        with pytest.raises(KeyError, match="no such open transaction"):
            ask()
        assert client.received["x-flightkeeper-reason"] == "session-lost"


def test_only_one_of_many_ends_counts(served: Served, client: WireClient) -> None:
    transaction = client.begin()
    client.update("INSERT INTO t VALUES (1)", transaction)
    outcomes: list[str] = []

    def end() -> None:
        try:
            with served.stranger(client.authorization) as ending:
                ending.end(transaction)
            outcomes.append("ended")
        except KeyError:
            outcomes.append("gone")

    threads = [threading.Thread(target=end) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(outcomes) == ["ended", "gone", "gone", "gone"]
    assert count(client) == 1


def test_another_user_cannot_use_or_end_it(served: Served, client: WireClient) -> None:
    transaction = client.begin()
    with served.client(user="eve") as eve:
        for ask in (lambda: eve.query("SELECT 1", transaction), lambda: eve.end(transaction)):
            with pytest.raises(KeyError, match="no such open transaction"):
                ask()
    client.end(transaction)


@pytest.mark.parametrize("handle", [b"", b"x", b"x" * 100])
def test_nonsense_is_refused(client: WireClient, handle: bytes) -> None:
    with pytest.raises(pa.ArrowInvalid, match="not a transaction handle"):
        client.end(handle)
    if handle:
        with pytest.raises(pa.ArrowInvalid, match="not a transaction handle"):
            client.query("SELECT 1", handle)


def test_a_transaction_of_another_life_is_lost(served: Served, client: WireClient) -> None:
    body = Transaction(node_id="n", incarnation="before", transaction="t")
    handle = _signer(served).sign(Kind.TRANSACTION, body)
    with pytest.raises(KeyError, match="lives on node n and only there"):
        client.query("SELECT 1", handle)
    assert client.received["x-flightkeeper-reason"] == "session-lost"


def test_an_end_says_how(client: WireClient) -> None:
    transaction = client.begin()
    with pytest.raises(pa.ArrowInvalid, match="commit or to roll back"):
        client.act(sql.ActionEndTransactionRequest(transaction_id=transaction))
    client.end(transaction)


def test_an_idle_transaction_is_rolled_back() -> None:
    clock = Clock()
    with (
        serving(clock.clocks, transaction_idle_timeout_s=60) as node,
        node.client() as client,
    ):
        client.update("CREATE TABLE t (a INT)")
        idle, used = client.begin(), client.begin()
        client.update("INSERT INTO t VALUES (1)", idle)
        clock.now_s += 50
        assert client.value("SELECT 1", used) == 1
        clock.now_s += 11
        eventually(lambda: len(node.node._sessions._transactions) == 1)
        with pytest.raises(KeyError, match="idle for 60 s"):
            client.end(idle)
        client.end(used)
        assert count(client) == 0


def test_a_transaction_is_not_idle_while_its_result_is_read() -> None:
    clock = Clock()
    with serving(clock.clocks) as node, node.client() as client:
        transaction = client.begin()
        stream = client.get(client.plan("FROM range(3000000)", transaction).endpoints[0].ticket)
        total = stream.read_chunk().data.num_rows
        clock.now_s += 10_000
        assert node.node._sessions.expire(clock()) == 0
        assert total + stream.read_all().num_rows == 3_000_000
        client.end(transaction)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """Nodes that share a lake."""
    with sharing(tmp_path) as both:
        yield both


@pytest.fixture
def here(two: tuple[Served, Served]) -> Iterator[WireClient]:
    with two[0].client() as client:
        client.update("CREATE TABLE t (a INT)")
        yield client


@pytest.fixture
def there(two: tuple[Served, Served]) -> Iterator[WireClient]:
    with two[1].client() as client:
        yield client


def sending(client: WireClient, statement_id: str, *, before: bool = False) -> WireClient:
    """The client, whose next statement has this id."""
    client.extra_headers[headers.STATEMENT_ID] = statement_id
    client.extra_headers[headers.SENT_BEFORE] = "1" if before else "0"
    return client


@pytest.mark.lake
def test_any_node_tells_what_became_of_a_commit(
    two: tuple[Served, Served], here: WireClient, there: WireClient
) -> None:
    transaction = here.begin()
    here.update("INSERT INTO t VALUES (1)", transaction)
    assert here.received[headers.COMMIT_TOLD] == "1"
    sending(here, "s1").end(transaction)
    for client in (there, here):
        sending(client, "s1", before=True).end(transaction)
    with two[1].client("eve") as eve, pytest.raises(flight.FlightServerError, match="rolled back"):
        sending(eve, "s1", before=True).end(transaction)
    with pytest.raises(KeyError, match="only there"):
        sending(there, "s1").end(transaction)
    assert count(there) == 1


@pytest.mark.lake
def test_what_was_asked_about_first_is_never_committed(here: WireClient, there: WireClient) -> None:
    transaction = here.begin()
    here.update("INSERT INTO t VALUES (1)", transaction)
    with pytest.raises(flight.FlightServerError, match="rolled back, nothing of it was written"):
        sending(there, "s1", before=True).end(transaction)
    assert there.received[headers.REASON] == "undone"
    with pytest.raises(pa.ArrowInvalid, match="nothing of the transaction was written"):
        sending(here, "s1").end(transaction)
    assert count(there) == 0


@pytest.mark.lake
def test_the_commit_of_a_session_is_told_of_as_well(
    two: tuple[Served, Served], here: WireClient, there: WireClient
) -> None:
    for text, told in (("BEGIN", "0"), ("INSERT INTO t VALUES (1)", "1")):
        here.update(text)
        assert here.received[headers.COMMIT_TOLD] == told
    sending(here, "s1").update("COMMIT")
    assert here.received[headers.COMMIT_TOLD] == "0"
    # As a client does that has lost the node with its session.
    with two[1].stranger(here.authorization) as lost:
        sending(lost, "s1", before=True).update("COMMIT")
        lost.execute_update(lost.prepare("COMMIT").prepared_statement_handle)
        with pytest.raises(flight.FlightServerError, match="rolled back"):
            sending(lost, "s2", before=True).update("COMMIT")
        for text in ("INSERT INTO t VALUES (2)", "BEGIN", "COMMIT; COMMIT"):
            with pytest.raises(KeyError, match="connect again"):
                lost.update(text)
        with pytest.raises(KeyError, match="connect again"):
            sending(lost, "s1").update("COMMIT")
    assert count(there) == 1


@pytest.mark.lake
def test_a_text_that_is_a_transaction_is_run_once(here: WireClient, there: WireClient) -> None:
    text = "BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT"
    sending(here, "s1").update(text)
    for client in (here, there):
        assert sending(client, "s1", before=True).update(text) == 0
    assert count(there) == 2
    with pytest.raises(pa.ArrowInvalid, match="another statement's"):
        sending(there, "s1", before=True).update(text.replace("2", "3"))
    # What was sent and did not arrive.
    sending(there, "s2", before=True).update(text)
    sending(here, "s2").extra_headers.pop(headers.SENT_BEFORE)
    here.update(text)
    assert count(there) == 4
    # Two in a text: the first one may have been committed.
    with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
        sending(there, "s3", before=True).update(f"{text}; {text}")
    sending(there, "s4").update(f"{text}; {text}")
    assert count(here) == 8
    # Within a transaction it only ends that.
    sending(there, "s5").update("BEGIN")
    there.update("DELETE FROM t")
    sending(there, "s6").update(text)
    assert count(here) == 2


@pytest.mark.lake
def test_a_text_that_changes_something_else_as_well_is_not_run_again(here: WireClient) -> None:
    here.update("CREATE TABLE memory.own (a INT)")
    text = "BEGIN; INSERT INTO memory.own VALUES (1); COMMIT"
    sending(here, "s1").update(text)
    with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
        sending(here, "s1", before=True).update(text)
    sending(here, "s2").update("ROLLBACK")
    assert here.value("SELECT count(*) FROM memory.own") == 1


@pytest.mark.lake
def test_of_what_is_not_in_the_lake_nobody_is_promised_anything(here: WireClient) -> None:
    here.update("CREATE TABLE memory.own (a INT)")
    transaction = here.begin()
    here.update("INSERT INTO memory.own VALUES (1)", transaction)
    assert here.received[headers.COMMIT_TOLD] == "0"
    with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
        sending(here, "s1", before=True).end(transaction)
    assert here.value("SELECT count(*) FROM memory.own") == 0


def test_a_node_without_a_lake_can_tell_of_nothing(served: Served, client: WireClient) -> None:
    body = Transaction(node_id="n", incarnation="before", transaction="t")
    handle = _signer(served).sign(Kind.TRANSACTION, body)
    client.extra_headers[headers.SENT_BEFORE] = "1"
    with pytest.raises(pa.ArrowInvalid, match="only changes of the lake can be looked up"):
        client.end(handle)
    assert client.received[headers.REASON] == "untold"


def _signer(served: Served) -> Any:
    return served.node._service._routes.put[sql.CommandStatementUpdate].__self__._signer  # type: ignore[attr-defined]
