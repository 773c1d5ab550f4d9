"""Transactions of a connection; those of a single read last as long as its result."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.errors import InvalidArgument, NodeError


@pytest.fixture
def database() -> Iterator[Database]:
    opened = Database(DatabaseOptions(batch_bytes=1024))
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    made = database.connect()
    made.command("CREATE TABLE t AS SELECT range AS i FROM range(100000)")
    yield made
    made.close()


@pytest.fixture
def other(database: Database, connection: Connection) -> Iterator[Connection]:
    del connection  # it makes the table
    made = database.connect()
    yield made
    made.close()


def only(sql: str) -> Statement:
    (statement,) = parse(sql)
    return statement


COUNT = "SELECT count(*) FROM t"


def test_what_is_asked_together_sees_one_state(connection: Connection, other: Connection) -> None:
    with connection.reading():
        assert connection.rows(COUNT) == [(100000,)]
        other.command("INSERT INTO t VALUES (-1)")
        assert connection.rows(COUNT) == [(100000,)]
    assert connection.rows(COUNT) == [(100001,)]


def test_a_result_keeps_that_state_to_its_end(connection: Connection, other: Connection) -> None:
    with connection.reading():
        result = connection.run(only("SELECT i FROM t"))
    assert result.rows is None
    assert not connection.in_transaction
    other.command("INSERT INTO t VALUES (-1)")
    assert sum(batch.num_rows for batch in result) == 100000
    assert connection.rows(COUNT) == [(100001,)]


def test_the_next_statement_is_not_part_of_it(connection: Connection, other: Connection) -> None:
    with connection.reading():
        result = connection.run(only("SELECT i FROM t"))
    other.command("INSERT INTO t VALUES (-1)")
    assert connection.rows(COUNT) == [(100001,)]
    assert connection.change(only("INSERT INTO t VALUES (-2)")) == 1
    assert sum(batch.num_rows for batch in result) == 100000
    assert other.rows(COUNT) == [(100002,)]


def test_a_dropped_result_ends_it(connection: Connection, other: Connection) -> None:
    with connection.reading():
        result = connection.run(only("SELECT i FROM t"))
    result.close()
    other.command("INSERT INTO t VALUES (-1)")
    assert connection.rows(COUNT) == [(100001,)]


def test_an_error_ends_it(connection: Connection, other: Connection) -> None:
    with pytest.raises(InvalidArgument), connection.reading():
        connection.run(only("SELECT nothing FROM t"))
    late = only("SELECT CASE WHEN i = 99999 THEN error('late') END FROM t")
    with pytest.raises(NodeError), connection.reading():
        list(connection.run(late))
    other.command("INSERT INTO t VALUES (-1)")
    assert connection.rows(COUNT) == [(100001,)]
    assert connection.sound


def test_a_transaction_of_the_callers_begins_after_it(
    connection: Connection, other: Connection
) -> None:
    with connection.reading():
        result = connection.run(only("SELECT i FROM t"))
    connection.begin()
    assert connection.change(only("DELETE FROM t WHERE i < 10")) == 10
    connection.commit()
    assert sum(batch.num_rows for batch in result) == 100000
    assert other.rows(COUNT) == [(99990,)]
