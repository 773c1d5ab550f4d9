"""What connections, sessions and transactions have in common, on a real node."""

import threading
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.client import (
    Connection,
    Control,
    OutcomeUnknown,
    StatementFailed,
    StatementTimeout,
    connect,
)
from flightkeeper.client.statements import endpoints, parameter_rows
from tests.support.stub_process import StubProcess, eventually, url_of


def count(connection: Connection, table: str = "work.t") -> int:
    return int(connection.query(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def test_executemany_runs_once_for_each_row(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (id INT PRIMARY KEY, name VARCHAR)")
    insert = "INSERT INTO work.t VALUES (?, ?)"
    assert real.executemany(insert, [(1, "a"), (2, None), (3, "c")]) == 3
    assert real.executemany(insert, iter([])) == 0
    assert real.executemany(insert, pa.table({"0": [4, 5], "1": ["d", "e"]})) == 2
    assert real.executemany("UPDATE work.t SET name = ? WHERE id = ?", [("x", 1), ("y", 2)]) == 2
    rows = real.query("SELECT id, name FROM work.t ORDER BY id").fetchall()
    assert rows == [(1, "x"), (2, "y"), (3, "c"), (4, "d"), (5, "e")]


def test_executemany_is_all_or_nothing(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (id INT PRIMARY KEY)")
    with pytest.raises(StatementFailed, match="Constraint"):
        real.executemany("INSERT INTO work.t VALUES (?)", [(1,), (2,), (1,)])
    assert count(real) == 0


def test_a_text_that_is_none_is_not_sent(real: Connection) -> None:
    for run in (real.query, real.execute, real.partitions):
        with pytest.raises(StatementFailed, match=r"surrogate pair at position 8.*nothing was run"):
            run("SELECT '\ud83d'")


def test_rows_of_parameters() -> None:
    batch = parameter_rows([(1, "a"), (2, None)])
    assert batch.to_pydict() == {"0": [1, 2], "1": ["a", None]}
    assert parameter_rows(batch) is batch
    assert parameter_rows(pa.table({"n": pa.array([], pa.int64())})).num_rows == 0
    with pytest.raises(ValueError, match="shorter"):
        parameter_rows([(1, 2), (3,)])
    with pytest.raises(pa.ArrowInvalid):
        parameter_rows([(1,), ("x",)])


def test_only_reads_where_only_reads_are_wanted(real: Connection, service: str) -> None:
    with pytest.raises(StatementFailed, match="only reads were asked for"):
        real.query("CREATE TABLE work.t (id INT)", read_only=True)
    with connect(service, read_only=True) as reading:
        assert reading.query("SELECT 1").fetchall() == [(1,)]
        for write in (
            lambda: reading.execute("CREATE TABLE work.t (id INT)"),
            lambda: reading.query("CREATE TABLE work.t (id INT)"),
            lambda: reading.ingest("t", pa.table({"n": [1]}), schema="work", mode="create"),
        ):
            with pytest.raises(StatementFailed, match="only reads were asked for"):
                write()
        with reading.transaction() as transaction, pytest.raises(StatementFailed, match="reads"):
            transaction.execute("CREATE TABLE work.t (id INT)")
    assert real.metadata.tables(schema_pattern="work").num_rows == 0


@pytest.mark.parametrize("parallel", [0, 17])
def test_parts_have_bounds(real: Connection, parallel: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 16"):
        real.query("SELECT 1", parallel=parallel)
    assert endpoints(1) == {}


def test_in_parallel_all_rows_come_once(real: Connection) -> None:
    real.execute("CREATE TABLE work.t AS SELECT range AS i FROM range(1000000)")
    result = real.query("SELECT i FROM work.t", parallel=4)
    column: list[Any] = result.read_all()["i"].to_pylist()
    assert sorted(column) == list(range(1_000_000))
    ordered = real.query("SELECT i FROM work.t ORDER BY i DESC", parallel=4)
    assert ordered.read_all()["i"].to_pylist() == list(range(999_999, -1, -1))
    half = real.query("SELECT i FROM work.t", parallel=4)
    half.read_next_batch()
    half.close()
    eventually(lambda: real.nodes()[0].in_flight == 0)
    assert not [t for t in threading.enumerate() if t.name.startswith("flightkeeper-fetch")]


def test_buffered_it_is_whole_before_it_is_handed_out(real: Connection) -> None:
    result = real.query("SELECT range AS i FROM range(3000000)", buffered=True)
    assert real.nodes()[0].in_flight == 0
    assert result.read_all().num_rows == 3_000_000


def asked(control: Control, attempts: int) -> bool:
    return control.attempts == attempts


def test_buffered_a_read_goes_on_elsewhere_after_its_first_batches(
    start_node: Callable[..., StubProcess],
) -> None:
    nodes = start_node(), start_node()
    with connect(url_of(*nodes)) as connection:
        errors: list[BaseException] = []
        control = Control()

        def ask() -> None:
            try:
                # Sends batches of a MiB each, more than are held back, and then nothing.
                connection.query("stall-after 8", buffered=True, control=control, timeout_s=20)
            except Exception as exc:  # noqa: BLE001  looked at below
                errors.append(exc)

        thread = threading.Thread(target=ask, name="ask")
        thread.start()
        for attempt, _ in enumerate(nodes, 1):
            eventually(partial(asked, control, attempt))
            (busy,) = [node for node in nodes if node.address == control.node]
            busy.wait_for("plan stall-after 8")
            busy.kill()
        thread.join(30)
    assert type(errors[0]).__name__ == "NoNodeAvailable"
    assert set(errors[0].reasons) == {node.address for node in nodes}  # type: ignore[attr-defined]


def test_cancelled_writes_are_stopped_and_honest(real: Connection) -> None:
    control = Control()
    errors: list[OutcomeUnknown] = []

    def write() -> None:
        endless = "CREATE TABLE work.t AS SELECT sum(range) AS s FROM range(1000000000000)"
        with pytest.raises(OutcomeUnknown) as caught:
            real.execute(endless, control=control)
        errors.append(caught.value)

    thread = threading.Thread(target=write, name="write")
    thread.start()
    running = "SELECT count(*) FROM system.statements WHERE client_id = ?"
    eventually(lambda: control.statement_id)
    eventually(lambda: real.query(running, [control.statement_id]).fetchall() == [(1,)])
    control.cancel()
    thread.join(10)
    assert real.query(running, [control.statement_id]).fetchall() == [(0,)]
    assert errors[0].in_doubt
    assert real.metadata.tables(schema_pattern="work").num_rows == 0


def test_deadlines_of_every_call(real: Connection) -> None:
    endless = "SELECT sum(range) FROM range(1000000000000)"
    with pytest.raises(StatementTimeout):
        real.query(endless, timeout_s=0.3)
    with pytest.raises(OutcomeUnknown):
        real.execute(f"CREATE TABLE work.t AS {endless}", timeout_s=0.3)
    # On a slow machine the time is over before it is sent.
    with pytest.raises((OutcomeUnknown, StatementTimeout)):
        real.executemany(f"CREATE TABLE work.u AS {endless} WHERE range > ?", [(1,)], timeout_s=0.3)
    assert real.metadata.tables(schema_pattern="work").num_rows == 0


def test_32_threads_share_one_connection(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (worker INT, n INT)")
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        rng = Random(worker)
        try:
            for n in range(8):
                if rng.random() < 0.3:
                    real.executemany("INSERT INTO work.t VALUES (?, ?)", [(worker, n)])
                else:
                    real.ingest("t", pa.table({"worker": [worker], "n": [n]}), schema="work")
                size = rng.randrange(1, 5000)
                rows = real.query("SELECT range FROM range(?)", [size], buffered=n % 2 == 0)
                assert rows.read_all().num_rows == size
        except BaseException as exc:  # noqa: BLE001  shown below
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(n,), name=f"work-{n}") for n in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert count(real) == 32 * 8
    assert real.nodes()[0].in_flight == 0
