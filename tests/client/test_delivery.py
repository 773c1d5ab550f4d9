"""A result in the caller's hands."""

import gc
import subprocess
import sys
import threading

import pyarrow as pa
import pytest

from flightkeeper.client import delivery
from flightkeeper.client.attempts import Attempt, Statement
from flightkeeper.client.delivery import Delivery
from flightkeeper.client.errors import (
    FlightkeeperError,
    OutcomeUnknown,
    SessionLost,
    StatementCancelled,
    StreamInterrupted,
)
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.loads import Loads
from flightkeeper.client.login import Login
from flightkeeper.client.pool import Pool
from flightkeeper.client.transport import Stream
from tests.client.channels import IdleChannel
from tests.client.instances import instance
from tests.support.stub_process import StubProcess, url_of

SCHEMA = pa.schema([("n", pa.int64())])
BATCH = pa.record_batch([pa.array([1, 2, 3])], schema=SCHEMA)
BROKEN = Failure(Kind.BROKEN, "socket closed")


@pytest.fixture(autouse=True)
def hold_back_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "HELD_BACK_BYTES", 1)


class ScriptedStream(Stream):
    """Reads from a list."""

    def __init__(self, *items: pa.RecordBatch | Failure, schema: pa.Schema = SCHEMA) -> None:
        self.schema = schema
        self.items = list(items)
        self.cancelled = False

    def read(self) -> pa.RecordBatch | None:
        item = self.items.pop(0) if self.items else None
        if isinstance(item, Failure):
            raise CallFailed(item)
        return item

    def cancel(self) -> None:
        self.cancelled = True


class ScriptedParts:
    """Opens streams from a list."""

    def __init__(self, *streams: ScriptedStream) -> None:
        self.streams = list(streams)
        self.closed = 0

    def open_next(self) -> Stream | None:
        return self.streams.pop(0) if self.streams else None

    def close(self) -> None:
        self.closed += 1


class Fixture:
    def __init__(self, *streams: ScriptedStream, kind: StatementKind = StatementKind.READ) -> None:
        self.loads = Loads(lambda: 0.0)
        self.pool = Pool(lambda _instance: IdleChannel(), self.loads, lambda: 0.0)
        lease = self.pool.lease(instance("a"))
        self.attempt = Attempt(Statement("id", kind), kind, lease, Login(None, None))
        self.parts = ScriptedParts(*streams)
        self.reported: list[Failure] = []

    def open(self) -> Delivery:
        result = Delivery(self.attempt, self.parts)
        result.hand_out(self.reported.append)
        return result

    def released(self) -> bool:
        return self.loads.in_flight("a") == 0


def test_batches_come_in_order_and_the_lease_goes_at_the_end() -> None:
    fixture = Fixture(ScriptedStream(BATCH, BATCH), ScriptedStream(), ScriptedStream(BATCH))
    result = fixture.open()
    assert result.node == instance("a")
    assert result.schema == SCHEMA
    assert not fixture.released()
    assert sum(batch.num_rows for batch in result) == 9
    assert fixture.released()
    assert fixture.parts.closed == 1
    assert next(result, None) is None


def test_an_empty_result() -> None:
    fixture = Fixture(ScriptedStream())
    assert list(fixture.open()) == []
    assert fixture.released()


def test_before_the_first_batch_a_failure_is_not_the_callers() -> None:
    fixture = Fixture(ScriptedStream(BROKEN))
    with pytest.raises(CallFailed):
        fixture.open()
    with pytest.raises(CallFailed, match="without endpoints"):
        Fixture().open()


def test_a_result_that_fits_is_whole_before_it_is_handed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "HELD_BACK_BYTES", 3 * pa.ipc.get_record_batch_size(BATCH))
    with pytest.raises(CallFailed):
        Fixture(ScriptedStream(BATCH, BATCH, BROKEN)).open()
    result = Fixture(ScriptedStream(BATCH, BATCH, BATCH, BROKEN)).open()
    assert [next(result).num_rows for _ in range(3)] == [3, 3, 3]
    with pytest.raises(StreamInterrupted):
        next(result)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (StatementKind.READ, StreamInterrupted),
        (StatementKind.WRITE, OutcomeUnknown),
        (StatementKind.TRANSACTION, SessionLost),
    ],
)
def test_after_it_a_break_is_an_error(
    kind: StatementKind, expected: type[FlightkeeperError]
) -> None:
    fixture = Fixture(ScriptedStream(BATCH, BATCH, BROKEN), kind=kind)
    result = fixture.open()
    assert next(result).num_rows == next(result).num_rows == 3
    with pytest.raises(expected) as caught:
        next(result)
    assert (caught.value.node, caught.value.statement_id) == ("a", "id")
    assert not isinstance(caught.value, StreamInterrupted) or caught.value.rows_delivered == 6
    assert fixture.reported == [BROKEN]
    assert fixture.attempt.lease.broken
    assert fixture.released()


