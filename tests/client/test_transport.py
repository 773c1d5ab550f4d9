"""Calls to a real server, and what becomes of its errors."""

import threading
from collections.abc import Callable

import pyarrow as pa
import pytest

from flightkeeper.client.execution import record_count
from flightkeeper.client.failures import CallFailed, Kind
from flightkeeper.client.transport import CallSettings, Channel
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as wire
from tests.support.stub_process import StubProcess, eventually


@pytest.fixture
def channel(node: StubProcess) -> Channel:
    return Channel(f"grpc://{node.address}")


def query(sql: str) -> bytes:
    return pack(wire.CommandStatementQuery(query=sql))


def update(sql: str) -> bytes:
    return pack(wire.CommandStatementUpdate(query=sql))


def test_plan_and_open(channel: Channel) -> None:
    (endpoint,) = channel.plan(query("rows 10 2"), CallSettings()).endpoints
    assert endpoint.locations == ()
    stream = channel.open(endpoint.ticket, CallSettings())
    assert stream.schema.names == ["n"]
    batches = []
    while (batch := stream.read()) is not None:
        batches.append(batch.num_rows)
    assert batches == [10, 10]
    assert stream.read() is None


def test_put_and_act(channel: Channel) -> None:
    answer = channel.put(update("write 3"), CallSettings())
    assert record_count(answer) == 3
    rows = pa.RecordBatch.from_pydict({"0": [1], "1": ["x"]})
    answer = channel.put(update("write 3"), CallSettings(), rows)
    assert record_count(answer) == 5
    assert channel.act(headers.PROBE_ACTION, b"", CallSettings()) == [b"{}"]


def test_a_login_is_not_shown_where_it_must_not_be(node: StubProcess) -> None:
    channel = Channel(f"grpc://{node.address}", shows_login=False)
    known = CallSettings("Bearer x")
    calls: list[Callable[[], object]] = [
        lambda: channel.login("ada", "lovelace", CallSettings()),
        lambda: channel.plan(query("rows 1 1"), known),
        lambda: channel.open(b"ticket", known),
        lambda: channel.put(update("write 3"), known),
        lambda: channel.act(headers.PROBE_ACTION, b"", known),
    ]
    for call in calls:
        with pytest.raises(CallFailed, match="plain text, so no login is shown there") as caught:
            call()
        assert caught.value.failure.kind is Kind.NOT_SENT
    assert channel.act(headers.PROBE_ACTION, b"", CallSettings()) == [b"{}"]


def test_settings_become_headers() -> None:
    everything = CallSettings("Bearer x", "id", read_only=True, timeout_s=1.5)
    assert everything.to_flight() is not None
    assert "Bearer" not in repr(everything)


def test_answers_are_seen(node: StubProcess) -> None:
    seen: list[str] = []
    channel = Channel(
        f"grpc://{node.address}",
        on_answer=lambda answer: seen.append(answer.get(headers.LOAD, "")),
    )
    channel.plan(query("rows 1 1"), CallSettings())
    assert "7" in seen


def test_a_sql_error_keeps_the_nodes_words(channel: Channel) -> None:
    for call in (
        lambda: channel.plan(query("bad"), CallSettings()),
        lambda: channel.put(update("bad"), CallSettings()),
    ):
        with pytest.raises(CallFailed) as caught:
            call()
        assert caught.value.failure.kind is Kind.REFUSED
        assert caught.value.failure.message == "Parser Error: bad at line 1"


def test_a_mark_is_read_beside_the_error(channel: Channel) -> None:
    with pytest.raises(CallFailed) as caught:
        channel.plan(query("write 1"), CallSettings(read_only=True))
    assert caught.value.failure.kind is Kind.NOT_READ_ONLY


def test_the_marks_of_one_call_do_not_reach_the_next(channel: Channel) -> None:
    with pytest.raises(CallFailed):
        channel.plan(query("write 1"), CallSettings(read_only=True))
    with pytest.raises(CallFailed) as caught:
        channel.plan(query("bad"), CallSettings(read_only=True))
    assert caught.value.failure.kind is Kind.REFUSED


def test_calls_of_many_threads_keep_their_answers_apart(channel: Channel) -> None:
    wrong: list[object] = []

    def ask(sql: str, expected: Kind) -> None:
        for _ in range(30):
            try:
                channel.plan(query(sql), CallSettings(read_only=True))
            except CallFailed as exc:
                if exc.failure.kind is not expected:
                    wrong.append(exc.failure)

    cases = [("write 1", Kind.NOT_READ_ONLY), ("bad", Kind.REFUSED)] * 3
    threads = [threading.Thread(target=ask, args=case, name="ask") for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_deadlines(channel: Channel) -> None:
    settings = CallSettings(timeout_s=0.2)
    for call in (
        lambda: channel.plan(query("stall-plan"), settings),
        lambda: channel.put(update("stall-write"), settings),
    ):
        with pytest.raises(CallFailed) as caught:
            call()
        assert caught.value.failure.kind is Kind.TIMED_OUT


def test_a_channel_is_closed_when_its_last_call_has_ended(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    closed: list[str] = []

    class Client:
        def do_action(self, *_arguments: object) -> list[object]:
            begun.set()
            assert go_on.wait(20)
            closed.append("answered")
            return []

        def close(self) -> None:
            closed.append("closed")

    monkeypatch.setattr(channel, "_client", Client())
    running = threading.Thread(target=channel.act, args=("any", b"", CallSettings()))
    running.start()
    assert begun.wait(20)
    channel.close()
    channel.close()
    with pytest.raises(CallFailed, match="given up before") as caught:
        channel.act("late", b"", CallSettings())
    assert caught.value.failure.kind is Kind.NOT_SENT
    go_on.set()
    running.join(20)
    channel.close()
    assert closed == ["answered", "closed"]


def test_nobody_listens() -> None:
    channel = Channel("grpc://127.0.0.1:9")
    for call in (
        lambda: channel.plan(query("x"), CallSettings()),
        lambda: channel.open(b"x", CallSettings()),
        lambda: channel.put(update("x"), CallSettings()),
        lambda: channel.act("x", b"", CallSettings()),
        lambda: channel.login("me", "secret", CallSettings(timeout_s=5)),
    ):
        with pytest.raises(CallFailed) as caught:
            call()
        assert caught.value.failure.kind is Kind.NOT_SENT
        assert caught.value.__cause__ is not None
    channel.close()
    channel.close()


def test_cancel_ends_a_blocked_read(channel: Channel) -> None:
    (endpoint,) = channel.plan(query("stall-after 1"), CallSettings()).endpoints
    stream = channel.open(endpoint.ticket, CallSettings())
    assert stream.read() is not None
    caught: list[CallFailed] = []

    def read() -> None:
        try:
            stream.read()
        except CallFailed as exc:
            caught.append(exc)

    thread = threading.Thread(target=read, name="reader", daemon=True)
    thread.start()
    stream.cancel()
    eventually(lambda: caught)
    # The words are those of gRPC, the same as when a server that ends does it.
    assert caught[0].failure.kind is Kind.BROKEN
    stream.cancel()


@pytest.mark.parametrize("location", ["https://objects.example", "grpc://host:port", ""])
def test_an_address_of_an_unknown_kind_is_a_failure(location: str) -> None:
    with pytest.raises(CallFailed, match="nothing was sent") as caught:
        Channel(location)
    assert caught.value.failure.kind is Kind.NOT_SENT
