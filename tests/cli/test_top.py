"""`flightkeeper top` on a real node."""

import pytest
from typer.testing import CliRunner

from flightkeeper import client
from flightkeeper.cli.main import app
from tests.support.processes import running

pytestmark = pytest.mark.cluster


def test_nodes_and_what_runs_on_them() -> None:
    with running("serve", "--insecure", "--node-id", "busy-one") as node:
        url = node.line()["location"].replace("grpc://", "flightsql://") + "?transport=tcp"
        with client.connect(url) as connection:
            held = connection.query("SELECT range AS held_open FROM range(100000000)")
            result = CliRunner().invoke(app, ["top", url])
            held.close()
    assert result.exit_code == 0, result.output
    assert "busy-one" in result.stdout
    assert "held_open" in result.stdout
    assert "system.nodes" not in result.stdout
