"""Failover with real processes that are really killed, stopped, full or leaving."""

import threading
import time
from collections.abc import Callable

import pytest

from flightkeeper.client import (
    Connection,
    NoNodeAvailable,
    OutcomeUnknown,
    SessionLost,
    StatementFailed,
    StreamInterrupted,
    connect,
)
from flightkeeper.client.transport import CallSettings, Channel, Stream
from tests.support.flight_stub import ROWS_PER_MIB
from tests.support.stub_process import StubProcess, eventually, url_of

Start = Callable[..., StubProcess]


class Running:
    """A call on a thread of its own, and how it ended."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._result: object = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="test-call", daemon=True)
        self._thread.start()

    def result(self, timeout_s: float = 30.0) -> object:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the call did not end"
        if self._error is not None:
            raise self._error
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as exc:  # noqa: BLE001  raised again by result()
            self._error = exc


def busy(nodes: list[StubProcess], beginning: str) -> StubProcess:
    eventually(lambda: any(node.lines(beginning) for node in nodes))
    return next(node for node in nodes if node.lines(beginning))


def rows(connection: Connection, sql: str) -> int:
    return connection.query(sql).read_all().num_rows


@pytest.mark.parametrize("sql", ["stall-plan", "stall-first", "stall-after 2"])
def test_a_read_survives_its_nodes_death_before_anything_was_handed_out(
    start_node: Start, sql: str
) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        call = Running(lambda: connection.query(sql))
        victim = busy(nodes, f"plan {sql}")
        other = next(node for node in nodes if node is not victim)
        victim.kill()
        other.wait_for(f"plan {sql}")
        other.kill()
        # It went on to the second node unseen, and only with that one dead too is it over.
        with pytest.raises(NoNodeAvailable) as caught:
            call.result()
    assert caught.value.attempts == 2
    assert set(caught.value.reasons) == {victim.address, other.address}


def test_reads_do_not_see_a_nodes_death(start_node: Start) -> None:
    nodes = [start_node() for _ in range(3)]
    with connect(url_of(*nodes)) as connection:
        counts = [rows(connection, "rows 10 3") for _ in range(20)]
        nodes[0].kill()
        counts += [rows(connection, "rows 10 3") for _ in range(40)]
        assert counts == [30] * 60
        states = {node.instance.node_id: node.health for node in connection.nodes()}
    assert states[nodes[0].address] == "open"


def test_a_read_that_broke_off_says_how_much_was_delivered(start_node: Start) -> None:
    node = start_node()
    with connect(url_of(node)) as connection:
        reader = connection.query("stall-after 5")
        for _ in range(5):
            reader.read_next_batch()
        node.kill()
        with pytest.raises(StreamInterrupted, match="broke off after 655360 rows") as caught:
            reader.read_next_batch()
    assert caught.value.rows_delivered == 5 * ROWS_PER_MIB
    assert caught.value.node == node.address
    assert caught.value.retryable
    assert not caught.value.in_doubt


def test_a_stopped_node_is_left(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        rows(connection, "rows 1 1")
        nodes[0].stop()
        try:
            started = time.monotonic()
            assert [rows(connection, "rows 10 1") for _ in range(10)] == [10] * 10
            assert time.monotonic() - started < 15
        finally:
            nodes[0].go_on()
        eventually(lambda: all(node.health == "closed" for node in connection.nodes()))


def test_a_stream_from_a_stopped_node_ends(start_node: Start) -> None:
    node = start_node()
    with connect(url_of(node)) as connection:
        reader = connection.query("stall-after 4")
        for _ in range(4):
            reader.read_next_batch()
        node.stop()
        try:
            with pytest.raises(StreamInterrupted, match="broke off after 524288 rows"):
                Running(reader.read_next_batch).result()
        finally:
            node.go_on()


@pytest.mark.parametrize("reason", ["draining", "overloaded"])
def test_a_refusal_sends_statements_elsewhere_without_ejection(
    start_node: Start, reason: str
) -> None:
    refusing, willing = start_node(refuse=reason), start_node()
    with connect(url_of(refusing, willing)) as connection:
        assert [rows(connection, "rows 10 1") for _ in range(10)] == [10] * 10
        assert connection.execute("write 4") == 4
        assert {node.health for node in connection.nodes()} == {"closed"}
    assert refusing.lines("applied") == []


@pytest.mark.parametrize("reason", ["draining", "overloaded"])
def test_when_all_refuse_the_error_says_why(start_node: Start, reason: str) -> None:
    node = start_node(refuse=reason)
    with connect(url_of(node)) as connection, pytest.raises(NoNodeAvailable) as caught:
        connection.execute("write 1")
    assert caught.value.reasons == {node.address: f"refused: {reason}"}
    assert caught.value.retryable
    assert not caught.value.in_doubt


def test_a_write_goes_to_the_next_node_when_no_connection_can_be_made(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    nodes[0].kill()
    with connect(url_of(*nodes)) as connection:
        assert [connection.execute("write 1") for _ in range(5)] == [1] * 5
    assert len(nodes[1].lines("applied")) == 5


@pytest.mark.parametrize("parameters", [None, [1]])
def test_a_write_whose_answer_is_lost_is_in_doubt(
    start_node: Start, parameters: list[int] | None
) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        call = Running(lambda: connection.execute("stall-write", parameters))
        victim = busy(nodes, "applied")
        victim.kill()
        with pytest.raises(OutcomeUnknown, match="applied once or not at all") as caught:
            call.result()
    assert caught.value.in_doubt
    assert not caught.value.retryable
    assert caught.value.node == victim.address
    assert sum(len(node.lines("applied")) for node in nodes) == 1


def test_a_write_sent_as_a_query_runs_once(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        assert rows(connection, "write 1") == 1
    asked = [node.lines("plan") for node in nodes if node.lines("plan")]
    assert asked == [["plan write 1", "plan write 1"]]
    assert sum(len(node.lines("applied")) for node in nodes) == 1


def test_a_write_whose_node_dies_before_its_rows_are_fetched_is_not_repeated(
    start_node: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [start_node() for _ in range(2)]
    open_stream = Channel.open

    def open_late(channel: Channel, ticket: bytes, settings: CallSettings) -> Stream:
        busy(nodes, "applied").kill()
        return open_stream(channel, ticket, settings)

    monkeypatch.setattr(Channel, "open", open_late)
    with connect(url_of(*nodes)) as connection, pytest.raises(OutcomeUnknown):
        connection.query("write 1")
    assert sum(len(node.lines("applied")) for node in nodes) == 1


def in_transaction(connection: Connection, nodes: list[StubProcess]) -> None:
    with connection.transaction() as transaction:
        transaction.execute("write 1")
        busy(nodes, "applied write 1").kill()
        transaction.execute("write 2")


def test_a_lost_transaction_is_an_error(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        with pytest.raises(SessionLost, match="nothing of it was committed"):
            in_transaction(connection, nodes)
        assert sum(len(node.lines("applied write 2")) for node in nodes) == 0
        with connection.transaction() as transaction:
            assert transaction.execute("write 3") == 3


def test_an_error_of_the_statement_is_not_tried_elsewhere(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        with pytest.raises(StatementFailed, match=r"^Parser Error: bad at line 1$"):
            connection.query("bad")
        with pytest.raises(StatementFailed, match=r"^Parser Error: bad at line 1$"):
            connection.execute("bad")
    assert sum(len(node.lines("plan bad")) for node in nodes) == 1


def test_an_error_in_the_middle_of_a_result_keeps_the_nodes_words(start_node: Start) -> None:
    with connect(url_of(start_node())) as connection:
        with pytest.raises(StatementFailed, match=r"^Conversion Error: in the middle$"):
            connection.query("fail-after 2")
        reader = connection.query("fail-after 5")
        with pytest.raises(StatementFailed, match=r"^Conversion Error: in the middle$"):
            reader.read_all()


def test_a_node_that_came_back_is_used_again(start_node: Start) -> None:
    nodes = [start_node() for _ in range(2)]
    with connect(url_of(*nodes)) as connection:
        nodes[0].kill()
        for _ in range(10):
            rows(connection, "rows 1 1")
        back = start_node(port=nodes[0].port)
        eventually(lambda: all(node.health == "closed" for node in connection.nodes()))
        # A fifth of its share in its first seconds.
        for _ in range(200):
            rows(connection, "rows 1 1")
        assert back.lines("plan")
