"""Sessions and transactions on a real database, with the time as an argument."""

from collections.abc import Iterator
from functools import partial

import pytest

from flightkeeper.discovery.locks import LastingHold
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import EngineFailed, NodeError, NotFound, Unavailable
from flightkeeper.flight_server.session_state import Transaction
from flightkeeper.flight_server.sessions import SessionLimits, Sessions
from flightkeeper.flightsql.headers import Reason

_LIMITS = SessionLimits(sessions_max=2, session_idle_timeout_s=100, transaction_idle_timeout_s=10)


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    database = Database(DatabaseOptions())
    made = Sessions(database, _LIMITS)
    yield made
    made.close()
    made.close()
    database.close()


def entered(sessions: Sessions, transaction: Transaction) -> Connection:
    """The connection of a transaction that one of its statements has begun."""
    connection = sessions.placed(transaction)
    with sessions.enter(transaction, connection):
        assert connection.in_transaction
    return connection


def test_a_session_is_made_once_and_found_again(sessions: Sessions) -> None:
    assert sessions.find("a", 0) is None
    made = sessions.ensure("a", 0)
    assert sessions.ensure("a", 1) is made is sessions.find("a", 2)
    assert made.used_s == 2


def test_there_are_only_so_many(sessions: Sessions) -> None:
    for key in "ab":
        sessions.ensure(key, 0)
        sessions.begin(key, "ada", 0)
    with pytest.raises(Unavailable, match="holds 2 sessions, which is its limit") as full:
        sessions.ensure("c", 0)
    assert full.value.reason is Reason.OVERLOADED
    with pytest.raises(Unavailable, match="holds 2 transactions"):
        sessions.begin("c", "ada", 0)
    assert sessions.ensure("a", 0)


def test_a_transaction_is_its_principals(sessions: Sessions) -> None:
    name = sessions.begin("a", "ada", 0)
    assert sessions.transaction(name, "ada", 1).used_s == 1
    for wrong in ((name, "eve"), ("nonsense", "ada")):
        with pytest.raises(NotFound) as lost:
            sessions.transaction(*wrong, 1)
        assert lost.value.reason is Reason.SESSION_LOST


@pytest.mark.parametrize("with_session", [False, True])
def test_a_transaction_that_ends_before_its_statement_is_not_begun(
    sessions: Sessions, *, with_session: bool
) -> None:
    session = sessions.ensure("a", 0)
    shared = sessions.connection(session) if with_session else None
    name = sessions.begin("a", "ada", 0)
    transaction = sessions.transaction(name, "ada", 0)
    sessions.end(name, "ada", 0, Connection.rollback)
    with pytest.raises(NotFound, match="no such open transaction"):
        entered(sessions, transaction)
    assert transaction.connection is not None
    assert not transaction.connection.in_transaction
    if shared is None:
        with pytest.raises(NodeError, match="closed"):
            transaction.connection.rows("SELECT 1")
    else:
        assert session.holder is None
        assert shared.rows("SELECT 1") == [(1,)]


def test_an_ended_session_gets_no_connection(sessions: Sessions) -> None:
    session = sessions.ensure("a", 0)
    assert sessions.close_session("a")
    with pytest.raises(NotFound, match="closed or timed out meanwhile") as lost:
        sessions.connection(session)
    assert lost.value.reason is Reason.SESSION_LOST
    assert session.connection is None


def test_an_ended_transaction_is_closed(sessions: Sessions) -> None:
    name = sessions.begin("a", "ada", 0)
    connection = entered(sessions, sessions.transaction(name, "ada", 0))
    sessions.end(name, "ada", 0, Connection.commit)
    with pytest.raises(NotFound):
        sessions.end(name, "ada", 0, Connection.rollback)
    with pytest.raises(EngineFailed):
        connection.command("SELECT 1")


