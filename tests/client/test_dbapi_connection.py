"""Tests for the connection and its transaction on a real node."""

import pytest

from flightkeeper.client import Connection, connect, dbapi, execution
from flightkeeper.client.attempts import Attempt


def count(real: Connection) -> int:
    """The rows that others see."""
    number: int = real.query("SELECT count(*) FROM work.t").fetchall()[0][0]
    return number


@pytest.fixture
def connection(real: Connection) -> dbapi.Connection:
    """A connection with transactions; there is a table `work.t`."""
    real.execute("CREATE TABLE work.t (a INTEGER)")
    return dbapi.Connection(real)


def test_a_transaction_begins_with_the_first_statement(
    connection: dbapi.Connection, real: Connection
) -> None:
    cursor = connection.cursor()
    assert "no transaction" in repr(connection)
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (0,)
    assert "Transaction open" in repr(connection)
    real.execute("INSERT INTO work.t VALUES (1)")
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (0,)
    connection.commit()
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (1,)


def test_it_is_committed_or_undone(connection: dbapi.Connection, real: Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO work.t VALUES (1)")
    assert count(real) == 0
    connection.rollback()
    cursor.execute("INSERT INTO work.t VALUES (2)")
    cursor.executemany("INSERT INTO work.t VALUES (?)", [(3,), (4,)])
    connection.commit()
    connection.commit()
    assert count(real) == 3
    cursor.execute("INSERT INTO work.t VALUES (5)")
    connection.close()
    assert count(real) == 3


def test_a_block_commits_unless_it_raises(connection: dbapi.Connection, real: Connection) -> None:
    with dbapi.Connection(real) as first:
        first.cursor().execute("INSERT INTO work.t VALUES (1)")
    assert count(real) == 1
    cursor = connection.cursor()
    with pytest.raises(dbapi.DataError), connection:
        cursor.execute("INSERT INTO work.t SELECT 'x' FROM range(3)")
    assert count(real) == 1
    assert connection.closed


def test_cursors_of_a_transaction_are_read_in_any_order(connection: dbapi.Connection) -> None:
    first, second = connection.cursor(), connection.cursor()
    first.execute("SELECT i FROM range(200000) t(i) ORDER BY i")
    assert first.fetchone() == (0,)
    second.execute("SELECT 'second'")
    assert len(first.fetchall()) == 199_999
    assert second.fetchall() == [("second",)]


def test_after_an_error_only_a_rollback_helps(connection: dbapi.Connection) -> None:
    cursor = connection.cursor()
    with pytest.raises(dbapi.DataError):
        cursor.execute("SELECT 'x'::INTEGER")
    with pytest.raises(dbapi.OperationalError, match="aborted"):
        cursor.execute("SELECT 1")
    connection.rollback()
    assert cursor.execute("SELECT 1").fetchone() == (1,)


def test_autocommit_is_switched_between_transactions(
    connection: dbapi.Connection, real: Connection
) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO work.t VALUES (1)")
    with pytest.raises(dbapi.ProgrammingError, match="transaction is open"):
        connection.autocommit = True
    connection.rollback()
    connection.autocommit = True
    cursor.execute("INSERT INTO work.t VALUES (2)")
    assert (connection.autocommit, count(real)) == (True, 1)


def test_options_are_those_of_the_session(real: Connection) -> None:
    real.execute("CREATE TABLE work.here AS SELECT 1 AS a")
    for autocommit in (True, False):
        with dbapi.Connection(real, autocommit=autocommit, options={"schema": "work"}) as opened:
            assert opened.cursor().execute("SELECT a FROM here").fetchall() == [(1,)]


def test_connecting_translates_errors(service: str) -> None:
    with dbapi.connect(service, autocommit=True) as connection:
        assert connection.cursor().execute("SELECT 42").fetchone() == (42,)
    with pytest.raises(dbapi.InterfaceError, match="scheme"):
        dbapi.connect("postgresql://x:1")
    with pytest.raises(dbapi.InterfaceError, match="closed"):
        connection.cursor()


def test_it_is_closed_also_after_its_client(service: str) -> None:
    closed: list[str] = []
    with connect(service) as client:
        first = dbapi.Connection(client, options={"TimeZone": "UTC"})
        second = dbapi.Connection(client, on_close=lambda: closed.append("second"))
        for opened in (first, second):
            opened.cursor().execute("SELECT 1")
    with pytest.raises(dbapi.InterfaceError, match="closed"):
        first.commit()
    first.close()
    second.close()
    assert (first.closed, second.closed, closed) == (True, True, ["second"])


def test_what_goes_wrong_while_undoing_does_not_keep_it_open(
    connection: dbapi.Connection, real: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    interrupted = dbapi.Connection(real, on_close=lambda: closed.append("client"))
    interrupted.cursor().execute("INSERT INTO work.t VALUES (1)")

    end = execution.end

    def interrupt(attempt: Attempt, transaction_id: bytes, *, commit: bool) -> None:
        end(attempt, transaction_id, commit=commit)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("flightkeeper.client.execution.end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            interrupted.close()
    assert (interrupted.closed, closed) == (True, ["client"])
    connection.close()
