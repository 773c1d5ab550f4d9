"""Fixtures of the client's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flightkeeper.client import Connection, connect
from tests.support.processes import running
from tests.support.stub_process import StubProcess


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[Callable[..., StubProcess]]:
    """Starts stub nodes, and ends them with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(StubProcess(tmp_path, **options))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubProcess]:
    """One node for the tests that do not hurt it."""
    with StubProcess(tmp_path_factory.mktemp("stub")) as process:
        yield process


@pytest.fixture(scope="session")
def service() -> Iterator[str]:
    """The URL of one real node, for the tests that do not hurt it."""
    flags = ("--insecure", "--listen", "grpc://127.0.0.1:0", "--database", ":memory:")
    with running("serve", *flags) as node:
        yield static_url(node.line()["location"])


@pytest.fixture
def real(service: str) -> Iterator[Connection]:
    """A connection to it; each test has the schema `work` to itself."""
    with connect(service) as connection:
        connection.execute("DROP SCHEMA IF EXISTS work CASCADE; CREATE SCHEMA work")
        yield connection


def static_url(*locations: str) -> str:
    """The URL of nodes by their locations."""
    return f"flightsql://{','.join(each.partition('://')[2] for each in locations)}?transport=tcp"
