"""Tests for the cursor on a real node."""

import datetime as dt
import threading
from collections.abc import Iterator

import pytest

from flightkeeper.client import Connection, dbapi, execution
from flightkeeper.client.attempts import Attempt, Text


@pytest.fixture
def cursor(real: Connection) -> Iterator[dbapi.Cursor]:
    """Statements that commit by themselves."""
    with dbapi.Connection(real, autocommit=True).cursor() as opened:
        yield opened


def test_rows_are_fetched_as_wanted(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT i FROM range(300000) t(i) ORDER BY i")
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany(2) == [(1,), (2,)]
    assert cursor.fetchmany() == [(3,)]
    assert next(iter(cursor)) == (4,)
    rows = cursor.fetchmany(200_000)
    assert (len(rows), rows[-1]) == (200_000, (200_004,))
    assert len(cursor.fetchall()) == 300_000 - 200_005
    assert (cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall()) == (None, [], [])
    assert list(cursor) == []


def test_what_is_left_is_fetched_as_arrow(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT i FROM range(300000) t(i) ORDER BY i")
    cursor.fetchmany(10)
    table = cursor.fetch_arrow_table()
    assert (table.num_rows, table.column("i")[0].as_py()) == (299_990, 10)
    assert cursor.fetchall() == []
    assert cursor.execute("SELECT 1 AS a").fetch_record_batch().read_pandas().shape == (1, 1)


def test_changes_are_counted(cursor: dbapi.Cursor) -> None:
    cursor.execute("CREATE TABLE work.t (a INTEGER, b VARCHAR)")
    assert (cursor.rowcount, cursor.description) == (-1, None)
    cursor.execute("INSERT INTO work.t VALUES (?, ?), ($1, 'z')", (1, "x"))
    assert (cursor.rowcount, cursor.description) == (2, None)
    cursor.close()
    assert cursor.rowcount == 2
    cursor = cursor.connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("SELECT 1")
    cursor.execute("INSERT INTO work.t VALUES (3, 'y')")
    assert len(cursor.statement_id) == 32
    with pytest.raises(dbapi.ProgrammingError, match="no result"):
        cursor.fetchone()
    cursor.execute('SELECT count(*) AS "Count" FROM work.t')
    assert (cursor.rowcount, cursor.fetchall()) == (-1, [(3,)])
    cursor.execute("INSERT INTO work.t VALUES (7, 'r') RETURNING a, b")
    assert cursor.description is not None
    assert [column[:2] for column in cursor.description] == [("a", "INTEGER"), ("b", "VARCHAR")]
    assert cursor.fetchall() == [(7, "r")]


def test_many_rows_are_all_or_none(cursor: dbapi.Cursor) -> None:
    cursor.execute("CREATE TABLE work.t (a INTEGER, b TIMESTAMP, PRIMARY KEY (a))")
    day, moment = dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 12)  # noqa: DTZ001 - it has none
    assert cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [(1, day), (2, moment)])
    assert cursor.rowcount == 2
    cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [(n, day) for n in range(3, 100)])
    assert cursor.rowcount == 97
    for rows in ([(200, day), (1, day)], [(200, day), (1, moment)]):
        with pytest.raises(dbapi.IntegrityError):
            cursor.executemany("INSERT INTO work.t VALUES (?, ?)", rows)
    cursor.execute("SELECT count(*), max(b) FROM work.t")
    assert cursor.fetchall() == [(99, moment)]
    cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [])
    assert cursor.rowcount == 0


def test_another_thread_cancels(cursor: dbapi.Cursor) -> None:
    threading.Timer(0.3, cursor.cancel).start()
    with pytest.raises(dbapi.OperationalError, match="cancelled"):
        cursor.execute("SELECT sum(a.i * b.i) FROM range(300000) a(i), range(300000) b(i)")


