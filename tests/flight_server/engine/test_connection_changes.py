"""Changes and transactions on a connection: all of it or nothing, and no more than that."""

from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.answer import BINDING_ABORTS
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.work import Engine
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument
from tests.flight_server.engine.running import change, rows, run, summed

_ROWS = 1_000_000
_MANY = f"SELECT i, i * 2 AS j FROM range({_ROWS}) t(i)"
_SUM = _ROWS * (_ROWS - 1) // 2


def test_changes_are_counted(connection: Connection) -> None:
    assert change(connection, "CREATE TEMP TABLE t (a INT)") == 0
    assert change(connection, "INSERT INTO t SELECT * FROM range(7)") == 7
    assert change(connection, "UPDATE t SET a = 0 WHERE a < ?", [3]) == 3
    assert change(connection, "DELETE FROM t WHERE a = $x", {"x": 0}) == 3
    with pytest.raises(InvalidArgument, match="nowhere"):
        change(connection, "INSERT INTO nowhere VALUES (1)")


def test_a_transaction_keeps_or_drops_its_changes(connection: Connection) -> None:
    change(connection, "CREATE TEMP TABLE t (a INT)")
    connection.begin()
    connection.begin()
    change(connection, "INSERT INTO t VALUES (1)")
    connection.rollback()
    connection.rollback()
    assert not connection.in_transaction
    connection.begin()
    change(connection, "INSERT INTO t VALUES (2)")
    connection.commit()
    connection.commit()
    assert rows(connection, "FROM t") == [{"a": 2}]


def test_committing_an_aborted_transaction_fails_and_writes_nothing(
    connection: Connection,
) -> None:
    change(connection, "CREATE TEMP TABLE t (a INT NOT NULL)")
    connection.begin()
    change(connection, "INSERT INTO t VALUES (1)")
    with pytest.raises(InvalidArgument):
        change(connection, "INSERT INTO t VALUES (NULL)")
    with pytest.raises(EngineFailed, match="rolled back, nothing of it was written"):
        connection.commit()
    assert not connection.in_transaction
    assert rows(connection, "FROM t") == []


def test_a_conflict_at_commit_fails_and_writes_nothing(database: Database) -> None:
    one, two = database.connect(), database.connect()
    change(one, "CREATE OR REPLACE TABLE contested (a INT PRIMARY KEY)")
    for connection in (one, two):
        connection.begin()
        change(connection, "INSERT INTO contested VALUES (1)")
    one.commit()
    with pytest.raises(EngineFailed, match="nothing of it was written"):
        two.commit()
    assert rows(two, "SELECT count(*) AS n FROM contested") == [{"n": 1}]
    change(one, "DROP TABLE contested")
    one.close()
    two.close()


def test_a_commit_keeps_an_open_result_whole(connection: Connection) -> None:
    connection.begin()
    result = run(connection, _MANY)
    connection.commit()
    assert summed(result) == _SUM


def test_a_result_nobody_reads_on_leaves_no_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An interrupt that DuckDB does not notice in time.
    monkeypatch.setattr(Engine, "interrupt", lambda *_: None)
    database = Database(DatabaseOptions(path=str(tmp_path / "a.duckdb")))
    writer, reader = database.connect(), database.connect()
    writer.command("CREATE TABLE t AS SELECT range AS a, repeat('x', 100) AS b FROM range(1000000)")
    run(reader, "FROM t").close()
    writer.command("UPDATE t SET a = -1 WHERE a = 5")
    writer.command("CHECKPOINT")
    reader.close()
    writer.close()
    database.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_number_is_a_bigint_in_changes_too(connection: Connection, *, begun: bool) -> None:
    change(connection, "CREATE OR REPLACE TABLE numbers (a BIGINT, b DATE)")
    if begun:
        if BINDING_ABORTS:
            return  # DuckDB takes them as it likes there, because a second try is none
        connection.begin()
    change(connection, "INSERT INTO numbers SELECT ? * ?, NULL", [5000, 1_000_000])
    # Dates take an INTEGER only.
    text = "INSERT INTO numbers SELECT 1, DATE '2024-02-28' + ? RETURNING b::VARCHAR AS b"
    assert rows(connection, text, [1]) == [{"b": "2024-02-29"}]
    assert rows(connection, "SELECT max(a) AS a FROM numbers") == [{"a": 5_000_000_000}]
    connection.rollback()


@pytest.mark.parametrize(
    "text",
    ["SET integer_division = true", "SET /* so */ integer_division = true -- from now on"],
)
def test_what_changes_the_meaning_of_texts_does_for_all_after_it(
    database: Database, text: str
) -> None:
    connection = database.connect()
    assert rows(connection, "SELECT 7 / 2 AS a") == [{"a": 3.5}]
    change(connection, text)
    assert rows(connection, "SELECT 7 / 2 AS a") == [{"a": 3}]
    connection.close()
