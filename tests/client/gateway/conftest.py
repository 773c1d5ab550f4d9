"""Two real nodes in this process, and gateways in front of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from flightkeeper.client.gateway.running import Certificates, Nodes, RunningGateway
from flightkeeper.client.gateway.service import Data
from flightkeeper.discovery.registry import open_registry
from tests.flight_server.wire_client import Served, WireClient, basic, serving

SERVICE = "behind"


class Front:
    """A running gateway, and clients of it.

    Attributes:
        nodes: by their ids.
    """

    def __init__(self, running: RunningGateway, location: str, nodes: dict[str, Served]) -> None:
        self.running = running
        self.location = location
        self.nodes = nodes

    def client(self, user: str = "ada") -> WireClient:
        """A client that logs in with its first call."""
        return WireClient(self.location, basic(user))

    def stranger(self, authorization: str | None = None) -> WireClient:
        """A client that sends exactly this to say who it is."""
        return WireClient(self.location, authorization)


@contextmanager
def fronting(registry: str, nodes: dict[str, Served], data: Data) -> Iterator[Front]:
    """A gateway of these nodes, ended at the end."""
    running = RunningGateway(Nodes(SERVICE), open_registry(registry))
    location = running.start("grpc://127.0.0.1:0", data, Certificates())
    try:
        running.wait_for_nodes(10)
        yield Front(running, location, nodes)
    finally:
        running.stop()
        assert running.wait()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the nodes of a module register."""
    return f"dir://{tmp_path_factory.mktemp('registry')}"


@pytest.fixture(scope="module")
def nodes(registry: str) -> Iterator[dict[str, Served]]:
    """Two nodes of one cluster, each with a table `here` that says which one it is."""
    with ExitStack() as stack:
        started = {}
        for node_id in ("n1", "n2"):
            started[node_id] = stack.enter_context(
                # With one thread DuckDB tells the reason of every late error.
                serving(registry=registry, service=SERVICE, node_id=node_id, threads=1)
            )
            with started[node_id].client() as client:
                client.update(f"CREATE TABLE here AS SELECT '{node_id}' AS node")
        yield started


@pytest.fixture(scope="module")
def front(registry: str, nodes: dict[str, Served]) -> Iterator[Front]:
    """A gateway through which results pass."""
    with fronting(registry, nodes, Data.PROXY) as made:
        yield made


@pytest.fixture(scope="module")
def direct(registry: str, nodes: dict[str, Served]) -> Iterator[Front]:
    """A gateway that sends clients to the nodes."""
    with fronting(registry, nodes, Data.DIRECT) as made:
        yield made


@pytest.fixture
def start_front(registry: str, nodes: dict[str, Served]) -> Iterator[Callable[[], Front]]:
    """Starts a gateway that a test may hurt."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fronting(registry, nodes, Data.PROXY))
