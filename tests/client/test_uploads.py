"""Ingest: all of it or nothing, whoever dies in the middle; on real nodes."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.client import (
    Connection,
    Control,
    NoNodeAvailable,
    OutcomeUnknown,
    SessionLost,
    StatementCancelled,
    StatementFailed,
    StatementTimeout,
    connect,
)
from flightkeeper.client.sources import KEPT_BYTES
from flightkeeper.client.uploads import Mode
from tests.client.conftest import static_url
from tests.support.processes import Running, running
from tests.support.stub_process import StubProcess, eventually, url_of

SCHEMA = pa.schema([("n", pa.int64())])
BATCH = pa.record_batch([pa.array(range(130_000), pa.int64())], schema=SCHEMA)
"""A MiB."""
Start = Callable[..., StubProcess]


def count(connection: Connection, table: str = "work.t") -> int:
    return int(connection.query(f"SELECT count(*) FROM {table}").fetchall()[0][0])


class Gate:
    """A stream of batches that stops in the middle until it is told to go on."""

    def __init__(self, before: int = 4, after: int = 4) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._counts = before, after

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(SCHEMA, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for number, batches in enumerate(self._counts):
            for _ in range(batches):
                yield BATCH
            if not number:
                self.reached.set()
                assert self.opened.wait(60)


class Ingesting:
    """An ingest on a thread of its own."""

    def __init__(self, call: Callable[[], int]) -> None:
        self.outcome: list[int | BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(call,), name="ingesting")
        self._thread.start()

    def ended(self) -> int | BaseException:
        self._thread.join(60)
        return self.outcome[0]

    def _run(self, call: Callable[[], int]) -> None:
        try:
            self.outcome.append(call())
        except Exception as exc:  # noqa: BLE001  the test looks at it
            self.outcome.append(exc)


def test_every_mode(real: Connection) -> None:
    rows = pa.table({"n": [1, 2]})
    with pytest.raises(StatementFailed, match="does not exist"):
        real.ingest("t", rows, schema="work")
    assert real.ingest("t", rows, schema="work", mode="create") == 2
    with pytest.raises(StatementFailed, match="exists"):
        real.ingest("t", rows, schema="work", mode="create")
    assert real.ingest("t", rows, schema="work") == 2
    assert real.ingest("t", rows, schema="work", mode="create_append", catalog="memory") == 2
    assert count(real) == 6
    assert real.ingest("t", rows, schema="work", mode=Mode.REPLACE) == 2
    assert count(real) == 2
    with pytest.raises(ValueError, match="upsert"):
        real.ingest("t", rows, schema="work", mode="upsert")


def test_progress_and_what_a_control_sees(real: Connection) -> None:
    seen: list[tuple[int, int]] = []
    control = Control()
    reader = pa.RecordBatchReader.from_batches(SCHEMA, [BATCH] * 5)
    rows = real.ingest(
        "t",
        reader,
        schema="work",
        mode="create",
        progress=lambda rows, size: seen.append((rows, size)),
        control=control,
    )
    assert rows == 650_000 == count(real)
    assert [done for done, _ in seen] == [130_000 * number for number in range(1, 6)]
    assert seen[-1] == (control.rows, control.nbytes)
    assert control.nbytes >= 5 * BATCH.nbytes


def test_a_source_that_fails_leaves_nothing(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (n BIGINT)")

    def batches() -> Iterator[pa.RecordBatch]:
        yield BATCH
        raise RuntimeError("the source is broken")

    with pytest.raises(RuntimeError, match="the source is broken"):
        real.ingest("t", pa.RecordBatchReader.from_batches(SCHEMA, batches()), schema="work")

    def refuse(rows: int, size: int) -> None:
        del rows, size
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        real.ingest("t", pa.Table.from_batches([BATCH]), schema="work", progress=refuse)
    assert count(real) == 0
    assert real.nodes()[0].in_flight == 0


def test_a_batch_that_does_not_fit_leaves_nothing(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (n UTINYINT)")
    with pytest.raises(StatementFailed, match="nothing was applied") as caught:
        real.ingest("t", pa.table({"n": [1, 2, 300]}), schema="work")
    assert not caught.value.in_doubt
    assert count(real) == 0


def test_in_a_transaction(real: Connection) -> None:
    rows = pa.table({"n": [1, 2]})
    real.execute("CREATE TABLE work.t (n BIGINT)")
    with real.transaction() as transaction:
        assert transaction.ingest("t", rows, schema="work") == 2
        assert transaction.query("SELECT count(*) FROM work.t").fetchall() == [(2,)]
        transaction.rollback()
    assert count(real) == 0
    with real.transaction() as transaction:
        transaction.ingest("t", rows, schema="work")
    assert count(real) == 2


def test_cancelled_in_the_middle(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (n BIGINT)")
    gate, control = Gate(), Control()
    ingesting = Ingesting(lambda: real.ingest("t", gate.reader(), schema="work", control=control))
    assert gate.reached.wait(10)
    stopping = threading.Thread(target=control.cancel, name="stopping")
    stopping.start()
    eventually(lambda: control.cancelled)
    gate.opened.set()
    outcome = ingesting.ended()
    stopping.join(10)
    assert isinstance(outcome, StatementCancelled)
    assert count(real) == 0


def test_a_deadline_in_the_middle(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (n BIGINT)")
    gate = Gate()
    ingesting = Ingesting(lambda: real.ingest("t", gate.reader(), schema="work", timeout_s=0.5))
    # On a slow machine the time is over before that.
    gate.reached.wait(0.5)
    assert not gate.opened.wait(0.6)
    gate.opened.set()
    outcome = ingesting.ended()
    assert isinstance(outcome, StatementTimeout)
    assert not outcome.in_doubt
    assert count(real) == 0


CLIENT = """
import os, signal, sys
import pyarrow as pa
from flightkeeper.client import connect

