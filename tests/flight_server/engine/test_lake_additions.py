"""Rows of several statements in one file, on a real lake."""

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.lake_additions import collected
from flightkeeper.flight_server.errors import NodeError
from tests.flight_server.lake.conftest import here, location

__all__ = ["here", "location"]

pytestmark = pytest.mark.lake

_TABLE = """
    CREATE TABLE t (
        i BIGINT NOT NULL,
        n INTEGER DEFAULT 7,
        s VARCHAR DEFAULT 'it''s',
        t TIMESTAMP DEFAULT now(),
        "x y" STRUCT(a INTEGER, "b c" DECIMAL(10, 2))[],
        m MAP(VARCHAR, BLOB)
    )"""


@pytest.fixture
def connection(here: Database) -> Connection:
    opened = here.connect()
    opened.command(_TABLE)
    opened.command("ALTER TABLE t ADD COLUMN late DOUBLE DEFAULT 1.5")
    return opened


def _files(connection: Connection) -> int:
    return len(connection.rows("FROM ducklake_list_files('lake', 't')"))


def test_several_statements_write_one_file(connection: Connection) -> None:
    connection.begin()
    with collected(connection, "t"):
        for number in range(5):
            connection.command(f"INSERT INTO t (i) VALUES ({number})")
        connection.command(
            "INSERT INTO t VALUES (5, 1, 'a', '2026-01-01', [{'a': 1, 'b c': 2.5}], "
            "MAP {'k': 'v'}, 2)"
        )
    connection.commit()
    rows = connection.rows('SELECT i, n, s, t IS NULL, len("x y"), late FROM t ORDER BY i')
    assert rows[:5] == [(number, 7, "it's", False, None, 1.5) for number in range(5)]
    assert rows[5:] == [(5, 1, "a", False, 1, 2.0)]
    assert _files(connection) == 1


def test_what_does_not_fit_fails_where_it_stands(connection: Connection) -> None:
    connection.begin()
    with pytest.raises(NodeError, match="NOT NULL"), collected(connection, "t"):
        connection.command("INSERT INTO t (n) VALUES (1)")
    connection.rollback()


def test_nothing_is_left_of_it(connection: Connection) -> None:
    for committed in (True, False):
        connection.begin()
        with collected(connection, '"t"'):
            connection.command("INSERT INTO t (i) VALUES (1)")
        (connection.commit if committed else connection.rollback)()
    assert connection.rows("SELECT i FROM t") == [(1,)]
    assert connection.rows("SELECT i FROM lake.main.t") == [(1,)]


@pytest.mark.parametrize("name", ["v", "nobody"])
def test_what_takes_no_rows_is_an_error(connection: Connection, name: str) -> None:
    connection.command("CREATE VIEW v AS SELECT 1 AS i")
    connection.begin()
    with pytest.raises(NodeError, match=name), collected(connection, name):
        connection.command(f"INSERT INTO {name} VALUES (1)")
    connection.rollback()
