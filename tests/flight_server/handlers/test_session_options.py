"""Session options, and sessions that are lost rather than silently begun anew."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving

_Result = core.SetSessionOptionsResult


def value(text: str) -> core.SessionOptionValue:
    return core.SessionOptionValue(string_value=text)


def set_options(
    client: WireClient, **options: core.SessionOptionValue
) -> dict[str, "_Result.ErrorValue.ValueType"]:
    request = core.SetSessionOptionsRequest(session_options=options)
    (answer,) = client.action("SetSessionOptions", request)
    return {name: error.value for name, error in _Result.FromString(answer).errors.items()}


def get_options(client: WireClient) -> dict[str, str]:
    (answer,) = client.action("GetSessionOptions", core.GetSessionOptionsRequest())
    options = core.GetSessionOptionsResult.FromString(answer).session_options
    return {name: option.string_value for name, option in options.items()}


def close(client: WireClient) -> None:
    (answer,) = client.action("CloseSession", core.CloseSessionRequest())
    assert core.CloseSessionResult.FromString(answer).status == core.CloseSessionResult.CLOSED


def namespace(client: WireClient) -> tuple[str, str]:
    options = get_options(client)
    return options["catalog"], options["schema"]


def test_catalog_and_schema(client: WireClient) -> None:
    client.update("CREATE SCHEMA IF NOT EXISTS \"s 1\"; ATTACH IF NOT EXISTS ':memory:' AS other")
    assert namespace(client) == ("memory", "main")
    assert set_options(client, schema=value("s 1")) == {}
    assert namespace(client) == ("memory", "s 1")
    assert client.value("SELECT current_schema()") == "s 1"
    assert set_options(client, schema=value("main"), catalog=value("other")) == {}
    assert namespace(client) == ("other", "main")
    assert set_options(client, catalog=core.SessionOptionValue()) == {}
    assert namespace(client) == ("memory", "main")
    assert set_options(client, schema=value("s 1")) == {}
    assert set_options(client, schema=core.SessionOptionValue()) == {}
    assert namespace(client) == ("memory", "main")
    client.update('USE memory; DETACH other; DROP SCHEMA "s 1"')


def test_the_open_transaction_follows(client: WireClient) -> None:
    client.update("CREATE SCHEMA IF NOT EXISTS s2")
    transaction = client.begin()
    assert client.value("SELECT current_schema()", transaction) == "main"
    assert set_options(client, schema=value("s2")) == {}
    assert client.value("SELECT current_schema()", transaction) == "s2"
    assert client.value("SELECT current_schema()") == "s2"
    with pytest.raises(pa.ArrowInvalid):
        client.query("SELECT error('now it is aborted')", transaction)
    assert set_options(client, schema=value("main")) == {}
    client.end(transaction, commit=False)
    assert client.value("SELECT current_schema()", client.begin()) == "main"


def test_only_what_failed_is_named(client: WireClient) -> None:
    errors = set_options(
        client,
        catalog=value('no"where'),
        schema=core.SessionOptionValue(int64_value=1),
        colour=value("red"),
    )
    assert errors == {
        "catalog": _Result.INVALID_VALUE,
        "schema": _Result.INVALID_VALUE,
        "colour": _Result.INVALID_NAME,
    }
    several = core.SessionOptionValue.StringListValue(values=["main"])
    assert set_options(client, schema=core.SessionOptionValue(string_list_value=several)) == {
        "schema": _Result.INVALID_VALUE
    }


_OWN = {"dialect": "duckdb", "statement_timeout": "0", "compression": "none", "endpoints": "1"}


def own(client: WireClient) -> dict[str, str]:
    options = get_options(client)
    return {name: options[name] for name in _OWN}


def test_options_of_the_node_are_kept_for_the_session(client: WireClient) -> None:
    assert own(client) == _OWN
    assert (
        set_options(
            client,
            dialect=value("MySQL"),
            statement_timeout=value("5 s"),
            compression=value("lz4"),
            endpoints=core.SessionOptionValue(int64_value=4),
        )
        == {}
    )
    changed = {
        "dialect": "mysql",
        "statement_timeout": "5000",
        "compression": "lz4",
        "endpoints": "4",
    }
    assert own(client) == changed
    erased = core.SessionOptionValue()
    assert set_options(client, max_execution_time=erased, endpoints=erased) == {}
    assert own(client) == {**changed, "statement_timeout": "0", "endpoints": "1"}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("dialect", "klingon"),
        ("statement_timeout", "soon"),
        ("statement_timeout", "8000h"),
        ("compression", "zip"),
        ("endpoints", "0"),
        ("endpoints", "17"),
        ("TimeZone", "Atlantis/Center"),
        ("integer_division", "perhaps"),
    ],
)
def test_a_wrong_value_changes_nothing(client: WireClient, name: str, wrong: str) -> None:
    before = get_options(client)
    assert set_options(client, **{name: value(wrong)}) == {name: _Result.INVALID_VALUE}
    assert get_options(client) == before


def test_options_are_set_as_sql_too(client: WireClient) -> None:
    client.update("SET statement_timeout = '2min'; SET compression TO zstd")
    assert own(client) == {**_OWN, "statement_timeout": "120000", "compression": "zstd"}
    client.query("RESET statement_timeout")
    client.query("SET compression = DEFAULT")
    assert own(client) == _OWN
    with pytest.raises(pa.ArrowInvalid, match="statement_timeout cannot be 'x': write it like"):
        client.update("SET statement_timeout = 'x'")


def test_settings_of_the_engine_are_the_sessions_own(served: Served, client: WireClient) -> None:
    yes = core.SessionOptionValue(bool_value=True)
    assert set_options(client, TimeZone=value("Asia/Tokyo"), integer_division=yes) == {}
    assert client.value("SELECT 7 / 2") == 3
    assert get_options(client)["TimeZone"] == "Asia/Tokyo"
    with served.client(user="other") as other:
        assert other.value("SELECT 7 / 2") == 3.5
    assert set_options(client, integer_division=core.SessionOptionValue()) == {}
    assert client.value("SELECT 7 / 2") == 3.5


@pytest.mark.parametrize("name", ["memory_limit", "threads", "python_enable_replacements", "", "x"])
def test_what_concerns_more_than_the_session_is_no_option(client: WireClient, name: str) -> None:
    assert set_options(client, **{name: value("1")}) == {name: _Result.INVALID_NAME}


def test_a_header_goes_before_the_session_and_stays_with_its_call(client: WireClient) -> None:
    assert set_options(client, statement_timeout=value("1h")) == {}
    client.extra_headers["x-flightkeeper-statement-timeout"] = "7s"
    assert own(client)["statement_timeout"] == "7000"
    client.extra_headers["x-flightkeeper-statement-timeout"] = "never"
    with pytest.raises(pa.ArrowInvalid, match="statement_timeout cannot be 'never'"):
        client.query("SELECT 1")
    client.extra_headers.clear()
    assert own(client)["statement_timeout"] == "3600000"


def test_options_alone_share_no_connection(served: Served, client: WireClient) -> None:
    assert set_options(client, compression=value("lz4")) == {}
    client.query("SELECT 1")
    sessions = served.node._sessions._sessions.values()
    assert any(s.options == {"compression": "lz4"} and s.connection is None for s in sessions)


def test_closing_ends_the_session_and_its_transactions(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE mine (a INT)")
    transaction = client.begin()
    close(client)
    with pytest.raises(KeyError, match="connect again to begin a new session"):
        client.query("SELECT 1", transaction)
    with pytest.raises(KeyError, match="connect again to begin a new session"):
        client.query("FROM mine")
    close(client)


def test_a_fetch_of_a_closed_session_is_an_error(client: WireClient) -> None:
    client.update("SET VARIABLE a = 1")
    stream = client.get(client.plan("FROM range(3000000)").endpoints[0].ticket)
    stream.read_chunk()
    close(client)
    with pytest.raises(flight.FlightError, match=r"dropped before it was read|Interrupted"):
        stream.read_all()


def lost(client: WireClient) -> None:
    """Every kind of statement says that the session is gone, again and again."""
    for ask in (
        lambda: client.query("SELECT 1"),
        lambda: client.update("SET VARIABLE a = 2"),
        lambda: client.update("CREATE TEMP TABLE again (a INT)"),
        lambda: client.update("BEGIN"),
        lambda: client.command(sql.CommandGetCatalogs()),
        lambda: set_options(client, schema=value("main")) and None,
    ):
        try:
            ask()
        except KeyError as exc:
            assert "connect again to begin a new session" in str(exc)  # noqa: PT017
            assert client.received["x-flightkeeper-reason"] == "session-lost"
        else:
            pytest.fail("a fresh session was begun silently")


def test_a_session_of_another_life_is_lost(key_file: Path) -> None:
    with serving(key_file=key_file) as first, first.client() as client:
        assert client.value("SELECT 1") == 1
        unpinned = client.authorization
        client.update("SET VARIABLE a = 1")
        pinned = client.authorization
        assert pinned != unpinned
        assert client.value("SELECT getvariable('a')") == 1
    with serving(key_file=key_file) as second:
        with second.stranger(pinned) as client:
            lost(client)
        with second.stranger(unpinned) as client:
            assert client.value("SELECT 1") == 1


def test_an_idle_session_is_lost_and_not_begun_anew() -> None:
    clock = Clock()
    with serving(clock.clocks, session_idle_timeout_s=60) as node, node.client() as client:
        client.update("SET VARIABLE a = 1")
        clock.now_s += 59
        assert client.value("SELECT getvariable('a')") == 1
        clock.now_s += 61
        eventually(lambda: not node.node._sessions._sessions)
        lost(client)


def test_an_idle_transaction_written_as_text_is_rolled_back_sooner() -> None:
    clock = Clock()
    with serving(clock.clocks, transaction_idle_timeout_s=5) as node, node.client() as client:
        client.update("CREATE TABLE t (a INT)")
        client.update("BEGIN")
        client.update("INSERT INTO t VALUES (1)")
        clock.now_s += 6
        eventually(lambda: not node.node._sessions._sessions)
        with node.client(user="other") as other:
            assert other.value("SELECT count(*) FROM t") == 0


def test_a_session_that_only_streams_is_not_idle() -> None:
    clock = Clock()
    timeout_s = {"session_idle_timeout_s": 60}
    with serving(clock.clocks, **timeout_s) as served, served.client() as client:
        assert set_options(client, compression=value("lz4")) == {}
        stream = client.get(client.plan("FROM range(3000000)").endpoints[0].ticket)
        stream.read_chunk()
        clock.now_s += 1000
        served.node._sessions.expire(clock.now_s)
        stream.read_all()
        assert get_options(client)["compression"] == "lz4"
        eventually(lambda: served.running == 0)
        clock.now_s += 61
        eventually(lambda: not served.node._sessions._sessions)
