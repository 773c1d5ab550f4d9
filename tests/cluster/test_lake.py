"""Writes to the lake while nodes, its catalog's server and ZooKeeper fail: each happens once.

What was said of each write is held against what is in the lake in the end.
"""

import itertools
import logging
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

from flightkeeper import client
from tests.flight_server.wire_client import WireClient, basic
from tests.support.cluster import SERVICE, Cluster
from tests.support.lake_load import ALL_WAYS, LARGE, TABLES, LakeLoad, lies
from tests.support.postgres_relay import Point, PostgresRelay, losing_commits
from tests.support.postgres_server import PostgresServer, postgres_server
from tests.support.processes import running
from tests.support.threads import Threads
from tests.support.zookeeper_server import ZooKeeperServer

WRITES = int(os.environ.get("LAKE_WRITES", "1"))
"""At least so many are acknowledged while everything fails in turn; the long run has 50,000."""
SECONDS = float(os.environ.get("LAKE_SECONDS", "inf"))
"""But for no longer than this."""
KILLS = int(os.environ.get("LAKE_KILLS", "3"))
"""So many nodes are killed under large writes; the long run has 200."""
PAUSE_S = float(os.environ.get("LAKE_PAUSE_S", "2"))
"""Between two faults; in the long run longer, since little is written while one lasts."""
NODES = ("n1", "n2", "n3")
WRITERS = 8
_SEED = 6
_WORKS_MAX_S = 0.8

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.lake,
    pytest.mark.timeout(240 + WRITES // 4 + KILLS * 10),
]
_measured = logging.getLogger("measured")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


def start(stack: ExitStack, registry: str, lake: str, files: Path) -> Cluster:
    cluster = Cluster(
        registry,
        None,
        FLIGHTKEEPER_LAKE=lake,
        FLIGHTKEEPER_LAKE_DATA=str(files),
        # Who writes so much lets versions go soon, and it is one thing more that may go wrong.
        FLIGHTKEEPER_LAKE_SNAPSHOTS_KEPT_S="60",
    )
    stack.enter_context(cluster)
    for node_id in NODES:
        cluster.start(node_id)
    return cluster


def connect(stack: ExitStack, cluster: Cluster, cache: Path) -> client.Connection:
    connection = stack.enter_context(client.connect(cluster.url, cache_dir=cache))
    for table in TABLES:
        connection.execute(table)
    return connection


def _faults(
    cluster: Cluster, zookeeper: ZooKeeperServer, server: PostgresServer, rng: random.Random
) -> tuple[Callable[[], object], ...]:
    def kill() -> None:
        node_id = rng.choice(NODES)
        cluster.kill(node_id)
        cluster.start(node_id)

    def freeze() -> None:
        """For longer than its session lasts."""
        node_id = rng.choice(NODES)
        cluster.freeze(node_id)
        time.sleep(6)
        cluster.thaw(node_id)

    def leave_without_zookeeper() -> None:
        """For longer than all sessions last."""
        zookeeper.kill()
        time.sleep(6)
        zookeeper.restart()

    return kill, server.end_connections, freeze, server.restart, leave_without_zookeeper


def test_whatever_fails_each_write_happens_once(
    stack: ExitStack, tmp_path: Path, server: PostgresServer
) -> None:
    zookeeper = stack.enter_context(ZooKeeperServer(tmp_path / "zookeeper"))
    cluster = start(stack, f"{zookeeper.url}/lake", server.lake, tmp_path / "files")
    connection = connect(stack, cluster, tmp_path)
    # Looks at everything get dearer while the writes of a long run add up.
    load = LakeLoad(connection, WRITERS, _SEED, ALL_WAYS, look_every_s=PAUSE_S / 10)
    faults = itertools.cycle(_faults(cluster, zookeeper, server, random.Random(_SEED)))
    deadline_s = time.monotonic() + SECONDS
    with load.working():
        for number, fault in enumerate(faults):
            time.sleep(PAUSE_S)
            enough = load.acknowledged >= WRITES or time.monotonic() > deadline_s
            if number >= 5 and enough:
                break
            fault()
            _measured.info("%s: %s", fault.__name__, load.so_far)
    _measured.info("%s", load.told.reasons)
    assert not lies(load.told, connection)


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_a_killed_node_leaves_nothing_in_parts(
    stack: ExitStack, tmp_path: Path, request: pytest.FixtureRequest, backend: str
) -> None:
    lake = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    if backend == "postgres":
        lake = request.getfixturevalue("server").lake
    cluster = start(stack, f"dir://{tmp_path}/registry", lake, tmp_path / "files")
    connection = connect(stack, cluster, tmp_path)
    load, rng = LakeLoad(connection, 4, _SEED, LARGE), random.Random(_SEED)
    with load.working():
        for _ in range(KILLS):
            time.sleep(rng.uniform(0, _WORKS_MAX_S))
            node_id = rng.choice(NODES)
            cluster.kill(node_id)
            cluster.start(node_id)
    _measured.info("%s, %d kills: %s: %s", backend, KILLS, load.told, load.told.reasons)
    assert not lies(load.told, connection)
    # Others are there to ask, so that nothing stays open that the ledger knows of.
    assert not load.told.unknown
    refused = load.told.refused.items()
    assert not {name: why for name, why in refused if name.startswith("large batch")}


@pytest.fixture
def relay(server: PostgresServer) -> Iterator[PostgresRelay]:
    with losing_commits(server.home) as started:
        yield started


@pytest.fixture
def hindered(
    stack: ExitStack, tmp_path: Path, relay: PostgresRelay
) -> tuple[Cluster, client.Connection]:
    """Nodes whose commits can be held up, and a client."""
    lake = f"ducklake:postgres://postgres@/postgres?host={relay.home}"
    cluster = start(stack, f"dir://{tmp_path}/registry", lake, tmp_path / "files")
    return cluster, connect(stack, cluster, tmp_path)


