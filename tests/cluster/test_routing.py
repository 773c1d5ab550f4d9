"""Zones, roles and affinity on real nodes: which of them a client's statements reach."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flightkeeper.client import connect
from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.failures import Failure
from flightkeeper.discovery.records import Instance
from tests.support.processes import running

pytestmark = pytest.mark.cluster

FACTS = {
    "e": ("--zone", "east", "--roles", "reader"),
    "w": ("--zone", "west", "--roles", "reader, writer"),
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("routing")
    registry = f"dir://{folder}/registry"
    with ExitStack() as stack:
        for node_id, facts in FACTS.items():
            flags = ("--insecure", "--registry", registry, "--node-id", node_id, *facts)
            stack.enter_context(running("serve", *flags)).line()
        yield f"flightsql+{registry}"


def reached(url: str, cache: Path, sql: str) -> Counter[str]:
    """How many of twenty statements each node has answered."""
    with connect(url, cache_dir=cache) as connection, pytest.MonkeyPatch.context() as patch:
        found, report = Counter[str](), connection._router.report

        def noted(instance: Instance, failure: Failure | None) -> None:
            found[instance.node_id] += 1
            report(instance, failure)

        # The router's own asking is not what is looked for.
        patch.setattr("flightkeeper.client.router.ASK_S", 3600.0)
        patch.setattr(connection._router, "report", noted)
        for _ in range(20):
            connection.query(sql).read_all()
    return found


def test_a_client_stays_in_its_zone(url: str, tmp_path: Path) -> None:
    assert reached(f"{url}?zone=west", tmp_path, "SELECT 1").keys() == {"w"}
    assert reached(f"{url}?zone=east", tmp_path, "SELECT 1").keys() == {"e"}
    assert reached(url, tmp_path, "SELECT 1").keys() == {"e", "w"}


def test_a_role_is_served_by_nodes_that_have_it(url: str, tmp_path: Path) -> None:
    assert reached(f"{url}?role=writer", tmp_path, "SELECT 1").keys() == {"w"}
    assert reached(f"{url}?role=reader", tmp_path, "SELECT 1").keys() == {"e", "w"}


def test_a_role_that_nobody_has_is_named(url: str, tmp_path: Path) -> None:
    with (
        connect(f"{url}?role=wrtier", cache_dir=tmp_path) as connection,
        pytest.raises(NoNodeAvailable, match="has the role 'wrtier'; nothing was run"),
    ):
        connection.query("SELECT 1")


def test_statements_over_the_same_table_meet(url: str, tmp_path: Path) -> None:
    tables = (f"information_schema.{name}" for name in ("tables", "columns", "schemata", "views"))
    homes = [reached(url, tmp_path, f"SELECT count(*) FROM {table}") for table in tables]
    # A node that is slow for a moment has one taken off it.
    assert all(max(home.values()) >= 15 for home in homes), homes


def test_a_node_tells_its_load_to_a_client_that_asks(url: str, tmp_path: Path) -> None:
    with connect(url, cache_dir=tmp_path) as connection:
        connection.query("SELECT 1").read_all()
        for _ in FACTS:
            connection._router._active, connection._router._asked_s = True, 0.0
            connection._router.tick()
        assert [status.reported_load for status in connection.nodes()] == [0, 0]
