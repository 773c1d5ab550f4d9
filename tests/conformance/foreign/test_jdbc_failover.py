"""The Arrow Flight SQL JDBC driver while nodes are killed: through a gateway, and by one name."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.foreign.programs import Outcomes, build, run
from tests.support.cluster import MODULUS, ROWS, SERVICE, Cluster, make_database
from tests.support.processes import running
from tests.support.stub_process import eventually

JDBC = "Arrow Flight SQL JDBC"
NODES = ("n1", "n2", "n3")
NAME = "sql.flightkeeper.test"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def port() -> int:
    """One that is free on this machine's every loopback address."""
    with socket.create_server(("", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path, port: int) -> Iterator[Cluster]:
    """Nodes on one port, each with an address of its own."""
    database = tmp_path / "shared.duckdb"
    make_database(database)
    with Cluster(f"dir://{tmp_path}/registry", database) as started:
        for number, node_id in enumerate(NODES, 1):
            started.start(node_id, f"grpc://127.0.0.{number}:{port}")
        yield started


def _read_while_killing(cluster: Cluster, **arguments: str) -> Outcomes:
    build("java")
    alive = list(NODES)
    known = {"rows": str(ROWS), "modulus": str(MODULUS), "user": "ada", "password": "any"}
    return run(
        "java failover", known | arguments, {"kill a node": lambda: cluster.kill(alive.pop(0))}
    )


@pytest.mark.tool(JDBC, "through a gateway: nodes killed under its reads")
@pytest.mark.parametrize("mode", ["proxy", "direct"])
def test_reads_through_a_gateway_do_not_notice(cluster: Cluster, tmp_path: Path, mode: str) -> None:
    flags = ("--registry", f"dir://{tmp_path}/registry", "--service", SERVICE, "--data", mode)
    with running("gateway", *flags) as gateway:
        address = gateway.line()["location"].removeprefix("grpc://")
        told = _read_while_killing(cluster, node=address)
    assert told["reads while nodes are killed"] == {"wrong": [], "failed": []}


@pytest.mark.tool(JDBC, "one name for all nodes: the next connection goes to another one")
def test_the_next_connection_goes_elsewhere_by_the_hosts_file(
    cluster: Cluster, tmp_path: Path, port: int
) -> None:
    hosts, profile = tmp_path / "hosts", tmp_path / "service.toml"
    flags = ("--registry", f"dir://{tmp_path}/registry", "--service", SERVICE, "--out")
    named = ("--host", NAME, "--hosts-file", str(hosts))
    with running("profile", "write", "--watch", *flags, str(profile), *named):
        eventually(profile.exists)
        told = _read_while_killing(cluster, node=f"{NAME}:{port}", hosts=str(hosts))
    outcome = told["reads while nodes are killed"]
    assert outcome["wrong"] == []
    # What was on its way to a killed node was an error, not a short answer.
    assert outcome["failed"]
