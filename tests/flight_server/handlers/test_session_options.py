"""Session options, and sessions that are lost rather than silently begun anew."""

from pathlib import Path

import pytest
from pyarrow import flight

from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Clock, WireClient, eventually, serving

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


def test_catalog_and_schema(client: WireClient) -> None:
    client.update("CREATE SCHEMA IF NOT EXISTS \"s 1\"; ATTACH IF NOT EXISTS ':memory:' AS other")
    assert get_options(client) == {"catalog": "memory", "schema": "main"}
    assert set_options(client, schema=value("s 1")) == {}
    assert get_options(client) == {"catalog": "memory", "schema": "s 1"}
    assert client.value("SELECT current_schema()") == "s 1"
    assert set_options(client, schema=value("main"), catalog=value("other")) == {}
    assert get_options(client) == {"catalog": "other", "schema": "main"}
    client.update('USE memory; DETACH other; DROP SCHEMA "s 1"')


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
    assert set_options(client, schema=core.SessionOptionValue()) == {
        "schema": _Result.INVALID_VALUE
    }


def test_closing_ends_the_session_and_its_transactions(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE mine (a INT)")
    transaction = client.begin()
    close(client)
    with pytest.raises(KeyError, match="no such open transaction"):
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
