"""What the binder says of queries, and that asking leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.binder import OpaqueRelation, aside, binding
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import NodeError

TABLES = """
    CREATE TABLE t (i INTEGER, dc DECIMAL(12, 3), l INTEGER[][], a FLOAT[3], e ENUM('a'), s VARCHAR)
"""


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database(DatabaseOptions())
    yield database
    database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    connection = database.connect()
    connection.command(TABLES)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("SELECT * FROM t WHERE i = $a AND dc > $b", {"a": "INTEGER", "b": "DECIMAL(12,3)"}),
        ("SELECT * FROM t WHERE l = $a AND a = $b", {"a": "INTEGER[][]", "b": "FLOAT[3]"}),
        ("SELECT * FROM t WHERE e = $a AND s = $b", {"a": "ENUM", "b": "VARCHAR"}),
        ("SELECT * FROM t WHERE $a = $b AND i = $c", {"c": "INTEGER"}),
        ("SELECT i FROM t", {}),
        ("SELECT i + $a FROM t", None),
        ("SELECT * FROM nowhere WHERE a = $a", None),
        ("selec", None),
    ],
)
def test_types_are_told_where_they_follow(
    connection: Connection, query: str, types: dict[str, str] | None
) -> None:
    with binding(connection) as binder:
        assert binder.parameter_types(query) == types


def test_columns_are_told(connection: Connection) -> None:
    with binding(connection) as binder:
        assert binder.columns("t")[:2] == [("i", "INTEGER"), ("dc", "DECIMAL(12,3)")]
        assert binder.columns("nowhere") == ()


def test_only_reads_may_be_asked_about(connection: Connection) -> None:
    with binding(connection) as binder:
        assert binder.admits("SELECT i FROM t")
        for text in ("SELECT nextval('s')", "DELETE FROM t", "SELECT 1; SELECT 2", "selec"):
            assert not binder.admits(text)


def test_a_plan_that_cannot_be_shown_is_told_from_a_wrong_query(
    connection: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "t.csv"
    file.write_text("a\n1\n")
    with binding(connection) as binder, pytest.raises(OpaqueRelation):
        binder.parameter_types(f"SELECT * FROM '{file}' WHERE a = $a")


def test_a_read_that_changes_something_harms_nobody(connection: Connection) -> None:
    connection.command("CREATE SEQUENCE s; CREATE MACRO next() AS nextval('s')")
    with binding(connection) as binder:
        query = "SELECT * FROM range(next()) r(i) WHERE i = $a"
        assert binder.parameter_types(query) == {"a": "BIGINT"}
    assert connection.rows("SELECT 1") == [(1,)]


def test_answers_are_bounded(connection: Connection) -> None:
    clock = iter(range(1000))
    with binding(connection, lambda: next(clock)) as binder:
        answers = [binder.parameter_types(f"SELECT i = $a, {number} FROM t") for number in range(5)]
    assert answers == [{"a": "INTEGER"}] * 3 + [None] * 2
    with binding(connection, lambda: 0.0) as binder:
        count = sum(
            binder.parameter_types(f"SELECT i = $a, {number} FROM t") is not None
            for number in range(200)
        )
    assert count == 128


def test_what_was_asked_is_not_asked_again(connection: Connection) -> None:
    with binding(connection, lambda: 0.0) as binder:
        for _ in range(200):
            assert binder.parameter_types("SELECT i = $a FROM t") == {"a": "INTEGER"}


def test_beside_a_transaction_another_connection_answers(connection: Connection) -> None:
    connection.command("CREATE SCHEMA other; USE other; CREATE TABLE there (i INTEGER)")
    connection.begin()
    connection.command("CREATE TABLE here (i INTEGER)")
    with aside(connection) as beside:
        assert beside is not connection
        assert beside.rows("SELECT count(*) FROM there") == [(0,)]
        with pytest.raises(NodeError):
            beside.rows("SELECT * FROM read_parquet('nowhere')")
    connection.command("INSERT INTO here VALUES (1)")
    connection.commit()
    assert connection.rows("FROM here") == [(1,)]
    with aside(connection) as beside:
        assert beside is connection
