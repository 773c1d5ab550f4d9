"""System tables of a cluster, and KILL, with nodes that die and nodes that hang."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from adbc_driver_flightsql import dbapi
from pyarrow import flight

from tests.flight_server.wire_client import WireClient, basic, eventually
from tests.support.cluster import Cluster, make_database

pytestmark = [pytest.mark.cluster]

NODES = ("n1", "n2", "n3")
LONG = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 3 AND i % 11 = 5"
ANSWERS_WITHIN_S = 2.5
"""One second is the deadline for nodes; the rest is for a busy machine."""


class Nodes:
    """Three nodes, each a process, over one registry."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.locations = {node: str(cluster.start(node)["location"]) for node in NODES}

    def client(self, node: str, user: str = "ada") -> WireClient:
        return WireClient(self.locations[node], basic(user, "x"))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    database = tmp_path / "shared.duckdb"
    make_database(database)
    with Cluster(f"dir://{tmp_path}/registry", database) as cluster:
        started = Nodes(cluster)
        with started.client("n1") as client:
            eventually(lambda: states(client) == dict.fromkeys(NODES, "up"))
        yield started


def states(client: WireClient) -> dict[str, str]:
    found = client.query("SELECT node_id, state FROM system.nodes").to_pylist()
    return {row["node_id"]: row["state"] for row in found}


def test_every_node_answers_for_all(nodes: Nodes) -> None:
    with nodes.client("n2", "bob") as bob:
        bob.query("SELECT 4711")
    for node in NODES:
        with nodes.client(node) as client:
            assert states(client) == dict.fromkeys(NODES, "up")
            found = client.query(
                "SELECT node_id, rows FROM system.query_log WHERE text = 'SELECT 4711' "
                "AND principal = 'bob'"
            )
            assert found.to_pylist() == [{"node_id": "n2", "rows": 1}]
            counted = client.query(
                "SELECT n.node_id, count(*) AS settings FROM system.nodes n "
                "JOIN system.settings s USING (node_id) GROUP BY ALL ORDER BY ALL"
            ).to_pylist()
            assert [row["node_id"] for row in counted] == list(NODES)
            assert len({row["settings"] for row in counted}) == 1


def test_a_node_that_died_and_one_that_hangs_cost_no_more_than_the_deadline(nodes: Nodes) -> None:
    with nodes.client("n1") as client:
        nodes.cluster.kill("n2")
        nodes.cluster.freeze("n3")
        try:
            for _ in range(3):
                began_s = time.monotonic()
                found = client.query("SELECT * FROM system.nodes ORDER BY node_id").to_pylist()
                assert time.monotonic() - began_s < ANSWERS_WITHIN_S
                by_node = {row["node_id"]: row for row in found}
                assert by_node["n1"]["state"] == "up"
                assert by_node["n3"]["state"] == "unreachable"
                assert "its rows are missing" in by_node["n3"]["notice"]
                # A registry that has noticed its death does not list it any more.
                assert by_node.get("n2", by_node["n3"])["state"] == "unreachable"
                began_s = time.monotonic()
                logged = client.query("SELECT DISTINCT node_id FROM system.query_log").to_pylist()
                assert time.monotonic() - began_s < ANSWERS_WITHIN_S
                assert logged == [{"node_id": "n1"}]
        finally:
            nodes.cluster.thaw("n3")
        eventually(lambda: states(client).get("n3") == "up")


class Long(threading.Thread):
    """A statement of a minute, through the stock driver."""

    def __init__(self, location: str) -> None:
        super().__init__(name="long", daemon=True)
        self.location = location
        self.error: BaseException | None = None
        self.ended_s = 0.0

    def run(self) -> None:
        options = {"username": "ada", "password": "x"}
        with (
            dbapi.connect(self.location, db_kwargs=options) as connection,
            connection.cursor() as cursor,
        ):
            try:
                cursor.execute(LONG)
                cursor.fetchall()
            except Exception as exc:  # noqa: BLE001 - looked at by the test
                self.error = exc
                self.ended_s = time.monotonic()


def running_id(client: WireClient) -> str:
    """The statement that runs on n2, as another node sees it."""
    query = (
        "SELECT statement_id FROM system.statements WHERE node_id = 'n2' "
        "AND text LIKE 'SELECT count(*) FROM range%'"
    )
    eventually(lambda: client.query(query).num_rows == 1)
    return str(client.value(query))


def killed(client: WireClient, text: str) -> str:
    (row,) = client.query(text).to_pylist()
    assert row["notice"] == ""
    return str(row["outcome"])


def killed_by_adbc(location: str, statement_id: str) -> str:
    """As any program with the stock driver does, which begins transactions by itself."""
    options = {"username": "ada", "password": "x"}
    with dbapi.connect(location, db_kwargs=options) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM system.nodes WHERE state = 'up'")
        assert cursor.fetchone() == (3,)
        cursor.execute(f"KILL STATEMENT '{statement_id}'")
        row = cursor.fetchone()
        assert row is not None
        assert row[0] == statement_id
        return str(row[1])


def test_a_statement_is_killed_from_another_node(nodes: Nodes) -> None:
    long = Long(nodes.locations["n2"])
    long.start()
    with nodes.client("n1") as client, nodes.client("n3") as third:
        statement_id = running_id(client)
        began_s = time.monotonic()
        assert killed_by_adbc(nodes.locations["n1"], statement_id) == "stopped"
        assert time.monotonic() - began_s < ANSWERS_WITHIN_S
        long.join(10)
        assert long.error is not None
        assert "killed by ada" in str(long.error)
        assert long.ended_s - began_s < ANSWERS_WITHIN_S
        assert killed(third, f"KILL QUERY '{statement_id}'") == "finished"
        assert killed(client, "KILL 'nothing-1'") == "unknown"
        outcome = client.value(
            f"SELECT outcome FROM system.query_log WHERE statement_id = '{statement_id}'"
        )
        assert outcome == "killed"
        assert client.query("SELECT * FROM system.events WHERE event = 'statement killed'").num_rows


def test_a_session_is_killed_on_all_nodes(nodes: Nodes) -> None:
    with nodes.client("n1") as client, nodes.client("n2", "bob") as bob:
        bob.query("SELECT 1")
        with WireClient(nodes.locations["n3"], bob.authorization) as same:
            same.query("SELECT 1")
            found = client.query(
                "SELECT session_id FROM system.sessions WHERE principal = 'bob'"
            ).to_pylist()
            assert len(found) == 2
            assert found[0] == found[1]
            assert killed(client, f"KILL SESSION '{found[0]['session_id']}'") == "stopped"
            for refused in (bob, same):
                with pytest.raises(flight.FlightUnauthenticatedError, match="ended by ada"):
                    refused.query("SELECT 1")
        assert isinstance(client.query("SELECT * FROM system.events"), pa.Table)
        with nodes.client("n2", "bob") as again:
            assert again.value("SELECT 1") == 1


def test_only_nodes_can_ask_for_what_nodes_ask_each_other(nodes: Nodes) -> None:
    with nodes.client("n1") as client:
        client.query("SELECT 1")
        for body in (b"", b"\n\x04junk"):
            with pytest.raises(pa.ArrowInvalid, match="not a peer handle of this cluster"):
                client.action("flightkeeper.Peer", body)
