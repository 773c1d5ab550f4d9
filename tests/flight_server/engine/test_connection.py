"""A connection on a real DuckDB: complete results or errors, whatever else happens on it."""

import threading
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import open_result as module
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument, NodeError
from tests.flight_server.engine.running import change, rows, run, summed
from tests.flight_server.wire_client import LATE, eventually, total

_ROWS = 1_000_000
_MANY = f"SELECT i, i * 2 AS j FROM range({_ROWS}) t(i)"
_SUM = _ROWS * (_ROWS - 1) // 2
_FAILS_LATE = """
    SELECT CASE WHEN i = 4999999 THEN error('late')::INT ELSE i END FROM range(5000000) t(i)"""
_LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3"


def test_a_small_result_knows_its_rows_and_leaves_the_connection_free(
    connection: Connection,
) -> None:
    result = run(connection, "SELECT range AS a FROM range(2)")
    assert (result.rows, connection.working) == (2, False)
    assert [row["a"] for batch in result for row in batch.to_pylist()] == [0, 1]


def test_a_big_result_streams_in_order(connection: Connection) -> None:
    result = run(connection, _MANY)
    assert result.rows is None
    assert connection.working
    batches = list(result)
    assert len(batches) > 3
    read = pa.Table.from_batches(batches)["i"].to_pylist()
    assert read == list(range(_ROWS))
    assert not connection.working


def test_an_empty_result_has_a_schema_and_no_batches(connection: Connection) -> None:
    result = run(connection, "SELECT 1::TINYINT AS a WHERE false")
    assert (result.schema, list(result), result.rows) == (pa.schema({"a": pa.int8()}), [], 0)


def test_another_statement_loses_no_rows_of_an_open_result(connection: Connection) -> None:
    result = run(connection, _MANY)
    reading = iter(result)
    first = next(reading)
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]
    assert connection.table("SELECT 43 AS a").to_pylist() == [{"a": 43}]
    rest = sum(total(batch.column(0)) for batch in reading)
    assert total(first.column(0)) + rest == _SUM


def test_two_big_results_may_be_open_at_once(connection: Connection) -> None:
    one, two = run(connection, _MANY), run(connection, _MANY)
    reading, other = iter(one), iter(two)
    read = 0
    for batch in reading:
        read += total(batch.column(0)) + total(next(other).column(0))
    read += sum(total(batch.column(0)) for batch in other)
    assert read == 2 * _SUM


def test_too_much_to_set_aside_is_an_error_and_not_a_short_answer(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PARKED_BYTES_MAX", 1_000_000)
    result = run(connection, _MANY)
    reading = iter(result)
    next(reading)
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]
    with pytest.raises(EngineFailed, match="too big to keep"):
        list(reading)
    assert rows(connection, "SELECT 43 AS a") == [{"a": 43}]


def test_an_error_in_what_is_set_aside_reaches_its_reader(connection: Connection) -> None:
    result = run(connection, _FAILS_LATE)
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]
    with pytest.raises(NodeError, match=LATE):
        list(result)


def test_an_error_in_the_middle_reaches_the_reader(connection: Connection) -> None:
    result = run(connection, _FAILS_LATE)
    with pytest.raises(NodeError, match=LATE):
        list(result)
    assert not connection.working


def test_a_dropped_result_is_an_error_to_its_reader(connection: Connection) -> None:
    result = run(connection, _MANY)
    reading = iter(result)
    next(reading)
    result.close()
    result.close()
    with pytest.raises(Cancelled, match="dropped before it was read"):
        list(reading)
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]


def test_a_dropped_small_result_is_an_error_too(connection: Connection) -> None:
    result = run(connection, "SELECT 1")
    result.close()
    with pytest.raises(Cancelled):
        list(result)


def test_a_result_read_to_its_end_may_be_closed_again(connection: Connection) -> None:
    result = run(connection, _MANY)
    assert summed(result) == _SUM
    result.close()
    assert list(result) == []


def test_a_stopped_result_is_an_error(connection: Connection) -> None:
    result = run(connection, _MANY)
    reading = iter(result)
    next(reading)
    result.stop()
    with pytest.raises(Cancelled):
        list(reading)
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]


def test_stopping_a_result_leaves_what_came_after_it_alone(connection: Connection) -> None:
    result = run(connection, _MANY)
    other = run(connection, _MANY)
    assert result.stop()
    assert summed(other) == _SUM
    with pytest.raises(Cancelled):
        summed(result)


def test_a_result_whose_reader_does_not_come_is_ended_and_gives_the_connection_back(
    connection: Connection,
) -> None:
    reading = iter(result := run(connection, _MANY))
    next(reading)
    assert connection.working
    assert result.stop()
    assert not connection.working
    with pytest.raises(Cancelled, match="dropped before it was read to its end"):
        list(reading)
    assert summed(run(connection, _MANY)) == _SUM