def batches():
    for number in range(8):
        if number == 4:
            print("middle", flush=True)
            sys.stdin.readline()
            END
        yield pa.record_batch({"n": list(range(130_000))})

reader = pa.RecordBatchReader.from_batches(pa.schema([("n", pa.int64())]), batches())
connect(sys.argv[1]).ingest("t", reader, schema="work")
"""


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(3)", "raise KeyboardInterrupt"]
)
def test_a_client_that_dies_in_the_middle_leaves_nothing(
    real: Connection, service: str, end: str
) -> None:
    real.execute("CREATE TABLE work.t (n BIGINT)")
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT.replace("END", end), service],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with client:
        assert client.stdout is not None
        assert client.stdout.readline() == "middle\n"
        client.communicate("\n", timeout=30)
    assert client.returncode != 0
    running_now = "SELECT count(*) FROM system.statements WHERE text LIKE 'INGEST%'"
    eventually(lambda: real.query(running_now).fetchall() == [(0,)])
    assert count(real) == 0


def serve(path: Path) -> AbstractContextManager[Running]:
    flags = ("--insecure", "--listen", "grpc://127.0.0.1:0", "--database", str(path))
    return running("serve", *flags)


def test_a_node_that_dies_in_the_middle_has_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.duckdb"
    gate = Gate(before=8)
    with serve(path) as node, connect(static_url(node.line()["location"])) as connection:
        connection.execute("CREATE TABLE t (n BIGINT); CHECKPOINT")
        with connection.transaction() as transaction:
            transaction.execute("INSERT INTO t VALUES (1)")
            ingesting = Ingesting(lambda: connection.ingest("t", gate.reader()))
            assert gate.reached.wait(10)
            node.process.kill()
            node.process.wait(10)
            gate.opened.set()
            outcome = ingesting.ended()
            # Its only node is gone; it says so, and that nothing was applied.
            assert isinstance(outcome, NoNodeAvailable)
            assert not outcome.in_doubt
            with pytest.raises(SessionLost):
                transaction.ingest("t", pa.table({"n": [1]}))
            transaction.rollback()
    with serve(path) as node, connect(static_url(node.line()["location"])) as connection:
        assert count(connection, "t") == 0


def test_an_answer_that_is_lost_is_in_doubt(start_node: Start) -> None:
    node = start_node()
    with connect(url_of(node)) as connection:
        ingesting = Ingesting(lambda: connection.ingest("stall", pa.table({"n": [1, 2]})))
        node.wait_for("applied stall 2")
        node.kill()
        outcome = ingesting.ended()
    assert isinstance(outcome, OutcomeUnknown)
    assert (outcome.in_doubt, outcome.attempts, outcome.node) == (True, 1, node.address)


def test_a_table_goes_to_another_node_when_one_is_lost(start_node: Start) -> None:
    nodes = start_node(), start_node()
    with connect(url_of(*nodes)) as connection:
        control = Control()
        rows = pa.Table.from_batches([BATCH] * 6)
        killed: list[str] = []

        def kill(sent: int, size: int) -> None:
            del size
            if sent >= 2 * BATCH.num_rows and not killed:
                (busy,) = [node for node in nodes if node.address == control.node]
                killed.append(busy.address)
                busy.kill()

        assert connection.ingest("t", rows, progress=kill, control=control) == rows.num_rows
        assert control.attempts == 2
        assert [len(node.lines(f"applied t {rows.num_rows}")) for node in nodes].count(1) == 1


@pytest.mark.parametrize("before", [2, KEPT_BYTES // BATCH.nbytes + 2])
def test_a_stream_goes_to_another_node_while_its_beginning_is_here(
    start_node: Start, before: int
) -> None:
    nodes = start_node(), start_node()
    gate, control = Gate(before=before), Control()
    with connect(url_of(*nodes)) as connection:
        ingesting = Ingesting(lambda: connection.ingest("t", gate.reader(), control=control))
        assert gate.reached.wait(10)
        (busy,) = [node for node in nodes if node.address == control.node]
        busy.kill()
        gate.opened.set()
        outcome = ingesting.ended()
    applied = sum(len(node.lines("applied t")) for node in nodes)
    if before == 2:
        assert (outcome, applied) == (BATCH.num_rows * (before + 4), 1)
    else:
        assert isinstance(outcome, StatementFailed)
        assert "from a new reader" in str(outcome)
        assert applied == 0


def test_a_node_that_refuses_early_is_heard_while_rows_are_sent(real: Connection) -> None:
    reader = pa.RecordBatchReader.from_batches(SCHEMA, [BATCH] * 40)
    with pytest.raises(StatementFailed, match="does not exist; nothing was applied") as caught:
        real.ingest("t", reader, schema="work")
    assert not caught.value.in_doubt


def test_a_full_node_sends_the_rows_to_another_one(start_node: Start) -> None:
    full, free = start_node(refuse="overloaded"), start_node()
    with connect(url_of(full, free)) as connection:
        for _ in range(8):
            reader = pa.RecordBatchReader.from_batches(SCHEMA, [BATCH])
            assert connection.ingest("t", reader) == BATCH.num_rows
    assert len(free.lines("applied t")) == 8
    assert full.lines("applied") == []


@pytest.mark.parametrize("delay_s", [0.0, 0.1])
def test_a_node_that_dies_while_it_applies_has_all_or_nothing(
    tmp_path: Path, delay_s: float
) -> None:
    path = tmp_path / "file.duckdb"
    rows = pa.Table.from_batches([BATCH] * 16)
    control, sent = Control(), threading.Event()

    def progress(done: int, size: int) -> None:
        del size
        if done == rows.num_rows:
            sent.set()

    with serve(path) as node, connect(static_url(node.line()["location"])) as connection:
        connection.execute("CREATE TABLE t (n BIGINT); CHECKPOINT")
        ingesting = Ingesting(
            lambda: connection.ingest("t", rows, control=control, progress=progress)
        )
        assert sent.wait(60)
        assert not threading.Event().wait(delay_s)
        node.process.kill()
        outcome = ingesting.ended()
    with serve(path) as node, connect(static_url(node.line()["location"])) as connection:
        found = count(connection, "t")
    if isinstance(outcome, OutcomeUnknown):
        assert found in {0, rows.num_rows}
    else:
        assert outcome == found == rows.num_rows
