"""`flightkeeper kill` on a real node."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flightkeeper import client
from flightkeeper.cli.main import app
from tests.flight_server.wire_client import eventually, serving


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    registry = f"dir://{tmp_path}/registry"
    with serving(registry=registry, node_id="a"):
        yield f"flightsql+{registry}"


def run(url: str, *ids: str) -> Result:
    return CliRunner().invoke(app, ["kill", url, *ids])


def test_a_running_statement_is_ended(url: str, tmp_path: Path) -> None:
    ends: list[BaseException] = []

    def count(connection: client.Connection) -> None:
        try:
            connection.query("SELECT count(*) FROM range(1000000000000)")
        except client.FlightkeeperError as exc:
            ends.append(exc)

    with client.connect(url, cache_dir=tmp_path) as connection:
        thread = threading.Thread(target=count, args=(connection,), name="counting")
        thread.start()
        find = "SELECT statement_id FROM system.statements WHERE text LIKE '%1000000000000%'"
        find += " AND text NOT LIKE '%system%'"
        eventually(lambda: len(connection.query(find).fetchall()) == 1)
        ((found,),) = connection.query(find).fetchall()
        killed = run(url, str(found))
        # Nodes of this process log beside it.
        assert killed.exit_code == 0
        assert f"{found}: stopped" in killed.stdout.splitlines()
        thread.join(10)
    assert isinstance(ends[0], client.StatementFailed)


def test_an_id_that_nothing_has_is_told(url: str) -> None:
    result = run(url, "0-nothing", "0-neither")
    assert result.exit_code == 1
    assert {"0-nothing: unknown", "0-neither: unknown"} <= set(result.stdout.splitlines())
