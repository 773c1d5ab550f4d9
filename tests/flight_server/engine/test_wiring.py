"""What connections to a database have in common is the same for those that are forked."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from flightkeeper.flight_server.engine.changes import Changes
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.engine.work import Work


def test_forks_are_wired_alike() -> None:
    asked: list[tuple[str, Any]] = []

    def exact(connection: Connection, statement: Statement, parameters: Any) -> Statement:
        assert connection.batch_bytes == 1000
        asked.append((statement.sql, parameters))
        (other,) = parse(statement.sql.replace("41", "42"))
        return replace(statement, sql=other.sql, parsed=other.parsed)

    changes = Changes()
    with duckdb.connect() as root:
        wired = Connection(root.cursor(), Wiring(1000, changes, exact=exact))
        with closing(wired), closing(wired.fork()) as fork:
            before = changes.version
            fork.change(parse("CREATE TABLE t AS SELECT 41 AS i")[0])
            assert changes.version != before
            (batch,) = fork.run(parse("SELECT i FROM t WHERE i > $1")[0], {"1": 1})
            assert batch.to_pydict() == {"i": [42]}
            # What is asked by ourselves is run as it is.
            assert fork.rows("SELECT 41") == [(41,)]
    assert asked == [
        ("CREATE TABLE t AS SELECT 41 AS i", ()),
        ("SELECT i FROM t WHERE i > $1", {"1": 1}),
    ]


class Watched:
    """Takes down what runs."""

    def __init__(self) -> None:
        self.running: list[Work] = []
        self.count = 0

    def begin(self, work: Work) -> None:
        self.running.append(work)
        self.count += 1

    def end(self, work: Work) -> None:
        if work in self.running:
            self.running.remove(work)


def read_in_part(connection: Connection) -> None:
    result = connection.run(parse("FROM range(10_000_000)")[0])
    next(iter(result))
    result.close()


def read_one_state(connection: Connection) -> None:
    with connection.reading():
        connection.rows("SELECT 1")


def roll_back(connection: Connection) -> None:
    connection.begin()
    connection.rollback()


def commit(connection: Connection) -> None:
    connection.begin()
    connection.commit()


def change(connection: Connection) -> None:
    connection.change(parse("CREATE TABLE t (i INTEGER)")[0])


def describe(connection: Connection) -> None:
    connection.table("SELECT 1")
    connection.describe(parse("SELECT 1")[0])


@pytest.mark.parametrize(
    ("use", "count"),
    [
        (roll_back, 2),
        # That it was not aborted is asked before.
        (commit, 3),
        (read_one_state, 3),
        (change, 1),
        (describe, 2),
        (read_in_part, 2),
    ],
)
def test_all_that_runs_is_told_of(use: Callable[[Connection], object], count: int) -> None:
    """The engine's threads leave only while nothing does, or they would never have left."""
    watched: Any = Watched()
    with duckdb.connect() as root, closing(Connection(root, Wiring(1000, workers=watched))) as one:
        use(one)
        assert (watched.count, watched.running) == (count, [])
