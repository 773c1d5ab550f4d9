"""What is said of a COMMIT that failed, and that it is true: on a server whose answer is lost."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine.commit_failures import explained
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import parse as place
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.writes import LakeWrites
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.lake.calls import FakeCall
from tests.support.postgres_relay import PostgresRelay, losing_commits
from tests.support.postgres_server import postgres_server

_LAKE = "TransactionContext Error: Failed to commit: Failed to commit DuckLake transaction.\n"
_LOST = "server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("told", "reason", "says"),
    [
        (f'{_LAKE}Failed to execute query "COMMIT": {_LOST}', Reason.UNTOLD, "look before"),
        (f'{_LAKE}Failed to execute query "COMMIT": ERROR: no', None, "nothing of it was written"),
        (f'{_LAKE}Failed to execute query "INSERT": {_LOST}', None, "nothing of it was written"),
        (f"{_LAKE}database is locked", Reason.CONFLICT, "begin it again"),
        (f"{_LAKE}Transaction conflict - attempting to", Reason.CONFLICT, "begin it again"),
        ("TransactionContext Error: duplicate key", None, "nothing of it was written"),
    ],
)
def test_a_failure_is_told_by_its_words(told: str, reason: Reason | None, says: str) -> None:
    error = explained(EngineFailed(told))
    assert error.reason is reason
    assert error.in_doubt is (reason is Reason.UNTOLD)
    assert told in str(error)
    assert says in str(error)


@pytest.fixture
def relay() -> Iterator[PostgresRelay]:
    with postgres_server() as server, losing_commits(server.home) as started:
        yield started


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_an_answer_that_is_lost_is_no_refusal(relay: PostgresRelay, tmp_path: Path) -> None:
    where = place(f"ducklake:postgres://postgres@/postgres?host={relay.home}", str(tmp_path))
    with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database:
        connection = database.connect()
        connection.change(_only("CREATE TABLE t AS SELECT 1 AS i"))
        connection.begin()
        connection.change(_only("INSERT INTO t VALUES (2)"))
        relay.losing = 1
        with pytest.raises(EngineFailed, match="as a whole or not at all") as lost:
            connection.commit()
        assert (lost.value.reason, relay.losing) == (Reason.UNTOLD, 0)
        assert connection.rows("SELECT list(i ORDER BY i) FROM t") == [([1, 2],)]
        # A change that is in no transaction is looked up instead, and not made again.
        owner = LakeWrites(Line(gate(where, database)), lambda: "n1")
        relay.losing = 1
        assert _change(owner, connection, "INSERT INTO t VALUES (3)") == 1
        assert relay.losing == 0
        assert connection.rows("SELECT list(i ORDER BY i) FROM t") == [([1, 2, 3],)]
        connection.close()


def _only(sql: str) -> Any:
    (statement,) = parse(sql)
    return statement


def _change(owner: LakeWrites, connection: Connection, sql: str) -> int:
    statement, call = _only(sql), FakeCall()
    told: Any = call
    return owner.change(told, connection, Change(statement, lambda on: on.change(statement)))
