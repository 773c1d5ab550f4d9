"""The registries under test, as fixtures."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.discovery.backends import Backend, DirectoryBackend, MemoryBackend, ZooKeeperBackend


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is entered here is left at the end of the test."""
    with ExitStack() as entered:
        yield entered


@pytest.fixture(params=["memory", "directory", pytest.param("zk", marks=pytest.mark.zookeeper)])
def backend(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Backend:
    """Each registry in turn."""
    return _backend(request, stack, tmp_path)


@pytest.fixture(params=["directory", pytest.param("zk", marks=pytest.mark.zookeeper)])
def shared_backend(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Backend:
    """Each registry that other processes can open."""
    return _backend(request, stack, tmp_path)


def _backend(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Backend:
    match request.param:
        case "memory":
            return MemoryBackend(stack)
        case "directory":
            return DirectoryBackend(stack, tmp_path / "registry")
        case _:
            return ZooKeeperBackend(stack, request.getfixturevalue("zookeeper"))
