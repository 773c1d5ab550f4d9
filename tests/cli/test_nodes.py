"""`flightkeeper nodes`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flightkeeper.cli.main import app
from flightkeeper.cli.nodes import row
from flightkeeper.client import NodeStatus
from flightkeeper.discovery.records import Instance, NodeState
from tests.support.processes import running

STATUS = NodeStatus(
    instance=Instance(
        "s", "n1", "grpc://h:1", "life", NodeState.DRAINING, "1.0", "z", 7, databases=("x.duckdb",)
    ),
    absent=False,
    health="closed",
    in_flight=0,
    reported_load=3,
)


def test_a_row() -> None:
    assert row(STATUS) == {
        "node": "n1",
        "location": "grpc://h:1",
        "state": "DRAINING",
        "zone": "z",
        "weight": 7,
        "databases": ["x.duckdb"],
        "version": "1.0",
        "settings": [0, 0],
        "problem": "",
        "load": 3,
        "incarnation": "life",
    }


def test_a_node_that_the_registry_lost() -> None:
    lost = NodeStatus(
        STATUS.instance, absent=True, health="closed", in_flight=0, reported_load=None
    )
    assert row(lost)["state"] == "ABSENT"


@pytest.mark.cluster
def test_a_dead_node_is_told_from_one_that_works() -> None:
    with running("serve", "--insecure") as works, running("serve", "--insecure") as dies:
        locations = [node.line()["location"] for node in (works, dies)]
        hosts = [location.partition("://")[2] for location in locations]
        dies.process.kill()
        dies.ended()
        url = f"flightsql://{','.join(hosts)}?transport=tcp"
        result = CliRunner().invoke(app, ["nodes", url, "--format", "json"])
    states = {row["node"]: row["state"] for row in json.loads(result.stdout)}
    assert states == {hosts[0]: "UP", hosts[1]: "UNREACHABLE"}


@pytest.mark.cluster
def test_the_nodes_of_a_cluster(tmp_path: Path) -> None:
    with running("up", "--nodes", "2", "--registry", f"dir://{tmp_path}/r") as up:
        locations = [up.line()["location"] for _ in range(2)]
        url = up.line()["url"]
        table = CliRunner().invoke(app, ["nodes", url])
        rows = json.loads(CliRunner().invoke(app, ["nodes", url, "--format", "json"]).stdout)
    assert table.exit_code == 0
    assert [row["node"] for row in rows] == ["node-1", "node-2"]
    assert {row["location"] for row in rows} == set(locations)
    for each in rows:
        assert each["state"] == "UP"
        assert each["location"] in table.stdout


def test_a_registry_without_nodes(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["nodes", f"flightsql+dir://{tmp_path}/empty"])
    assert result.exit_code == 3
    assert result.stdout == ""
