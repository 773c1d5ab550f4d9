"""Results: everything that a reader of pyarrow's does, and some more."""

import threading
import time

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from flightkeeper.client import Connection, ConnectionClosed, Control, StatementCancelled
from flightkeeper.client.result import is_count
from tests.support.stub_process import eventually

THREE = "SELECT i, 'x' || i AS i FROM range(3) t(i) ORDER BY ALL"
ENDLESS = "SELECT count(*) FROM range(1000000000000)"
RUNNING = "SELECT count(*) FROM system.statements WHERE client_id = ?"


def test_it_does_what_a_reader_does(real: Connection) -> None:
    result = real.query("SELECT i FROM range(3) t(i)")
    assert result.schema == pa.schema([("i", pa.int64())])
    assert result.read_next_batch().num_rows == 3
    with pytest.raises(StopIteration):
        result.read_next_batch()
    assert [batch.num_rows for batch in real.query(THREE)] == [3]
    with real.query(THREE) as result:
        assert result.read_all().num_rows == 3
    wider = pa.schema([("i", pa.float64())])
    assert real.query("SELECT 1::INT AS i").cast(wider).read_all()["i"].to_pylist() == [1.0]


def test_whatever_takes_a_stream_takes_it(real: Connection) -> None:
    assert pa.table(real.query("SELECT 1 AS a")).to_pydict() == {"a": [1]}
    assert pa.RecordBatchReader.from_stream(real.query("SELECT 1 AS a")).read_all().num_rows == 1
    assert pl.DataFrame(real.query("SELECT 1 AS a"))["a"].to_list() == [1]


def test_a_count_is_told_from_a_column_of_that_name(real: Connection) -> None:
    for statement in ("CREATE TABLE work.made AS FROM range(3)", "DROP TABLE work.made"):
        assert is_count(real.query(statement).schema)
    assert not is_count(real.query('SELECT 3::BIGINT AS "Count"').schema)
    assert not is_count(pa.schema([("Count", pa.int64()), ("Count", pa.int64())]))


def test_values_and_frames(real: Connection) -> None:
    assert real.query(THREE).fetchall() == [(0, "x0"), (1, "x1"), (2, "x2")]
    assert real.query("SELECT 1 AS a WHERE false").fetchall() == []
    frame = real.query("SELECT 1 AS a").to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert real.query("SELECT 1 AS a").read_pandas().equals(frame)
    assert real.query("SELECT 1 AS a").to_polars().equals(pl.DataFrame({"a": [1]}))


def test_it_shows_what_is_at_hand_and_reads_nothing_for_it(real: Connection) -> None:
    result = real.query("SELECT 42 AS answer")
    assert "int32\n------\n42" in repr(result).replace(" ", "")
    assert "<td>42</td>" in result._repr_html_()
    assert result.node in repr(result)
    assert result.fetchall() == [(42,)]
    assert "1 rows read" in repr(result)


def test_closed_half_read_it_stops_the_statement(real: Connection) -> None:
    result = real.query("SELECT range FROM range(1000000000)")
    result.read_next_batch()
    assert real.nodes()[0].in_flight == 1
    result.close()
    result.close()
    assert real.nodes()[0].in_flight == 0
    with pytest.raises(ConnectionClosed, match="the result was closed"):
        result.read_next_batch()
    eventually(lambda: real.query(RUNNING, [result.statement_id]).fetchall() == [(0,)])


def test_cancelled_by_another_thread_while_it_is_planned(real: Connection) -> None:
    control = Control()
    caught: list[StatementCancelled] = []

    def ask() -> None:
        with pytest.raises(StatementCancelled, match="cancelled by its caller") as error:
            real.query(ENDLESS, control=control)
        caught.append(error.value)

    thread = threading.Thread(target=ask, name="ask")
    thread.start()
    eventually(lambda: control.statement_id)
    eventually(lambda: real.query(RUNNING, [control.statement_id]).fetchall() == [(1,)])
    started = time.monotonic()
    control.cancel()
    thread.join(10)
    # The promise is a quarter of a second; machines under test are slow.
    assert time.monotonic() - started < 5
    assert real.query(RUNNING, [control.statement_id]).fetchall() == [(0,)]
    assert caught[0].statement_id == control.statement_id
    assert (caught[0].node, caught[0].attempts) == (control.node, 1)


def test_cancelled_while_it_is_read(real: Connection) -> None:
    result = real.query("SELECT range FROM range(1000000000)")
    result.read_next_batch()
    result.cancel()
    with pytest.raises(StatementCancelled):
        result.read_all()
    assert result.control.rows > 0
    eventually(lambda: real.query(RUNNING, [result.statement_id]).fetchall() == [(0,)])


def test_cancelled_while_it_is_buffered(real: Connection) -> None:
    control = Control()
    caught: list[BaseException] = []

    def ask() -> None:
        endless = "SELECT range FROM range(1000000000000)"
        with pytest.raises(StatementCancelled) as error:
            real.query(endless, buffered=True, control=control)
        caught.append(error.value)

    thread = threading.Thread(target=ask, name="ask")
    thread.start()
    delivering = f"{RUNNING} AND state = 'delivering'"
    eventually(lambda: control.statement_id)
    eventually(lambda: real.query(delivering, [control.statement_id]).fetchall() == [(1,)])
    control.cancel()
    thread.join(10)
    assert caught
    eventually(lambda: real.query(RUNNING, [control.statement_id]).fetchall() == [(0,)])
    assert real.nodes()[0].in_flight == 0


def test_what_is_cancelled_before_is_not_sent(real: Connection) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(StatementCancelled, match="nothing was run"):
        real.query("SELECT 1", control=control)