def test_nothing_works_on_a_closed_cursor(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT 1")
    cursor.close()
    cursor.close()
    for call in (cursor.fetchone, cursor.fetchall, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(dbapi.InterfaceError, match="closed"):
            call()


UNLIKE = [(1, dt.date(2024, 1, 1)), (2, dt.datetime(2024, 1, 1, 12)), (3, object())]  # noqa: DTZ001


def test_rows_of_which_one_cannot_travel_are_not_begun(real: Connection) -> None:
    real.execute("CREATE TABLE work.t (a INTEGER, b TIMESTAMP)")
    with dbapi.Connection(real) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO work.t VALUES (0, NULL)")
        with pytest.raises(dbapi.DataError):
            cursor.executemany("INSERT INTO work.t VALUES (?, ?)", UNLIKE)
        with pytest.raises(dbapi.DataError, match="surrogates"):
            cursor.executemany("INSERT INTO work.t VALUES (?, ?)", [(1, None), ("\ud800", None)])
        cursor.executemany("INSERT INTO work.t VALUES (?, ?)", UNLIKE[:2])
        assert cursor.rowcount == 2
    assert real.query("SELECT a FROM work.t ORDER BY a").fetchall() == [(0,), (1,), (2,)]


def test_rows_that_are_cancelled_half_way_are_not_committed(
    real: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.execute("CREATE TABLE work.t (a INTEGER, b TIMESTAMP)")
    connection = dbapi.Connection(real)
    cursor = connection.cursor()
    update = execution.update

    def last(attempt: Attempt, text: Text) -> int:
        affected = update(attempt, text)
        # Between two rows, where no node would hear of it.
        attempt.statement.control._cancelled = True
        return affected

    with monkeypatch.context() as patched:
        patched.setattr(execution, "update", last)
        with pytest.raises(dbapi.OperationalError, match="cancelled"):
            cursor.executemany("INSERT INTO work.t VALUES (?, ?)", UNLIKE[:2])
    with pytest.raises(dbapi.OperationalError, match="the transaction has ended"):
        cursor.execute("SELECT 1")
    with pytest.raises(dbapi.OperationalError, match="the transaction has ended"):
        connection.commit()
    assert cursor.execute("SELECT count(*) FROM work.t").fetchall() == [(0,)]
    connection.close()


def test_rows_of_different_lengths_are_refused(cursor: dbapi.Cursor) -> None:
    cursor.execute("CREATE TABLE work.t (a INTEGER, b INTEGER)")
    for rows in ([(1, 2), (3,)], [(), (1,)]):
        with pytest.raises(dbapi.ProgrammingError, match=r"row 2 .* nothing was run"):
            cursor.executemany("INSERT INTO work.t VALUES (?, ?)", rows)


def test_rows_without_values_run_it_as_often(cursor: dbapi.Cursor) -> None:
    cursor.execute("CREATE TABLE work.t (a INTEGER)")
    cursor.executemany("INSERT INTO work.t VALUES (1)", [(), ()])
    assert cursor.rowcount == 2
    assert cursor.execute("SELECT count(*) FROM work.t").fetchone() == (2,)


def test_rows_that_python_cannot_hold_are_not_skipped(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT unnest([DATE '2024-01-01', 'infinity'::DATE]) AS d")
    for _ in range(2):
        with pytest.raises(dbapi.DataError, match="fetch_arrow_table"):
            cursor.fetchall()
    assert cursor.fetch_arrow_table().num_rows == 2
    assert cursor.fetchall() == []


_LATE = (
    "SELECT CASE WHEN i = 250000 THEN 'infinity'::DATE ELSE DATE '2024-01-01' + i::INT % 9 END "
    "FROM range(300000) t(i) ORDER BY i"
)


def test_rows_before_one_that_python_cannot_hold_are_not_lost(cursor: dbapi.Cursor) -> None:
    cursor.execute(_LATE)
    assert len(cursor.fetchmany(10)) == 10
    for fetch in (cursor.fetchall, lambda: cursor.fetchmany(299_000), cursor.fetchall):
        with pytest.raises(dbapi.DataError, match="Python cannot hold"):
            fetch()
    assert cursor.fetchone() == (dt.date(2024, 1, 2),)
    assert len(cursor.fetchmany(100_000)) == 100_000
    assert cursor.fetch_arrow_table().num_rows == 300_000 - 100_011
