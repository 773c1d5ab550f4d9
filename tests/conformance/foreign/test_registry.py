"""Programs in Java use the registry themselves: discovery by Curator, tables by Arrow."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from flightkeeper.discovery.reference_tables import ReferenceTables
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.topology import Event, Listed
from tests.conformance.foreign.programs import Outcomes, build, run
from tests.flight_server.wire_client import WireClient, eventually, serving
from tests.support.zookeeper_server import ZooKeeperServer

CURATOR = "Apache Curator"
ARROW_JAVA = "Arrow Java"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("registry"),
    pytest.mark.timeout(300),
]

TABLE = "CREATE REFERENCE TABLE geo.countries (code VARCHAR PRIMARY KEY, people BIGINT)"


@pytest.fixture(scope="module")
def program(zookeeper: ZooKeeperServer) -> Iterator[Outcomes]:
    """What the program reported of a registry with one node and one table."""
    build("registry")
    chroot = f"/test-{uuid4().hex}"
    url = zookeeper.url + chroot
    with (
        closing(open_registry(url)) as registry,
        serving(registry=url, service="analytics", node_id="n1") as node,
        node.client() as client,
    ):
        client.update(TABLE)
        client.update("INSERT INTO geo.countries VALUES ('de', 84), ('fr', 68)")
        seen = Seen(registry, client)
        arguments = {"zookeeper": zookeeper.hosts, "chroot": chroot, "service": "analytics"}
        answers = {"listed": seen.lists_java, "replaced": seen.has_japan}
        outcomes = run("registry", arguments, answers)
        outcomes.values["location"] = node.location
        yield outcomes


class Seen:
    """What Python and the node see of what the program did."""

    def __init__(self, registry: Registry, client: WireClient) -> None:
        self._registry = registry
        self._client = client
        self._listed: list[str] = []
        registry.watch("analytics", self._hear)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Listed):
            self._listed = [instance.node_id for instance in event.instances]

    def lists_java(self) -> bool:
        """Whether its instance comes beside the node."""
        eventually(lambda: sorted(self._listed) == ["java", "n1"])
        return True

    def has_japan(self) -> bool:
        """Whether its row is on the node, and its write in no history."""
        query = "SELECT people FROM geo.countries WHERE code = 'jp'"
        eventually(lambda: self._client.query(query).to_pydict() == {"people": [124]})
        table = ReferenceTables(self._registry).get("geo.countries")
        assert table is not None
        return (table.version, table.content.primary_key, len(table.history)) == (2, ("code",), 2)


@pytest.mark.tool(CURATOR, "discovery of nodes")
def test_curator_lists_nodes(program: Outcomes) -> None:
    assert program["nodes are listed"] == [f"n1 {program['location']} UP"]


@pytest.mark.tool(CURATOR, "instances beside nodes")
def test_curators_own_instances_are_listed(program: Outcomes) -> None:
    assert program["an own instance is listed by others"] is True


@pytest.mark.tool(ARROW_JAVA, "reading reference tables")
def test_a_table_is_read(program: Outcomes) -> None:
    assert program["a reference table is read"] == ["de 84", "fr 68"]


@pytest.mark.tool(ARROW_JAVA, "replacing reference tables")
def test_a_table_is_replaced_by_who_has_seen_it(program: Outcomes) -> None:
    assert program["a reference table is replaced"] is True
    assert program["an overtaken version is refused"] == "refused"
