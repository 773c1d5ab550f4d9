"""Sessions: options that hold on whichever node, on real nodes."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.client import (
    AuthenticationFailed,
    Connection,
    Control,
    FlightkeeperError,
    StatementCancelled,
    StatementFailed,
    connect,
)
from flightkeeper.client.session import SessionLogin
from flightkeeper.flight_server.auth.passwords import hash_password
from tests.client.channels import IdleChannel
from tests.client.conftest import static_url
from tests.support.cluster import make_database
from tests.support.processes import Running, running
from tests.support.stub_process import eventually

WHERE = "SELECT current_schema(), current_setting('TimeZone')"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[list[tuple[Running, str]]]:
    """Two nodes that read the same file."""
    path = tmp_path / "shared.duckdb"
    make_database(path)
    flags = ("serve", "--insecure", "--database", str(path), "--read-only")
    with ExitStack() as stack:
        started = [
            stack.enter_context(running(*flags, "--listen", "grpc://127.0.0.1:0")) for _ in range(2)
        ]
        yield [(node, node.line()["location"]) for node in started]


def sessions(connection: Connection) -> set[str]:
    """The ids of the sessions that there are; one whose close a busy node has not heard, too."""
    find = "SELECT session_id FROM system.sessions WHERE principal = 'session'"
    return {session_id for (session_id,) in connection.query(find).fetchall()}


def test_options_hold_for_its_statements_only(real: Connection) -> None:
    with real.session(schema="work", TimeZone="Europe/Berlin") as session:
        assert session.query(WHERE).fetchall() == [("work", "Europe/Berlin")]
        session.execute("CREATE TABLE t (n INT)")
        assert session.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)]) == 2
        assert session.ingest("t", pa.table({"n": [3]})) == 1
        with session.transaction() as transaction:
            assert transaction.query(WHERE).fetchall() == [("work", "Europe/Berlin")]
            transaction.execute("DELETE FROM t WHERE n = 3")
        assert repr(session) == "<Session schema='work', TimeZone='Europe/Berlin'>"
    assert real.query("SELECT sum(n), current_schema() FROM work.t").fetchall() == [(3, "main")]


def test_options_that_travel_need_no_login(real: Connection) -> None:
    with real.session(dialect="mysql", statement_timeout="1s") as session:
        assert session.query("SELECT `range` FROM range(1)").fetchall() == [(0,)]
        with pytest.raises(FlightkeeperError, match="time limit of 1000 ms"):
            session.query("SELECT sum(`range`) FROM range(1000000000000)")
    with pytest.raises(StatementFailed):
        real.query("SELECT `range` FROM range(1)")


def test_what_no_node_takes_is_named(real: Connection) -> None:
    with real.session(schema="nowhere") as session, pytest.raises(StatementFailed) as caught:
        session.query("SELECT 1")
    told = "schema cannot be 'nowhere'; nothing was run"
    assert told in str(caught.value)
    with (
        real.session(dialect="klingon") as session,
        pytest.raises(StatementFailed, match="klingon"),
    ):
        session.query("SELECT 1")


def test_state_beyond_the_options_is_refused_as_ever(real: Connection) -> None:
    with real.session(schema="work") as session, pytest.raises(StatementFailed, match="stay on"):
        session.execute("SET TimeZone = 'UTC'")


def test_a_closed_session_runs_nothing_and_is_forgotten(real: Connection) -> None:
    before = sessions(real)
    session = real.session(schema="work")
    session.query("SELECT 1").read_all()
    assert len(sessions(real) - before) == 1
    session.close()
    session.close()
    assert sessions(real) <= before
    assert repr(session) == "<Session closed>"
    with pytest.raises(FlightkeeperError, match="the session is closed"):
        session.query("SELECT 1")


def test_it_outlives_its_node(nodes: list[tuple[Running, str]]) -> None:
    url = static_url(*(location for _, location in nodes))
    with connect(url) as connection, connection.session(TimeZone="Europe/Berlin") as session:
        seen = {}
        for _ in range(40):
            result = session.query(WHERE)
            seen[result.node] = result.fetchall()
        assert len(seen) == 2
        nodes[0][0].process.kill()
        nodes[0][0].process.wait(10)
        for _ in range(5):
            assert session.query(WHERE).fetchall() == [("main", "Europe/Berlin")]
    assert set(map(str, seen.values())) == {"[('main', 'Europe/Berlin')]"}


def test_a_session_that_a_node_has_lost_is_made_again(real: Connection) -> None:
    with real.session(TimeZone="Europe/Berlin") as session:
        before = sessions(real)
        assert session.query(WHERE).read_all().num_rows == 1
        (session_id,) = sessions(real) - before
        real.query(f"KILL SESSION '{session_id}'").read_all()
        eventually(lambda: session_id not in sessions(real))
        assert session.query(WHERE).fetchall() == [("main", "Europe/Berlin")]


def test_many_threads_share_a_session(real: Connection) -> None:
    answers: list[object] = []
    with real.session(schema="work") as session:

        def ask() -> None:
            answers.extend(session.query("SELECT current_schema()").fetchall() for _ in range(5))

        threads = [threading.Thread(target=ask, name=f"ask-{number}") for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert answers == [[("work",)]] * 40


def test_tokens_are_kept_by_node_and_renewed() -> None:
    login = SessionLogin("me", "secret", {})
    channel = IdleChannel()
    login._tokens = {channel.location: "Bearer 1"}
    assert login.header(channel) == "Bearer 1"
    note = login.noting(channel)
    note({"authorization": "Bearer 2"})
    note({})
    assert login.header(channel) == "Bearer 2"
    login.forget("Bearer 1")
    assert login.sessions() == {channel.location: "Bearer 2"}
    login.forget("Bearer 2")
    note({"authorization": "Bearer 3"})
    assert login.sessions() == {}
    assert (login.knows(channel), login.restores, login.named) == (False, True, True)


def test_a_login_of_ones_own_everywhere(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(f"ada:{hash_password('hunter2')}\n")
    flags = ("--users", str(users), "--listen", "grpc://127.0.0.1:0", "--database", ":memory:")
    with running("serve", *flags) as node:
        url = static_url(node.line()["location"])
        with connect(url, user="ada", password="hunter2") as connection:
            connection.execute("CREATE SCHEMA work")
            with connection.session(schema="work") as session:
                principals = "SELECT current_schema(), count(*) FROM system.sessions"
                names = session.query(f"{principals} WHERE principal <> 'ada'").fetchall()
                assert names == [("work", 0)]
                assert "hunter2" not in repr(session) + repr(session._login)
            # The connection's own login is none of the session's.
            assert connection.query("SELECT current_schema()").fetchall() == [("main",)]
            with connection.adbc() as driver, driver.cursor() as cursor:
                cursor.execute("SELECT 42")
                assert cursor.fetchall() == [(42,)]
            control = Control()
            timer = threading.Timer(0.3, control.cancel)
            timer.start()
            with pytest.raises(StatementCancelled):
                connection.query("SELECT count(*) FROM range(1000000000000)", control=control)
            timer.join(10)
        with (
            connect(url) as stranger,
            stranger.session(schema="work") as session,
            pytest.raises(AuthenticationFailed),
        ):
            session.query("SELECT 1")