def test_a_result_outlives_its_connection_only_as_an_error(database: Database) -> None:
    made = database.connect()
    result = run(made, _MANY)
    reading = iter(result)
    next(reading)
    made.close()
    assert not made.working
    with pytest.raises(Cancelled):
        list(reading)
    result.stop()
    made.interrupt()
    made.close()


def test_a_delivered_result_does_not_wait_for_what_runs_now(database: Database) -> None:
    made = database.connect()
    result = run(made, "SELECT 1 AS a")
    worker = threading.Thread(target=_expect_cancelled, args=(made,))
    worker.start()
    eventually(lambda: made.working)
    closing = threading.Thread(target=lambda: list(result))
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    assert made.working
    made.close()
    worker.join(5)


def _expect_cancelled(connection: Connection) -> None:
    with pytest.raises(Cancelled):
        run(connection, _LONG)


@pytest.mark.parametrize("kind", ["run", "change", "table"])
def test_what_runs_can_be_interrupted(connection: Connection, kind: str) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        (statement,) = parse(_LONG)
        (changing,) = parse(f"CREATE TEMP TABLE made AS {_LONG}")
        try:
            if kind == "table":
                connection.table(_LONG)
            else:
                {"run": connection.run, "change": connection.change}[kind](
                    statement if kind == "run" else changing
                )
        except NodeError as exc:
            failures.append(exc)

    worker = threading.Thread(target=work)
    worker.start()
    eventually(lambda: connection.working)
    assert worker.ident is not None
    connection.interrupt(thread=worker.ident + 1)
    assert not eventually(worker.is_alive) > 1
    while worker.is_alive():
        connection.interrupt(worker.ident)
        worker.join(0.05)
    assert [type(failure) for failure in failures] == [Cancelled]
    assert not connection.working
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]


def test_an_open_result_belongs_to_no_thread_between_batches(connection: Connection) -> None:
    result = run(connection, _MANY)
    connection.interrupt(thread=threading.get_ident())
    assert summed(result) == _SUM


@pytest.mark.parametrize("text", ["SELECT * FROM nowhere", "SELECT 'a'::INT", "SELECT ?"])
def test_an_error_leaves_the_connection_usable(connection: Connection, text: str) -> None:
    with pytest.raises(InvalidArgument):
        run(connection, text)
    assert not connection.working
    assert rows(connection, "SELECT 42 AS a") == [{"a": 42}]


def test_an_error_of_ours_leaves_the_connection_usable(connection: Connection) -> None:
    class Strange:
        pass

    with pytest.raises(Exception):  # noqa: B017, PT011  which one is DuckDB's business
        run(connection, "SELECT ?", [Strange()])
    assert not connection.working

    def broken() -> None:
        raise RuntimeError

    statement = parse("SELECT 1")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_answer", lambda *_: broken())
        with pytest.raises(RuntimeError):
            connection.run(statement)
    assert not connection.working


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("SELECT 1::INT AS a, 'x' AS b", [("a", pa.int32()), ("b", pa.string())]),
        ("SELECT ?::BIGINT AS a", [("a", pa.int64())]),
        ("SELECT $b::DATE AS b, $a::INT AS a", [("b", pa.date32()), ("a", pa.int32())]),
    ],
)
def test_a_query_is_described(connection: Connection, text: str, schema: Any) -> None:
    assert connection.describe(parse(text)[0]) == pa.schema(schema)


def test_describing_runs_nothing(connection: Connection) -> None:
    change(connection, "CREATE TEMP TABLE t (a INT)")
    change(connection, "CREATE TEMP SEQUENCE s")
    for text in ("INSERT INTO t VALUES (1) RETURNING a", "SELECT nextval('s')"):
        with pytest.raises(InvalidArgument, match="known only once it has run"):
            connection.describe(parse(text)[0])
    assert rows(connection, "SELECT count(*) AS n FROM t") == [{"n": 0}]
    assert rows(connection, "SELECT nextval('s') AS n") == [{"n": 1}]
    with pytest.raises(InvalidArgument, match="nowhere"):
        connection.describe(parse("FROM nowhere")[0])


def test_questions_of_our_own_are_translated_too(connection: Connection) -> None:
    with pytest.raises(InvalidArgument):
        connection.command("NONSENSE")
    with pytest.raises(InvalidArgument):
        connection.table("FROM nowhere")


def test_batches_stay_below_their_size(connection: Connection) -> None:
    result = run(connection, "SELECT repeat('x', 5000) AS s, i FROM range(5000) t(i)")
    batches = list(result)
    assert max(batch.nbytes for batch in batches) <= 3 * 1024 * 1024
    assert [i for batch in batches for i in batch["i"].to_pylist()] == list(range(5000))


def test_threads_take_turns(connection: Connection) -> None:
    change(connection, "CREATE TEMP TABLE t (a INT)")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                change(connection, "INSERT INTO t VALUES (1)")
                assert summed(run(connection, _MANY)) == _SUM
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert rows(connection, "SELECT count(*) AS n FROM t") == [{"n": 20}]
