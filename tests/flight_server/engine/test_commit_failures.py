"""What is said of a COMMIT that failed, and that it is true: on a server whose answer is lost."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine.commit_failures import explained
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed, Unavailable
from flightkeeper.flight_server.lake import commits
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.location import parse as place
from flightkeeper.flight_server.lake.transactions import LakeTransactions
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.writes import LakeWrites
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.lake.calls import FakeCall
from tests.support.postgres_relay import PostgresRelay, losing_commits
from tests.support.postgres_server import postgres_server

_LAKE = "TransactionContext Error: Failed to commit: Failed to commit DuckLake transaction.\n"
_DELETING = "TransactionContext Error: Failed to commit: "
_LOST = "server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("told", "reason", "says"),
    [
        (f'{_LAKE}Failed to execute query "COMMIT": {_LOST}', Reason.UNTOLD, "look before"),
        (f'{_LAKE}Failed to execute query "COMMIT": ERROR: no', None, "nothing of it was written"),
        (f'{_LAKE}Failed to execute query "INSERT": {_LOST}', None, "nothing of it was written"),
        (f"{_DELETING}Could not remove file (a file): not permitted", Reason.UNTOLD, "look before"),
        (f"{_DELETING}Failed to remove files: HTTP 403", Reason.UNTOLD, "look before"),
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


@pytest.fixture
def where(relay: PostgresRelay, tmp_path: Path) -> Location:
    return place(f"ducklake:postgres://postgres@/postgres?host={relay.home}", str(tmp_path))


@pytest.fixture
def database(where: Location) -> Iterator[Database]:
    with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as opened:
        yield opened


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    connection = database.connect()
    connection.change(_only("CREATE TABLE t AS SELECT 1 AS i"))
    yield connection
    connection.close()


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_an_answer_that_is_lost_is_no_refusal(relay: PostgresRelay, connection: Connection) -> None:
    connection.begin()
    connection.change(_only("INSERT INTO t VALUES (2)"))
    relay.losing = 1
    with pytest.raises(EngineFailed, match="as a whole or not at all") as lost:
        connection.commit()
    assert (lost.value.reason, relay.losing) == (Reason.UNTOLD, 0)
    assert _values(connection) == [1, 2]


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t FROM range(1000)",
        "DELETE FROM t WHERE i < 500",
        "UPDATE t SET i = -1 WHERE i < 500",
    ],
)
def test_the_files_of_a_commit_that_was_not_answered_are_kept(
    relay: PostgresRelay, where: Location, database: Database, connection: Connection, text: str
) -> None:
    connection.change(_only("INSERT INTO t FROM range(1000)"))
    owner = LakeWrites(Line(gate(where, database)), lambda: "n1")
    relay.losing = 1
    assert _change(owner, connection, text) >= 500
    assert relay.losing == 0
    assert len(_values(connection)) >= 500


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_so_are_those_of_a_transaction(relay: PostgresRelay, connection: Connection) -> None:
    connection.begin()
    for text in ("INSERT INTO t FROM range(1000)", "CREATE TABLE u AS FROM t"):
        connection.change(_only(text))
    relay.losing = 1
    with pytest.raises(EngineFailed, match="as a whole or not at all"):
        connection.commit()
    assert connection.rows("SELECT (SELECT count(*) FROM t), count(*) FROM u") == [(1001, 1001)]


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_a_change_in_no_transaction_is_looked_up_and_not_made_again(
    relay: PostgresRelay, where: Location, database: Database, connection: Connection
) -> None:
    owner = LakeWrites(Line(gate(where, database)), lambda: "n1")
    relay.losing = 1
    assert _change(owner, connection, "INSERT INTO t VALUES (3)") == 1
    assert relay.losing == 0
    assert _values(connection) == [1, 3]


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_a_commit_that_was_not_answered_is_looked_up(
    relay: PostgresRelay, where: Location, database: Database, connection: Connection
) -> None:
    transaction = Committing(connection, LakeWrites(Line(gate(where, database)), lambda: "n1"))
    transaction.begin("INSERT INTO t VALUES (2)")
    relay.losing = 1
    transaction.commit("s1")
    assert (relay.losing, connection.in_transaction, _values(connection)) == (0, False, [1, 2])
    transaction.begin("INSERT INTO t VALUES (3)")
    relay.cutting = 1
    with pytest.raises(EngineFailed, match="rolled back, nothing of it was written") as undone:
        transaction.commit("s2")
    assert (undone.value.reason, undone.value.in_doubt) == (Reason.UNDONE, False)
    assert (relay.cutting, connection.in_transaction, _values(connection)) == (0, False, [1, 2])
    transaction.begin("INSERT INTO t VALUES (4)")
    transaction.commit("s3")
    assert _values(connection) == [1, 2, 4]


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_a_commit_that_nobody_can_look_up_is_in_doubt(
    relay: PostgresRelay,
    where: Location,
    database: Database,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commits, "_LOOK_AGAIN_S", 0.0)
    transaction = Committing(connection, LakeWrites(Line(gate(where, database)), lambda: "n1"))
    transaction.begin("INSERT INTO t VALUES (2)")
    relay.losing, relay.away = 1, True
    with pytest.raises(Unavailable, match="not known whether") as unsure:
        transaction.commit("s1")
    assert unsure.value.in_doubt
    relay.away = False
    # What another one is told that is asked under the same id.
    transaction.commit("s1", sent_before=True)
    assert _values(connection) == [1, 2]


@dataclass
class Committing:
    """A caller's transaction."""

    connection: Connection
    writes: LakeWrites

    def begin(self, sql: str) -> None:
        self.connection.begin()
        _change(self.writes, self.connection, sql)

    def commit(self, statement_id: str, *, sent_before: bool = False) -> None:
        call: Any = FakeCall(statement_id, sent_before=sent_before)
        change = Change(_only("COMMIT"), Connection.commit)
        LakeTransactions(lambda: "n1").change(call, self.connection, change)


def _values(connection: Connection) -> list[int]:
    ((values,),) = connection.rows("SELECT list(i ORDER BY i) FROM t")
    return list(values)


def _only(sql: str) -> Any:
    (statement,) = parse(sql)
    return statement


def _change(owner: LakeWrites, connection: Connection, sql: str) -> int:
    statement, call = _only(sql), FakeCall()
    told: Any = call
    return owner.change(told, connection, Change(statement, lambda on: on.change(statement)))
