"""One of three real nodes does what is to be done once, whatever happens to it."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest
from kazoo.client import KazooClient

from flightkeeper.discovery.registry import Registry, open_registry
from tests.discovery.recorder import eventually
from tests.support.cluster import Cluster, make_database
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.zookeeper]

SESSION_S = 4.0
TAKEN_OVER_WITHIN_S = 30.0
DUTY = "sweeping"

_measured = logging.getLogger("measured")


class Observer:
    """Who leads, as ZooKeeper knows it."""

    def __init__(self, registry: Registry, client: KazooClient, chroot: str) -> None:
        self._registry = registry
        self._client = client
        self._chroot = chroot

    def leader(self) -> tuple[str, int]:
        """Who says that it leads, and its token; empty and 0 = nobody yet."""
        found = self._registry.read_document(f"duties/{DUTY}")
        if found is None:
            return "", 0
        told = json.loads(found.data)
        return told["node"], told["token"]

    def first_in_line(self) -> int:
        """The token of whoever has the lock."""
        folder = f"{self._chroot}/leaders/{DUTY}"
        names = self._client.get_children(folder)
        first = min(names, key=lambda name: name.rpartition("-")[2])
        token: int = self._client.exists(f"{folder}/{first}").czxid
        return token

    def after(self, old: int) -> tuple[str, int]:
        """The next leader, and its token."""
        began_s = time.monotonic()
        eventually(lambda: self.leader()[1] > old, TAKEN_OVER_WITHIN_S)
        _measured.info("a duty was taken over after %.1f s", time.monotonic() - began_s)
        assert self.leader()[1] == self.first_in_line()
        return self.leader()

    def leave_something_to_do(self) -> str:
        """What the next leader does first is done: where one can see it."""
        name = f"left-{uuid4().hex}"
        self._registry.lock(name, 10).release()
        return f"{self._chroot}/locks/{name}"

    def is_done(self, path: str) -> bool:
        return self._client.exists(path) is None


@pytest.fixture
def chroot() -> str:
    return f"/test-{uuid4().hex}"


@pytest.fixture
def observer(zookeeper: ZooKeeperServer, chroot: str) -> Iterator[Observer]:
    with ExitStack() as stack:
        registry = stack.enter_context(closing(open_registry(zookeeper.url + chroot)))
        client = KazooClient(zookeeper.hosts)
        client.start()
        stack.callback(client.close)
        stack.callback(client.stop)
        yield Observer(registry, client, chroot)


@pytest.fixture
def cluster(zookeeper: ZooKeeperServer, chroot: str, tmp_path: Path) -> Iterator[Cluster]:
    database = tmp_path / "shared.duckdb"
    make_database(database)
    with Cluster(zookeeper.url + chroot, database) as started:
        for name in ("n1", "n2", "n3"):
            started.start(name)
        yield started


def test_one_leads_and_another_takes_over(cluster: Cluster, observer: Observer) -> None:
    first, token = observer.after(0)
    left = observer.leave_something_to_do()
    cluster.kill(first)
    second, after = observer.after(token)
    assert second != first
    eventually(lambda: observer.is_done(left), 10)

    left = observer.leave_something_to_do()
    cluster.freeze(second)
    third, last = observer.after(after)
    assert third not in {first, second}
    eventually(lambda: observer.is_done(left), 10)
    time.sleep(2 * SESSION_S)
    cluster.thaw(second)
    # It says nothing late.
    time.sleep(1)
    assert observer.leader() == (third, last)

    # A node that leaves gives it up first.
    assert cluster.terminate(third) == 0
    assert observer.after(last)[0] == second