def test_a_change_of_schema_is_an_error() -> None:
    other = ScriptedStream(BATCH, schema=pa.schema([("m", pa.int64())]))
    fixture = Fixture(ScriptedStream(BATCH), other)
    result = fixture.open()
    next(result)
    with pytest.raises(StreamInterrupted, match="changed the result's schema"):
        next(result)
    assert not fixture.attempt.lease.broken


def test_a_dropped_result_is_cancelled_and_released() -> None:
    stream = ScriptedStream(BATCH, BATCH)
    fixture = Fixture(stream)
    result = fixture.open()
    next(result)
    del result
    gc.collect()
    assert stream.cancelled
    fixture.pool.retain(())
    assert fixture.released()


def test_a_result_dropped_inside_the_pool_waits_for_its_next_round() -> None:
    fixture = Fixture(ScriptedStream(BATCH, BATCH))
    dropped = [fixture.open()]

    class DroppingKeys(list[object]):
        def __contains__(self, key: object) -> bool:
            # The pool holds its lock here, as it may when the garbage collector runs.
            dropped.clear()
            return True

    round_ = threading.Thread(target=fixture.pool.retain, args=(DroppingKeys(),), daemon=True)
    round_.start()
    round_.join(5)
    assert not round_.is_alive(), "the finalizer waits for the lock of its own thread"
    assert not dropped
    fixture.pool.retain(())
    assert fixture.released()


def test_a_result_never_looked_at_is_released_too() -> None:
    stream = ScriptedStream(BATCH)
    fixture = Fixture(stream)
    reader = pa.RecordBatchReader.from_batches(SCHEMA, fixture.open())
    del reader
    gc.collect()
    assert stream.cancelled
    fixture.pool.retain(())
    assert fixture.released()


def test_a_result_that_is_at_hand_whole_holds_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "HELD_BACK_BYTES", 1 << 20)
    fixture = Fixture(ScriptedStream(BATCH, BATCH))
    result = fixture.open()
    assert fixture.released()
    assert sum(batch.num_rows for batch in result) == 6


def test_a_complete_result_is_not_cancelled() -> None:
    stream = ScriptedStream(BATCH)
    fixture = Fixture(stream)
    assert len(list(fixture.open())) == 1
    gc.collect()
    assert not stream.cancelled


def test_a_cancelled_result_says_so() -> None:
    stream = ScriptedStream(BATCH, Failure(Kind.BROKEN, "gone"))
    fixture = Fixture(stream)
    result = fixture.open()
    next(result)
    result.cancel()
    with pytest.raises(StatementCancelled, match="cancelled by its caller"):
        next(result)
    result.cancel()


def test_errors_pass_through_arrow_unchanged() -> None:
    fixture = Fixture(ScriptedStream(BATCH, BROKEN))
    reader = pa.RecordBatchReader.from_batches(SCHEMA, fixture.open())
    with pytest.raises(StreamInterrupted) as caught:
        reader.read_all()
    assert caught.value.rows_delivered == 3


FORKS = """
import gc, os, sys
from flightkeeper.client import ConnectionClosed, connect

url, action = sys.argv[1:]
with connect(url) as connection:
    result = connection.query("rows 300000 40")
    rows = result.read_next_batch().num_rows
    child = os.fork()
    if not child:
        if action == "drop":
            del result
            gc.collect()
        elif action == "read":
            try:
                result.read_next_batch()
            except ConnectionClosed as exc:
                print(exc)
        else:
            getattr(result, action)()
        sys.exit()
    assert os.waitpid(child, 0)[1] == 0
    print(rows + result.read_all().num_rows)
"""


@pytest.mark.parametrize("action", ["close", "cancel", "drop", "read"])
def test_a_forked_child_leaves_the_result_to_its_parent(node: StubProcess, action: str) -> None:
    # In a process of its own: one that runs tests has threads, whose locks a child would inherit.
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKS, url_of(node), action],
        stdout=subprocess.PIPE,
        text=True,
    ) as forking:
        try:
            said, _ = forking.communicate(timeout=60)
        finally:
            forking.kill()
    lines = said.splitlines()
    assert (forking.returncode, lines[-1]) == (0, str(300_000 * 40))
    assert ("before this process was forked" in said) == (action == "read")
