"""Locks of sessions, on nodes that share a registry."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.registry import open_registry
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving

LOCK = "SELECT flightkeeper_lock('etl', 10)"
TRY = "SELECT flightkeeper_lock('etl', 0.2)"
UNLOCK = "SELECT flightkeeper_unlock('etl')"
CHECK = "SELECT flightkeeper_lock_check('etl')"
SHOW = "SELECT * FROM flightkeeper_locks()"
TAKEN = "others held it; it is not held"


class Nodes:
    """Nodes of one registry on one machine, and clients of them."""

    def __init__(self, stack: ExitStack, url: str) -> None:
        self._stack = stack
        self.url = url

    def start(self, name: str, clock: Clock | None = None, **settings: Any) -> Served:
        clocks = clock.clocks if clock else None
        node = serving(clocks, registry=self.url, node_id=name, **settings)
        return self._stack.enter_context(node)

    def client(self, node: Served, user: str) -> WireClient:
        client = self._stack.enter_context(node.client(user))
        # The answer to a login has no room for where the session lives.
        assert client.value("SELECT 1") == 1
        return client

    def later(self, client: WireClient, text: str) -> "Future[Any]":
        pool = self._stack.enter_context(ThreadPoolExecutor(1))
        return pool.submit(client.value, text)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    with ExitStack() as stack:
        yield Nodes(stack, f"dir://{tmp_path}/registry")


def test_sessions_on_two_nodes_exclude_each_other(nodes: Nodes) -> None:
    one, two = (nodes.client(nodes.start(name), "ada") for name in ("n1", "n2"))
    token = one.value(LOCK)
    assert one.value(LOCK) == token == one.value(CHECK)
    assert one.query(SHOW).to_pylist() == [
        {"name": "etl", "token": token, "shared": False, "lost": False}
    ]
    with pytest.raises(flight.FlightTimedOutError, match=TAKEN):
        two.query(TRY)
    assert two.query(SHOW).num_rows == 0
    assert one.value(UNLOCK) is True
    assert one.value(UNLOCK) is False
    assert two.value(LOCK) > token
    with pytest.raises(KeyError, match="does not hold the lock etl"):
        one.query(CHECK)


def test_sessions_on_one_node_exclude_each_other_too(nodes: Nodes) -> None:
    node = nodes.start("n1")
    one, two = nodes.client(node, "ada"), nodes.client(node, "bob")
    token = one.value(LOCK)
    waiting = nodes.later(two, LOCK)
    one.value(UNLOCK)
    assert waiting.result(20) > token


def test_readers_share(nodes: Nodes) -> None:
    one, two = (nodes.client(nodes.start(name), "ada") for name in ("n1", "n2"))
    one.value("SELECT flightkeeper_lock_shared('etl', 10)")
    two.value("SELECT flightkeeper_lock_shared('etl', 10)")
    assert [row["shared"] for row in one.query(SHOW).to_pylist()] == [True]
    with pytest.raises(ValueError, match="holds the lock etl shared already; nothing has changed"):
        one.value(LOCK)
    two.value(UNLOCK)
    with pytest.raises(flight.FlightTimedOutError, match=TAKEN):
        two.value(TRY)


def test_a_lock_pins_its_session(nodes: Nodes) -> None:
    one, two = nodes.start("n1"), nodes.start("n2")
    client = nodes.client(one, "ada")
    client.value(LOCK)
    with (
        two.stranger(client.authorization) as elsewhere,
        pytest.raises(KeyError, match="lived on a node"),
    ):
        elsewhere.value(CHECK)


def test_who_wants_no_state_gets_no_lock(nodes: Nodes) -> None:
    client = nodes.client(nodes.start("n1"), "ada")
    client.extra_headers[headers.STATELESS] = "1"
    with pytest.raises(ValueError, match="nothing was run: use a transaction"):
        client.value(LOCK)
    transaction = client.begin()
    with pytest.raises(ValueError, match="it is not held"):
        client.query(LOCK, transaction)


def test_the_end_of_a_session_lets_go(nodes: Nodes) -> None:
    one, two = (nodes.client(nodes.start(name), "ada") for name in ("n1", "n2"))
    token = one.value(LOCK)
    one.action("CloseSession", core.CloseSessionRequest())
    assert two.value(LOCK) > token


def test_a_session_that_is_forgotten_lets_go(nodes: Nodes) -> None:
    clock = Clock()
    forgotten = nodes.client(nodes.start("n1", clock, transaction_idle_timeout_s=60), "ada")
    other = nodes.client(nodes.start("n2"), "ada")
    token = forgotten.value(LOCK)
    clock.now_s += 50
    assert forgotten.value(CHECK) == token
    clock.now_s += 50
    assert forgotten.value(CHECK) == token
    with pytest.raises(flight.FlightTimedOutError):
        other.value(TRY)
    clock.now_s += 61
    assert other.value(LOCK) > token
    with pytest.raises(KeyError, match="timed out"):
        forgotten.value(CHECK)


def test_a_node_that_leaves_lets_go_and_tells_who_waits(nodes: Nodes) -> None:
    leaving, staying = nodes.start("n1"), nodes.start("n2")
    holder, other = nodes.client(leaving, "ada"), nodes.client(staying, "ada")
    token = holder.value(LOCK)
    waiting = nodes.later(nodes.client(leaving, "bob"), LOCK)
    eventually(lambda: leaving.node._admission._waiting == 1)
    leaving.node.drain()
    with pytest.raises(flight.FlightUnavailableError, match="leaving"):
        waiting.result(10)
    assert leaving.node.wait()
    assert other.value(LOCK) > token


def test_who_waits_holds_nobody_up(nodes: Nodes) -> None:
    node = nodes.start("n1", statements_max=1)
    holder, waiter, third = (nodes.client(node, user) for user in ("ada", "bob", "eve"))
    token = holder.value(LOCK)
    waiting = nodes.later(waiter, LOCK)
    eventually(lambda: node.node._admission._waiting == 1)
    assert third.value("SELECT 42") == 42
    with pytest.raises(flight.FlightUnavailableError, match="1 statements wait on this node"):
        third.value(LOCK)
    assert holder.value(UNLOCK)
    assert waiting.result(20) > token
    assert node.running == 0


def test_a_wait_is_cancelled_with_its_call(nodes: Nodes) -> None:
    node = nodes.start("n1")
    holder, waiter = nodes.client(node, "ada"), nodes.client(node, "bob")
    holder.value(LOCK)
    with pytest.raises(flight.FlightTimedOutError):
        waiter.info(sql.CommandStatementQuery(query=LOCK), timeout_s=0.3)
    eventually(lambda: node.running == 0)
    assert holder.value(UNLOCK)
    # It left the line, and got nothing.
    assert holder.value(TRY)
    assert waiter.query(SHOW).num_rows == 0


def test_a_wait_ends_at_the_time_limit_of_statements(nodes: Nodes) -> None:
    node = nodes.start("n1", statement_timeout_s=0.3)
    nodes.client(node, "ada").value(LOCK)
    with pytest.raises(flight.FlightTimedOutError, match="stopped at its time limit of 300 ms"):
        nodes.client(node, "bob").value(LOCK)


def test_a_session_that_ends_while_it_waits_gets_nothing(nodes: Nodes) -> None:
    node = nodes.start("n1")
    holder, waiter = nodes.client(node, "ada"), nodes.client(node, "bob")
    waiter.update("SET threads = 2")
    holder.value(LOCK)
    waiting = nodes.later(waiter, LOCK)
    eventually(lambda: node.node._admission._waiting == 1)
    with node.stranger(waiter.authorization) as again:
        again.action("CloseSession", core.CloseSessionRequest())
    assert holder.value(UNLOCK)
    with pytest.raises((KeyError, flight.FlightCancelledError)):
        waiting.result(20)
    assert holder.value(TRY)


def test_two_statements_of_a_session_that_wait_get_one_lock(nodes: Nodes) -> None:
    node = nodes.start("n1")
    holder, waiter = nodes.client(node, "ada"), nodes.client(node, "bob")
    waiter.update("SET threads = 2")
    holder.value(LOCK)
    text = "SELECT flightkeeper_lock_shared('etl', 10)"
    again = nodes._stack.enter_context(node.stranger(waiter.authorization))
    waiting = [nodes.later(waiter, text), nodes.later(again, text)]
    eventually(lambda: node.node._admission._waiting == 2)
    assert holder.value(UNLOCK)
    tokens = {each.result(20) for each in waiting}
    assert len(tokens) == 1
    assert waiter.value(UNLOCK)
    assert holder.value(TRY) not in tokens


def test_a_lost_lock_says_so_and_can_be_taken_again(nodes: Nodes) -> None:
    node = nodes.start("n1")
    client = nodes.client(node, "ada")
    token = client.value(LOCK)
    (session,) = node.node._sessions._sessions.values()

    session.locks["etl"].stop()
    assert [row["lost"] for row in client.query(SHOW).to_pylist()] == [True]
    for _ in range(2):
        with pytest.raises(KeyError, match=r"the lock etl was lost: .* take it again"):
            client.query(CHECK)
    token = client.value(LOCK)
    assert client.value(CHECK) == token
    session.locks["etl"].stop()
    with pytest.raises(KeyError, match="was lost"):
        client.value(UNLOCK)
    assert client.value(LOCK) > token


def test_it_works_prepared_and_in_a_transaction_and_among_others(nodes: Nodes) -> None:
    one, two = (nodes.client(nodes.start(name), "ada") for name in ("n1", "n2"))
    prepared = one.prepare(LOCK).prepared_statement_handle
    token = one.execute(prepared).column("token")[0].as_py()
    assert one.value(CHECK) == token
    assert one.value(f"CREATE TEMP TABLE t AS SELECT 1 AS a; {UNLOCK}") is True
    transaction = two.begin()
    assert two.query(LOCK, transaction).num_rows == 1
    two.end(transaction)
    assert two.value(CHECK) > token


@pytest.mark.parametrize("text", [LOCK, CHECK, UNLOCK, SHOW])
def test_a_node_without_a_registry_says_so(text: str) -> None:
    with (
        serving() as node,
        node.client() as client,
        pytest.raises(NotImplementedError, match="start it with --registry"),
    ):
        client.query(text)


def test_a_name_that_cannot_be_is_refused(nodes: Nodes) -> None:
    client = nodes.client(nodes.start("n1"), "ada")
    with pytest.raises(ValueError, match="lock 'a/b' cannot be used"):
        client.query("SELECT flightkeeper_lock('a/b', 1)")


def test_a_reader_may_not_take_locks(nodes: Nodes) -> None:
    client = nodes.client(nodes.start("n1"), "ada")
    client.reads_only()
    with pytest.raises((ValueError, flight.FlightUnauthorizedError)):
        client.query(LOCK)
    assert client.query(SHOW).num_rows == 0


def test_a_session_has_so_many_locks(nodes: Nodes) -> None:
    client = nodes.client(nodes.start("n1"), "ada")
    for number in range(100):
        client.value(f"SELECT flightkeeper_lock('l{number}', 10)")
    with pytest.raises(ValueError, match="holds 100 locks, which is the limit; etl is not held"):
        client.value(LOCK)
    assert client.value("SELECT flightkeeper_unlock('l7')")
    assert client.value(LOCK)
    assert client.query(SHOW).num_rows == 100


def test_a_registry_from_outside_takes_part(nodes: Nodes) -> None:
    client = nodes.client(nodes.start("n1"), "ada")
    registry = open_registry(nodes.url)
    with registry.lock("etl", 5) as hold:
        with pytest.raises(flight.FlightTimedOutError):
            client.value(TRY)
        threading.Timer(0.2, hold.release).start()
        assert client.value(LOCK) > hold.token
    with pytest.raises(RegistryError):
        registry.lock("etl", 0.1)
    registry.close()
