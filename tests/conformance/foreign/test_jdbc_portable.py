"""The Arrow Flight SQL JDBC driver: prepared statements outlive the nodes that prepared them."""

from pathlib import Path

import pytest

from flightkeeper import client
from tests.conformance.foreign.programs import build, run
from tests.support.lake_nodes import lake_nodes

JDBC = "Arrow Flight SQL JDBC"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]


@pytest.mark.tool(JDBC, "prepared statements that outlive their node, on a lake")
def test_any_node_runs_what_another_one_prepared(tmp_path: Path) -> None:
    build("java")
    with lake_nodes(tmp_path) as nodes:
        addresses = {"node": nodes.gateway, "other": nodes.address}
        told = {name: place.removeprefix("grpc://") for name, place in addresses.items()}
        with client.connect(f"flightsql://{told['node']}?transport=tcp") as connection:
            connection.execute("CREATE TABLE stock (name VARCHAR, number INTEGER)")
        login = {"user": "ada", "password": "any"}
        outcomes = run("java portable", told | login, {"kill a node": nodes.kill_next})
    ways = (f"{way} {kills}" for kills in range(4) for way in ("gateway", "address"))
    answers = [1, 2, [[2], [3]]]
    assert outcomes["prepared on nodes that are gone"] == dict.fromkeys(ways, answers)
