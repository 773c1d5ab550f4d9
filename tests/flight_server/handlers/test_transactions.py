"""Transactions: all or nothing, told honestly, ended when idle."""

import threading

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.tickets import Kind
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving


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
    signer = served.node._service._routes.put[sql.CommandStatementUpdate].__self__._signer  # type: ignore[attr-defined]
    handle = signer.sign(Kind.TRANSACTION, body)
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
