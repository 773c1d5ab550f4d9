"""`flightkeeper drain|undrain` on real nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flightkeeper import client
from flightkeeper.cli.main import app
from tests.flight_server.wire_client import Served, serving


@pytest.fixture
def registry(tmp_path: Path) -> str:
    return f"dir://{tmp_path}/registry"


@pytest.fixture
def nodes(registry: str) -> Iterator[tuple[Served, Served]]:
    with serving(registry=registry, node_id="a") as a, serving(registry=registry, node_id="b") as b:
        yield a, b


def run(verb: str, node: str, registry: str) -> Result:
    return CliRunner().invoke(app, [verb, node, "--registry", registry])


def told(result: Result) -> str:
    """What a command that ended well said last: nodes of this process log beside it."""
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[-1]


def who_answers(connection: client.Connection) -> set[str | None]:
    return {connection.query("SELECT 1 AS one").control.node for _ in range(20)}


@pytest.mark.usefixtures("nodes")
def test_a_drained_node_gets_nothing_until_it_is_put_back(registry: str, tmp_path: Path) -> None:
    with client.connect(f"flightsql+{registry}", cache_dir=tmp_path) as connection:
        held = connection.query("SELECT range FROM range(50000000)")
        busy = held.control.node
        assert busy is not None
        assert told(run("drain", busy, registry)) == f"{busy} is DRAINING"
        (other,) = {"a", "b"} - {busy}
        assert who_answers(connection) == {other}
        # What ran goes on, and ends well.
        assert sum(batch.num_rows for batch in held) == 50_000_000
        assert told(run("undrain", busy, registry)) == f"{busy} is UP"
        seen: set[str | None] = set()
        for _ in range(200):
            seen |= who_answers(connection)
            if seen == {"a", "b"}:
                break
        assert seen == {"a", "b"}


def test_a_node_that_is_started_again_stays_drained(registry: str) -> None:
    first = run("drain", "a", registry)
    assert first.exit_code == 1
    assert "no node a of service flightsql has followed" in first.stderr
    with serving(registry=registry, node_id="a") as a, a.client() as wire:
        with pytest.raises(Exception, match="this node is drained; nothing was run"):
            wire.query("SELECT 1")
        assert told(run("undrain", "a", registry)) == "a is UP"
        assert wire.value("SELECT 1") == 1


def test_it_is_remembered_who_did_it(registry: str) -> None:
    run("drain", "a", registry)
    history = CliRunner().invoke(
        app, ["config", "history", "--node", "a"], env={"FLIGHTKEEPER_REGISTRY": registry}
    )
    assert "drained = True" in told(history)
