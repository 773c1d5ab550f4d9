"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest

from tests.support.zookeeper_server import ZooKeeperServer

pytest_plugins = ["tests.conformance.compatibility"]


@pytest.fixture(scope="session")
def zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    """One running server for all tests that do not hurt it; each uses a chroot of its own."""
    with ZooKeeperServer(tmp_path_factory.mktemp("zookeeper")) as server:
        yield server