class Committing(Threads):
    """A client that commits one transaction."""

    def __init__(self, connection: client.Connection, name: str) -> None:
        super().__init__(1)
        self._connection = connection
        self._name = name
        self.node = ""
        self.error: client.FlightkeeperError | None = None

    def work(self, number: int) -> None:
        del number
        try:
            with self._connection.transaction() as transaction:
                self.node = repr(transaction).removesuffix(">").split(" on ")[1]
                transaction.execute("INSERT INTO entry VALUES (?)", [self._name])
                transaction.execute("INSERT INTO item VALUES (?, 0, 1)", [self._name])
        except client.FlightkeeperError as exc:
            self.error = exc


@pytest.mark.parametrize("hurt", [Cluster.kill, Cluster.freeze])
def test_another_node_tells_what_became_of_a_commit(
    hindered: tuple[Cluster, client.Connection],
    relay: PostgresRelay,
    hurt: Callable[[Cluster, str], None],
) -> None:
    cluster, connection = hindered
    for point in (Point.AFTER, Point.BEFORE):
        committing = Committing(connection, point.name)
        with relay.holding(point), committing.working():
            assert relay.held.wait(20), committing.error
            hurt(cluster, committing.node)
        if point is Point.AFTER:
            assert committing.error is None
        else:
            assert isinstance(committing.error, client.TransactionUndone)
            assert (committing.error.retryable, committing.error.in_doubt) == (True, False)
        if hurt is Cluster.freeze:
            # It wakes up, and does what it was at.
            cluster.thaw(committing.node)
        else:
            cluster.start(committing.node)
        connection.execute("INSERT INTO credit VALUES ('later', 0, 1)")
        for table in ("entry", "item"):
            found = connection.query(f"SELECT id FROM {table}").fetchall()
            assert found == [(Point.AFTER.name,)]


class StockCommit(Threads):
    """A client that knows nothing of this and commits one transaction: by an action, or as SQL."""

    def __init__(self, wire: WireClient, name: str, *, as_text: bool) -> None:
        super().__init__(1)
        self._wire = wire
        self._id = None if as_text else wire.begin()
        if as_text:
            wire.update("BEGIN")
        wire.update(f"INSERT INTO entry VALUES ('{name}')", self._id)
        self.node = wire.value("SELECT node_id FROM system.sessions WHERE in_transaction")
        self.error = ""

    def work(self, number: int) -> None:
        del number
        try:
            if self._id is None:
                self._wire.update("COMMIT")
            else:
                self._wire.end(self._id)
        except pa.ArrowException as exc:
            self.error = str(exc)


def test_a_gateway_asks_another_node_what_became_of_a_commit(
    stack: ExitStack,
    tmp_path: Path,
    hindered: tuple[Cluster, client.Connection],
    relay: PostgresRelay,
) -> None:
    cluster, connection = hindered
    flags = ("gateway", "--registry", f"dir://{tmp_path}/registry", "--service", SERVICE)
    location = stack.enter_context(running(*flags)).line()["location"]
    for as_text, point in itertools.product((False, True), (Point.AFTER, Point.BEFORE)):
        with WireClient(location, basic("ada")) as wire:
            committing = StockCommit(wire, f"{point.name} {as_text}", as_text=as_text)
            with relay.holding(point), committing.working():
                assert relay.held.wait(20), committing.error
                cluster.kill(committing.node)
        if point is Point.AFTER:
            assert not committing.error
        else:
            assert "the transaction was rolled back, nothing of it was written" in committing.error
        cluster.start(committing.node)
    found = connection.query("SELECT id FROM entry ORDER BY id").fetchall()
    assert found == [("AFTER False",), ("AFTER True",)]


class StockWriters(Threads):
    """ADBC connections that insert rows through a gateway."""

    def __init__(self, location: str) -> None:
        super().__init__(4)
        self.acknowledged: set[str] = set()
        self.failed: list[str] = []
        self._location = location

    def work(self, number: int) -> None:
        login = {"username": f"writer-{number}", "password": "any"}
        with adbc.connect(self._location, db_kwargs=login, autocommit=True) as connection:
            for serial in itertools.count():
                if self.stopped.is_set():
                    return
                self._one(connection, f"stock-{number}-{serial}")

    def _one(self, connection: Any, name: str) -> None:
        try:
            with connection.cursor() as cursor:
                # One call: what fetches an answer after it would have to find its node again.
                cursor.adbc_statement.set_sql_query(f"INSERT INTO entry VALUES ('{name}')")
                changed = cursor.adbc_statement.execute_update()
        except adbc.Error as exc:
            with self.lock:
                self.failed.append(f"{name}: {exc}")
            return
        with self.lock:
            assert changed == 1
            self.acknowledged.add(name)


def test_stock_drivers_write_once_through_a_gateway(stack: ExitStack, tmp_path: Path) -> None:
    registry = f"dir://{tmp_path}/registry"
    lake = f"ducklake:sqlite:{tmp_path}/lake.sqlite"
    cluster = start(stack, registry, lake, tmp_path / "files")
    flags = ("gateway", "--registry", registry, "--service", SERVICE)
    location = stack.enter_context(running(*flags)).line()["location"]
    connection = connect(stack, cluster, tmp_path)
    writers = StockWriters(location)
    with writers.working():
        for node_id in NODES:
            time.sleep(PAUSE_S)
            cluster.kill(node_id)
            cluster.start(node_id)
        time.sleep(PAUSE_S)
    stored = Counter(name for (name,) in connection.query("SELECT id FROM entry").fetchall())
    assert not writers.failed, writers.failed[:3]
    assert stored == Counter(writers.acknowledged)
