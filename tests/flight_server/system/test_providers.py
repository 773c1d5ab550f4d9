"""What a node tells of itself, as its clients read it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.discovery.registry import open_registry
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.changing import CLUSTER, node_document
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient, eventually, serving


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Served]:
    more: dict[str, Any] = {"database": str(tmp_path / "private.duckdb"), "dialect": "duckdb"}
    with serving(node_id="n1", registry=f"dir://{tmp_path}/registry", **more) as served:
        yield served


@pytest.fixture
def client(node: Served) -> Iterator[WireClient]:
    with node.client() as found:
        found.extra_headers["x-flightkeeper-statement-id"] = "theirs"
        yield found


def rows(client: WireClient, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.query(query).to_pylist()
    return found


def test_itself(client: WireClient) -> None:
    (row,) = rows(client, "SELECT * EXCLUDE (incarnation) FROM system.nodes")
    assert (row["node_id"], row["state"], row["notice"]) == ("n1", "up", "")
    assert row["databases"] == "private.duckdb"
    assert row["statements"] == 1
    assert row["statements_max"] == 64
    assert abs(row["registered_at"].timestamp() - time.time()) < 60


def test_sessions(node: Served, client: WireClient) -> None:
    client.update("CREATE TEMP TABLE t (a INT)")
    with node.client("bob") as bob:
        bob.query("SELECT 1")
        found = rows(client, "SELECT * FROM system.sessions ORDER BY principal")
        assert [(r["principal"], r["pinned"]) for r in found] == [("ada", True), ("bob", False)]
        assert found[0]["statements"] == 1
        assert found[0]["idle_s"] < 10
        assert found[1]["calls"] == 2
        assert found[1]["peer"].startswith("ipv4:127.0.0.1:")
        assert "grpc" in found[1]["user_agent"]
        bob.action("CloseSession", core.CloseSessionRequest())
        left = rows(client, "SELECT principal FROM system.sessions")
        assert left == [{"principal": "ada"}]


def test_statements_and_what_becomes_of_them(node: Served, client: WireClient) -> None:
    with node.client("bob") as bob:
        info = bob.plan("SELECT i, 'secret' FROM range(10000000) t(i)")
        (running,) = rows(client, "SELECT * FROM system.statements WHERE principal = 'bob'")
        assert running["text"] == "SELECT i, '…' FROM range(10000000) t(i)"
        assert (running["state"], running["dialect"]) == ("waiting", "duckdb")
        stream = bob.get(info.endpoints[0].ticket)
        stream.read_chunk()
        (running,) = rows(client, "SELECT * FROM system.statements WHERE principal = 'bob'")
        assert running["state"] == "delivering"
        assert running["rows"] > 0
        assert running["bytes"] > running["rows"]
        stream.read_all()
        logged = "SELECT * FROM system.query_log WHERE principal = 'bob'"
        eventually(lambda: bool(rows(client, logged)))
        (ended,) = rows(client, logged)
        assert (ended["outcome"], ended["rows"]) == ("finished", 10_000_000)
        assert ended["statement_id"] == running["statement_id"]


def test_failures_changes_and_names_of_clients_are_remembered(client: WireClient) -> None:
    client.update("CREATE TABLE t (a INT)")
    client.update("INSERT INTO t VALUES (1), (2)")
    with pytest.raises(Exception, match="Conversion Error"):
        client.query("SELECT CAST('secret' AS INT)")
    found = rows(client, "SELECT * FROM system.query_log ORDER BY started_at")
    told = [(r["text"], r["outcome"], r["error"], r["rows"]) for r in found]
    assert told == [
        ("CREATE TABLE t (a INT)", "finished", "", 0),
        ("INSERT INTO t VALUES (1), (2)", "finished", "", 2),
        ("SELECT CAST('…' AS INT)", "failed", "InvalidArgument", 0),
    ]
    assert {r["client_id"] for r in found} == {"theirs"}
    assert all(r["duration_ms"] > 0 for r in found)


def test_an_interrupted_client_is_told_from_others(node: Served, client: WireClient) -> None:
    text = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 3"
    command = sql.CommandStatementQuery(query=text)
    with node.client("bob") as bob, pytest.raises(flight.FlightTimedOutError):
        bob.info(command, timeout_s=0.3)
    logged = "SELECT outcome FROM system.query_log WHERE principal = 'bob'"
    eventually(lambda: rows(client, logged) == [{"outcome": "cancelled"}])


def test_settings_say_where_they_come_from(tmp_path: Path, client: WireClient) -> None:
    registry = open_registry(f"dir://{tmp_path}/registry")
    changing.change(registry, CLUSTER, {"weight": 5, "threads": 2}, by="ada", at_ms=0)
    changing.change(registry, node_document("n1"), {"weight": 7}, by="ada", at_ms=0)
    registry.close()
    told = {
        "weight": ("7", "node"),
        "threads": ("2", "cluster"),
        "node_id": ("n1", "start"),
        "batch_bytes": ("2097152", "default"),
        "users": (None, "default"),
    }

    def settings() -> dict[str, tuple[str | None, str]]:
        found = rows(client, "SELECT name, value, source FROM system.settings")
        return {row["name"]: (row["value"], row["source"]) for row in found if row["name"] in told}

    eventually(lambda: settings() == told)
    found = rows(client, "SELECT event, detail FROM system.events WHERE event LIKE 'settings%'")
    assert found[-1] == {"event": "settings changed", "detail": "revisions: cluster 1, node 1"}


def test_settings_show_no_paths_and_no_secrets(tmp_path: Path, client: WireClient) -> None:
    found = rows(client, "SELECT name, value FROM system.settings")
    values = {row["name"]: row["value"] for row in found}
    assert values["database"] == "private.duckdb"
    assert values["registry"] == "dir://…/registry"
    assert not [value for value in values.values() if value and str(tmp_path) in value]


def test_events(client: WireClient) -> None:
    eventually(lambda: len(rows(client, "FROM system.events")) >= 2)
    found = rows(client, "SELECT event, subject FROM system.events ORDER BY happened_at")
    assert {"event": "started", "subject": "n1"} in found
    assert {"event": "registered", "subject": "n1"} in found
    assert {"event": "node joined", "subject": "n1"} in found
