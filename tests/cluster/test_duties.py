"""One of three real nodes does what is to be done once, whatever happens to it."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kazoo.client import KazooClient

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    ObjectName,
    Table,
)
from flightkeeper.discovery.catalog.partitions import page_document
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.flight_server.auth import key_changes
from flightkeeper.flight_server.auth.key_ring import Ring
from tests.discovery.recorder import eventually
from tests.flight_server.wire_client import WireClient, basic
from tests.support.cluster import Cluster, make_database
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.zookeeper]

SESSION_S = 4.0
TAKEN_OVER_WITHIN_S = 30.0
DUTY = "sweeping"
SETTINGS = {
    "FLIGHTKEEPER_KEY_ROTATION_S": "259200",
    "FLIGHTKEEPER_CATALOG_DISCOVERY_S": "1",
    "FLIGHTKEEPER_CATALOG_REPAIR_S": "1",
}
EVENTS = {
    "keys": "keys rotated",
    "discovery": "partitions discovered",
    "repair": "catalog mended",
}
ORPHAN = page_document(ObjectName("s", "dropped"), 0)

_measured = logging.getLogger("measured")


class Observer:
    """Who leads, as ZooKeeper knows it."""

    def __init__(self, registry: Registry, client: KazooClient, chroot: str) -> None:
        self.registry = registry
        self._client = client
        self._chroot = chroot

    def leader(self, duty: str = DUTY) -> tuple[str, int]:
        """Who says that it leads, and its token; empty and 0 = nobody yet."""
        found = self.registry.read_document(f"duties/{duty}")
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
        self.registry.lock(name, 10).release()
        return f"{self._chroot}/locks/{name}"

    def is_done(self, path: str) -> bool:
        return self._client.exists(path) is None


class Upkeep:
    """Something to do for each duty of the catalog and the keys, and what became of it."""

    def __init__(self, registry: Registry, root: Path) -> None:
        self.registry = registry
        self._root = root
        self._days: list[str] = []

    def define(self) -> None:
        """A table whose partitions are discovered."""
        columns = (Column("id", "BIGINT"), Column("day", "INTEGER"))
        options = {"discover.partitions": "true"}
        table = Table(columns, Format.PARQUET, str(self._root), options, ("day",))
        author = changing.Author("ada", 1)
        changing.define(self.registry, Definition(ObjectName("s", "t"), table), author)

    def leave(self) -> None:
        """A folder, a page that nothing names, and keys that are old."""
        self._days.append(str(len(self._days)))
        folder = self._root / f"day={self._days[-1]}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": [1]}), folder / "a.parquet")
        found = self.registry.read_document(ORPHAN)
        self.registry.write_document(ORPHAN, b"[]", None if found is None else found.version)
        key_changes.change_ring(self.registry, _aged)

    def has_young_keys(self) -> bool:
        """Whether keys were made lately, and are signed with."""
        return key_changes.read_ring(self.registry).current.created_s > 1

    def is_done(self) -> bool:
        """Whether all of it is done."""
        orphan = self.registry.read_document(ORPHAN)
        _, _, partitions = changing.read_table(self.registry, ObjectName("s", "t"))
        return (
            orphan is not None
            and not orphan.data
            and self.has_young_keys()
            and [partition.values[0] for partition in partitions] == self._days
        )


def _aged(ring: Ring) -> Ring:
    old = tuple(replace(generation, created_s=1.0) for generation in ring.generations)
    return Ring(ring.revision + 1, old)


def happened(client: WireClient, event: str) -> list[str]:
    """The nodes on which something happened, once for each time."""
    text = f"SELECT node_id FROM system.events WHERE event = '{event}'"
    return [row["node_id"] for row in client.query(text).to_pylist()]


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
    with Cluster(zookeeper.url + chroot, database, hosts=None, **SETTINGS) as started:
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


def test_keys_partitions_and_pages_are_looked_after_by_one(
    cluster: Cluster, observer: Observer, tmp_path: Path
) -> None:
    upkeep = Upkeep(observer.registry, tmp_path / "data")
    upkeep.define()
    # Nobody knows the age of a cluster's first keys.
    eventually(upkeep.has_young_keys, TAKEN_OVER_WITHIN_S)
    upkeep.leave()
    eventually(upkeep.is_done, TAKEN_OVER_WITHIN_S)
    first = {duty: observer.leader(duty) for duty in EVENTS}
    with WireClient(cluster.locations["n1"], basic("ada")) as client:
        for duty, event in EVENTS.items():
            assert set(happened(client, event)) == {first[duty][0]}

    dead = {node for node, _ in first.values()}
    for node in dead:
        cluster.kill(node)
    survivor = next(node for node in cluster.locations if node not in dead)
    upkeep.leave()
    began_s = time.monotonic()
    eventually(upkeep.is_done, TAKEN_OVER_WITHIN_S)
    _measured.info("all duties were done by others after %.1f s", time.monotonic() - began_s)
    with WireClient(cluster.locations[survivor], basic("ada")) as client:
        for duty, (_, token) in first.items():
            node, after = observer.leader(duty)
            assert after > token
            assert set(happened(client, EVENTS[duty])) == {node}
