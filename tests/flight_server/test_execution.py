"""Running statements: stopped when the caller goes, everything given back, limits kept."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.scripts import bind
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient, eventually, serving

_LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE (a.range * b.range) % 7 = 3"
_STREAM = "FROM range(2000000000)"
_SOON_S = 0.25
_SLACK_S = 1.0  # two cores, shared with other work


@pytest.fixture(autouse=True)
def everything_is_given_back(served: Served) -> Iterator[None]:
    """No slot and no connection is held when a test is over."""
    yield
    eventually(lambda: served.running == 0)
    eventually(lambda: not served.node._watcher._calls)
    # A reader that hears of the end says so just after its connection was given back.
    eventually(lambda: not any(lent.working for lent in list(served.node._database._idle)))


def planning(client: WireClient, text: str, transaction: bytes | None = None) -> threading.Thread:
    """A thread that plans a statement and expects it to be stopped."""

    def plan() -> None:
        with pytest.raises((flight.FlightError, pa.ArrowException)):
            client.plan(text, transaction)

    thread = threading.Thread(target=plan)
    thread.start()
    return thread


def test_a_deadline_stops_the_engine(served: Served, client: WireClient) -> None:
    command = sql.CommandStatementQuery(query=_LONG)
    with pytest.raises(flight.FlightTimedOutError):
        client.info(command, timeout_s=0.5)
    assert eventually(lambda: served.running == 0) < _SOON_S + _SLACK_S


def test_a_disconnect_stops_a_plan(served: Served) -> None:
    client = served.client(user="leaving")
    command = sql.CommandStatementQuery(query=_LONG)
    reading = client.flight.get_flight_info
    descriptor = flight.FlightDescriptor.for_command(pack(command))
    short = client.options(timeout_s=0.4)
    with pytest.raises(flight.FlightError):
        reading(descriptor, short)
    client.flight.close()
    assert eventually(lambda: served.running == 0) < _SOON_S + _SLACK_S


def test_a_cancelled_stream_stops_the_engine(served: Served, client: WireClient) -> None:
    stream = client.get(client.plan(_STREAM).endpoints[0].ticket)
    stream.read_chunk()
    stream.cancel()
    assert eventually(lambda: served.running == 0) < _SOON_S + _SLACK_S


def test_a_dropped_connection_stops_a_stream(served: Served) -> None:
    client = served.client(user="leaving")
    stream = client.get(client.plan(_STREAM).endpoints[0].ticket)
    stream.read_chunk()
    stream.cancel()
    client.flight.close()
    assert eventually(lambda: served.running == 0) < _SOON_S + _SLACK_S


@pytest.mark.parametrize("rows", [1, 200_000])
def test_an_update_is_stopped_whole(served: Served, client: WireClient, rows: int) -> None:
    client.update("CREATE OR REPLACE TABLE u (a BIGINT)")
    text = f"INSERT INTO u {_LONG}" if rows == 1 else "INSERT INTO u VALUES (?)"
    handle = client.prepare(text).prepared_statement_handle
    command = sql.CommandPreparedStatementUpdate(prepared_statement_handle=handle)
    table = pa.table({}) if rows == 1 else pa.table({"0": range(rows)})
    with pytest.raises((flight.FlightError, pa.ArrowException, OSError)):
        client.put(command, table, timeout_s=1)
    eventually(lambda: served.running == 0)
    assert client.value("SELECT count(*) FROM u") == 0


def test_connections_are_used_again_after_a_cancel(served: Served, client: WireClient) -> None:
    for _ in range(3):
        stream = client.get(client.plan(_STREAM).endpoints[0].ticket)
        stream.read_chunk()
        stream.cancel()
        eventually(lambda: served.running == 0)
    assert len(served.node._database._idle) <= 4
    assert client.value("SELECT 1") == 1


def test_stopping_one_call_leaves_another_of_its_session_alone(
    served: Served, client: WireClient
) -> None:
    client.update("SET VARIABLE a = 1; CREATE OR REPLACE TABLE kept (a BIGINT)")
    pairs = "range(20000) a, range(20000) b WHERE (a.range * b.range) % 7 = 3"
    work = f"INSERT INTO kept SELECT count(*) FROM {pairs}"
    done: list[int] = []

    def change() -> None:
        with served.stranger(client.authorization) as other:
            done.append(other.update(work))

    changing = threading.Thread(target=change)
    changing.start()
    eventually(lambda: served.running == 1)
    # This one waits for its turn on the session's connection, and gives up.
    with pytest.raises(flight.FlightTimedOutError):
        client.info(sql.CommandStatementQuery(query="SELECT 1"), timeout_s=0.2)
    changing.join(60)
    assert done == [1]


def test_a_call_that_gave_up_while_waiting_does_not_run_to_its_end(
    served: Served, client: WireClient
) -> None:
    client.update("SET VARIABLE a = 1")
    first = planning(client, _LONG)
    eventually(lambda: served.running == 1)
    with served.stranger(client.authorization) as second:
        with pytest.raises(flight.FlightTimedOutError):
            second.info(sql.CommandStatementQuery(query=_LONG), timeout_s=0.2)
        for session in list(served.node._sessions._sessions.values()):
            if session.connection is not None:
                session.connection.interrupt()
        first.join(10)
        eventually(lambda: served.running == 0)


_LIMITED = "x-flightkeeper-statement-timeout"


@pytest.mark.parametrize("text", [_LONG, f"CREATE TABLE never AS {_LONG}"])
def test_a_statement_ends_at_its_time_limit(served: Served, client: WireClient, text: str) -> None:
    client.extra_headers[_LIMITED] = "300ms"
    for ask in (client.plan, client.update):
        with pytest.raises(flight.FlightTimedOutError, match="at its time limit of 300 ms"):
            ask(text)
        assert eventually(lambda: served.running == 0) < _SOON_S + _SLACK_S
    client.extra_headers.clear()
    with pytest.raises(pa.ArrowInvalid, match="never does not exist"):
        client.query("FROM never")


def test_a_stream_ends_at_the_time_limit_of_its_statement(
    served: Served, client: WireClient
) -> None:
    client.extra_headers[_LIMITED] = "500ms"
    info = client.plan(_STREAM)
    client.extra_headers.clear()
    with pytest.raises(flight.FlightTimedOutError, match="at its time limit of 500 ms"):
        client.fetch(info)
    eventually(lambda: served.running == 0)


def test_a_client_that_stopped_reading_holds_nothing_after_the_time_limit(
    served: Served, client: WireClient
) -> None:
    client.extra_headers[_LIMITED] = "500ms"
    stream = client.get(client.plan(_STREAM).endpoints[0].ticket)
    stream.read_chunk()
    eventually(lambda: served.running == 0)
    with pytest.raises(flight.FlightTimedOutError):
        stream.read_all()


_HELD = "SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT FROM duckdb_memory()"


def test_what_a_stopped_statement_held_comes_back(served: Served, client: WireClient) -> None:
    grouped = "SELECT range % 20000000 AS k, count(*) FROM range(200000000) GROUP BY k"
    planned = planning(client, f"FROM ({grouped}) ORDER BY ALL")
    with served.client(user="watcher") as other:
        before = other.value(_HELD)
        eventually(lambda: other.value(_HELD) > before + 100_000_000)
        served.node._watcher.stop_all()
        planned.join(10)
        served.node._watcher._stopping.clear()
        eventually(lambda: other.value(_HELD) < before + 50_000_000)


def test_a_small_answer_outlives_its_time_limit(client: WireClient) -> None:
    client.extra_headers[_LIMITED] = "1h"
    info = client.plan("SELECT 1 AS a")
    client.extra_headers[_LIMITED] = "1ms"
    assert client.fetch(info).to_pydict() == {"a": [1]}


def test_the_node_has_a_limit_of_its_own() -> None:
    with serving(statement_timeout_s=0.3) as node, node.client() as client:
        with pytest.raises(flight.FlightTimedOutError, match="time limit of 300 ms"):
            client.plan(_LONG)
        client.update("SET statement_timeout = 0")
        assert client.value("SELECT count(*) FROM range(1000)") == 1000


def test_a_full_node_says_so_at_once() -> None:
    with serving(statements_max=1) as node, node.client() as client:
        client.update("CREATE TABLE t (a INT)")
        transaction, unused = client.begin(), client.begin()
        client.query("SELECT 1", transaction)
        client.update("BEGIN")
        client.update("INSERT INTO t VALUES (1)")
        with node.client(user="other") as other:
            stream = other.get(other.plan(_STREAM).endpoints[0].ticket)
            stream.read_chunk()
            with node.client(user="third") as third:
                for ask in (lambda: third.query("SELECT 1"), lambda: third.update("SELECT 1")):
                    with pytest.raises(flight.FlightUnavailableError, match="nothing was run"):
                        ask()
                    assert third.received["x-flightkeeper-reason"] == "overloaded"
                    assert third.received["x-flightkeeper-retry-after-ms"] == "200"
            for begun in (client.begin, lambda: client.query("SELECT 1", unused)):
                with pytest.raises(flight.FlightUnavailableError, match="nothing was run"):
                    begun()
            # What was begun goes on.
            assert client.value("SELECT 1", transaction) == 1
            client.end(transaction)
            assert client.update("INSERT INTO t VALUES (2)") == 1
            client.update("COMMIT")
            stream.cancel()
        eventually(lambda: node.running == 0)
        assert client.value("SELECT count(*) FROM t") == 2


def test_too_many_sessions_are_refused() -> None:
    with serving(sessions_max=1) as node, node.client(user="one") as one:
        one.update("SET VARIABLE a = 1")
        transaction = one.begin()
        with node.client(user="two") as two:
            for ask in (lambda: two.update("SET VARIABLE a = 2"), two.begin):
                with pytest.raises(flight.FlightUnavailableError, match="which is its limit"):
                    ask()
                assert two.received["x-flightkeeper-reason"] == "overloaded"
            assert two.value("SELECT 1") == 1
        one.end(transaction)
    assert node.running == 0


def test_temporary_tables_are_seen_by_their_session_only(
    served: Served, client: WireClient
) -> None:
    client.update("CREATE/* */TEMP/* */TABLE hidden AS SELECT 1 AS a")
    assert client.value("SELECT count(*) FROM hidden") == 1
    for _ in range(3):
        with served.client(user="eve") as eve, pytest.raises(pa.ArrowInvalid, match="hidden"):
            eve.query("FROM hidden")


def test_callers_without_a_login_have_their_connection_as_session(served: Served) -> None:
    with served.stranger() as one, served.stranger() as two:
        one.update("SET VARIABLE who = 'one'")
        assert one.value("SELECT getvariable('who')") == "one"
        assert two.value("SELECT getvariable('who')") is None


@pytest.mark.parametrize(
    ("text", "row", "bound"),
    [
        ("SELECT 1", {}, {}),
        ("SELECT ?, ?", {"x": 1, "a": 2}, {"1": 1, "2": 2}),
        ("SELECT $2, $1", {"0": "a", "1": "b"}, {"1": "a", "2": "b"}),
        ("SELECT $12, $2", {"0": "a", "1": "b"}, {"2": "a", "12": "b"}),
        ("SELECT $b, $a", {"a": 1, "b": 2}, {"a": 1, "b": 2}),
    ],
)
def test_binding(text: str, row: dict[str, object], bound: object) -> None:
    assert bind(parse(text)[0], row) == bound


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("SELECT 1", {"a": 1}),
        ("SELECT ?", {}),
        ("SELECT $a", {"b": 1}),
        ("SELECT $a, $b", {"a": 1}),
    ],
)
def test_binding_what_does_not_fit(text: str, row: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        bind(parse(text)[0], row)
