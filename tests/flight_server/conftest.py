"""Real nodes in this process, and clients of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.auth import keys
from tests.flight_server.wire_client import Served, WireClient, serving


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A node for all tests of a module that leave it as they found it."""
    with serving() as node:
        yield node


@pytest.fixture
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[WireClient]:
    """A client with a session of its own."""
    with served.client(user=request.node.name) as made:
        yield made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A file with cluster keys."""
    path = tmp_path / "keys"
    path.write_bytes(keys.encode(keys.generate()))
    path.chmod(0o600)
    return path