def test_the_second_of_two_ends_is_told(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = sessions.begin("a", "ada", 0)
    seen = sessions.transaction(name, "ada", 0)
    sessions.end(name, "ada", 0, Connection.rollback)
    # It looked the transaction up before the first one ended it.
    monkeypatch.setattr(sessions, "transaction", lambda *_: seen)
    with pytest.raises(NotFound, match="no such open transaction"):
        sessions.end(name, "ada", 0, Connection.commit)


def test_idle_ones_end(sessions: Sessions) -> None:
    sessions.ensure("a", 0)
    sessions.connection(sessions.ensure("b", 0)).begin()
    sessions.begin("a", "ada", 0)
    assert sessions.expire(10) == 0
    assert sessions.expire(11) == 2
    assert sessions.find("a", 50) is not None
    assert sessions.expire(150) == 0
    assert sessions.expire(151) == 1


def test_transactions_in_use(sessions: Sessions) -> None:
    name = sessions.begin("a", "ada", 0)
    assert sessions.transactions_in_use(0, within_s=5) == 0, "DuckDB has not heard of it"
    entered(sessions, sessions.transaction(name, "ada", 1))
    sessions.connection(sessions.ensure("b", 4)).begin()
    assert sessions.transactions_in_use(6, within_s=5) == 2
    assert sessions.transactions_in_use(7, within_s=5) == 1
    assert sessions.transactions_in_use(10, within_s=5) == 0


def test_what_works_is_not_idle(sessions: Sessions) -> None:
    connection = sessions.connection(sessions.ensure("a", 0))
    result = connection.run(parse("FROM range(3000000)")[0])
    assert sessions.expire(1000) == 0
    assert sum(batch.num_rows for batch in result) == 3_000_000
    assert sessions.expire(1000) == 1


def test_closing_a_session_ends_its_transactions_only(sessions: Sessions) -> None:
    sessions.ensure("a", 0)
    own, other = sessions.begin("a", "ada", 0), sessions.begin("b", "ada", 0)
    assert sessions.close_session("a")
    assert not sessions.close_session("a")
    assert sessions.close_session("b")
    for name in (own, other):
        with pytest.raises(NotFound):
            sessions.transaction(name, "ada", 0)


def value(connection: Connection, text: str) -> object:
    return connection.table(text).column(0)[0].as_py()


def test_a_transaction_runs_on_its_sessions_connection_while_that_is_free(
    sessions: Sessions,
) -> None:
    home = sessions.connection(sessions.ensure("a", 0))
    home.command("CREATE TEMP TABLE mine AS SELECT 7 AS x")
    first, second = (sessions.begin("a", "ada", 0) for _ in range(2))
    assert entered(sessions, sessions.transaction(first, "ada", 0)) is home
    assert entered(sessions, sessions.transaction(first, "ada", 0)) is home, "it stays there"
    assert entered(sessions, sessions.transaction(second, "ada", 0)) is not home
    sessions.end(first, "ada", 0, Connection.commit)
    assert value(home, "FROM mine") == 7, "the session goes on"
    third = sessions.begin("a", "ada", 0)
    assert entered(sessions, sessions.transaction(third, "ada", 0)) is home


def test_what_a_transaction_leaves_behind_is_its_sessions(sessions: Sessions) -> None:
    name = sessions.begin("a", "ada", 0)
    own = entered(sessions, sessions.transaction(name, "ada", 0))
    own.command("CREATE TEMP TABLE mine AS SELECT 7 AS x")
    session = sessions.leave_behind(sessions.transaction(name, "ada", 0), 0)
    assert (session.connection, session.holder) == (own, name)
    sessions.end(name, "ada", 0, Connection.commit)
    assert session.holder is None
    assert value(own, "FROM mine") == 7


def test_an_abandoned_transaction_is_rolled_back_and_its_session_goes_on(
    sessions: Sessions,
) -> None:
    home = sessions.connection(sessions.ensure("a", 0))
    home.command("CREATE TABLE t AS SELECT 1 AS x")
    name = sessions.begin("a", "ada", 0)
    entered(sessions, sessions.transaction(name, "ada", 0)).command("DELETE FROM t")
    assert sessions.expire(11) == 1
    session = sessions.find("a", 11)
    assert session is not None
    assert (session.connection, session.holder) == (home, None)
    assert value(home, "SELECT count(*) FROM t") == 1


def test_beside_a_transaction_names_are_looked_up_in_the_same_place(sessions: Sessions) -> None:
    session = sessions.ensure("a", 0)
    home = sessions.connection(session)
    home.command("CREATE SCHEMA s")
    home.command("USE s")
    sessions.remember(session)
    entered(sessions, sessions.transaction(sessions.begin("a", "ada", 0), "ada", 0))
    beside = sessions.beside(session)
    assert beside is not home
    assert value(beside, "SELECT current_schema()") == "s"
    beside.close()


def test_only_a_single_transaction_is_the_open_one(sessions: Sessions) -> None:
    assert sessions.open_transaction("a") is None
    first = sessions.transaction(sessions.begin("a", "ada", 0), "ada", 0)
    assert sessions.open_transaction("a") is first
    assert sessions.open_transaction("b") is None
    sessions.begin("a", "ada", 0)
    assert sessions.open_transaction("a") is None


def test_options_need_no_connection(sessions: Sessions) -> None:
    session = sessions.ensure("a", 0)
    session.options = {"dialect": "trino"}
    assert session.connection is None
    assert sessions.expire(101) == 1


def test_a_statement_that_waited_for_its_turn_until_the_transaction_ended_is_not_run(
    sessions: Sessions,
) -> None:
    name = sessions.begin("a", "ada", 0)
    transaction = sessions.transaction(name, "ada", 0)
    connection = entered(sessions, transaction)
    turn = sessions.enter(transaction, connection)
    sessions.end(name, "ada", 0, Connection.commit)
    with pytest.raises(NotFound, match="no such open transaction"), turn:
        pytest.fail("it would be a transaction of nobody's")
    assert not connection.in_transaction


def test_a_session_shares_its_own_connections_only(sessions: Sessions) -> None:
    own = entered(sessions, sessions.transaction(sessions.begin("a", "ada", 0), "ada", 0))
    entered(sessions, sessions.transaction(sessions.begin("b", "ada", 0), "ada", 0))
    session = sessions.ensure("a", 0)
    assert sessions.shared("a", session) == [session.connection, own]


def test_locks_go_with_their_session(sessions: Sessions) -> None:
    let_go: list[str] = []
    session = sessions.ensure("a", 0)
    for name in "xyz":
        assert sessions.keep(session, LastingHold(name, 1, partial(let_go.append, name)))
    assert not sessions.keep(session, LastingHold("x", 2, partial(let_go.append, "again")))
    # As with a transaction, others wait for its end.
    assert sessions.expire(10) == 0
    assert sessions.expire(10.1) == 1
    assert sorted(let_go) == ["x", "y", "z"]
    assert not sessions.keep(session, LastingHold("x", 3, partial(let_go.append, "late")))
    closed = sessions.ensure("b", 0)
    assert sessions.keep(closed, LastingHold("x", 4, partial(let_go.append, "closed")))
    assert sessions.close_session("b")
    last = sessions.ensure("c", 0)
    assert sessions.keep(last, LastingHold("x", 5, partial(let_go.append, "last")))
    sessions.close()
    assert let_go[3:] == ["closed", "last"]


def test_a_transaction_that_is_used_all_the_time_ends_at_its_limit(sessions: Sessions) -> None:
    sessions.limit(SessionLimits(2, 100, 10, transaction_max_s=20))
    name = sessions.begin("a", "ada", 0)
    connection = entered(sessions, sessions.transaction(name, "ada", 0))
    session = sessions.ensure("b", 0)
    sessions.connection(session).begin()
    for now_s in range(0, 25, 5):
        assert sessions.expire(now_s) == 0
        sessions.transaction(name, "ada", now_s)
        sessions.find("b", now_s)
    assert sessions.expire(20.5) == 2
    assert not connection.in_transaction
    with pytest.raises(NotFound, match="idle for 10 s, or open for 20 s"):
        sessions.transaction(name, "ada", 21)
    assert sessions.find("b", 21) is None
