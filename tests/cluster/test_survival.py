"""Nodes, machines and ZooKeeper fail for real while clients read and write; the ledger is checked.

No read fails, none comes up short; a write that was acknowledged is there once, one that was
refused is not, and of what the client does not know it says so.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from flightkeeper import client
from tests.support.cluster import Cluster, make_database
from tests.support.faults import FAULTS, NODES, Scene, restarted_in_turn
from tests.support.hosts import machines
from tests.support.load import Ledger, Load, stored
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

READERS, WRITERS = 24, 8
SEED = 20_240_229
_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database for each node, with the same numbers in it."""
    folder = tmp_path_factory.mktemp("databases")
    for node_id in NODES:
        make_database(folder / f"{node_id}.duckdb")
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, databases: Path) -> Iterator[Scene]:
    """Three nodes, each on a machine of its own, and a ZooKeeper."""
    home = tmp_path_factory.mktemp("zookeeper")
    with (
        machines(NODES) as (place, hosts),
        ZooKeeperServer(home, place=place) as zookeeper,
        Cluster(f"{zookeeper.url}/survival", databases, hosts=hosts) as cluster,
    ):
        for node_id in NODES:
            cluster.start(node_id)
        yield Scene(cluster, zookeeper)


@pytest.fixture
def connection(scene: Scene, tmp_path: Path) -> Iterator[client.Connection]:
    """A client that has seen nothing go wrong yet."""
    with connect(scene, tmp_path) as connection:
        wait_for_nodes(connection, set(NODES))
        yield connection


@pytest.fixture(scope="module")
def ledgers(scene: Scene, databases: Path) -> Iterator[dict[str, Ledger]]:
    """What all tests did; in the end it is held against what the databases have."""
    made: dict[str, Ledger] = {}
    yield made
    for node_id in NODES:
        scene.cluster.terminate(node_id)
    there = stored(databases / f"{node_id}.duckdb" for node_id in NODES)
    for name, ledger in made.items():
        assert not any(ledger.lies(there).values()), (name, ledger.lies(there))


def connect(scene: Scene, cache: Path) -> client.Connection:
    return client.connect(scene.cluster.url, cache_dir=cache)


def wait_for_nodes(connection: client.Connection, expected: set[str]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while {node.instance.node_id for node in connection.nodes() if not node.absent} != expected:
        assert time.monotonic() < deadline, connection.nodes()
        time.sleep(0.1)


def assert_nothing_failed(ledger: Ledger) -> None:
    assert not ledger.failures, ledger.failures[:3]
    assert not ledger.wrong, ledger.wrong[:3]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_no_read_fails_and_no_write_is_lost_or_doubled(
    fault: str,
    scene: Scene,
    connection: client.Connection,
    ledgers: dict[str, Ledger],
    capsys: pytest.CaptureFixture[str],
) -> None:
    load = Load(connection, READERS, SEED + len(ledgers), seconds_max=120, writers=WRITERS)
    load.start()
    time.sleep(1)
    began_s = time.monotonic()
    FAULTS[fault](scene)
    ended_s = time.monotonic()
    time.sleep(1)
    ledgers[fault] = ledger = load.stop()
    assert_nothing_failed(ledger)
    assert ledger.acknowledged
    if FAULTS[fault] is restarted_in_turn:
        assert ledger.quiet_seconds(began_s, ended_s) == []
    with capsys.disabled():
        sys.stdout.write(f"\n{fault}: {told(ledger, began_s, ended_s)}\n")


def told(ledger: Ledger, began_s: float, ended_s: float) -> str:
    """In numbers, for whoever reads along; times are not judged here."""
    before, during = ledger.between(0, began_s), ledger.between(began_s, ended_s)
    parts = ((label, part) for label, part in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0)))
    times = ", ".join(
        f"{label} {before.quantile_ms(part):.0f} -> {during.quantile_ms(part):.0f} ms"
        for label, part in parts
    )
    writes: Mapping[str, int] = {
        "acknowledged": len(ledger.acknowledged),
        "unknown": len(ledger.unknown),
        "refused": len(ledger.refused),
    }
    return f"{len(ledger.done)} reads, 0 failed, {times}; writes {dict(writes)}"


def test_a_new_client_starts_from_its_snapshot_while_zookeeper_is_away(
    scene: Scene, connection: client.Connection, tmp_path: Path
) -> None:
    assert connection.query("SELECT 1 AS a").read_all().num_rows == 1
    scene.zookeeper.kill()
    try:
        with connect(scene, tmp_path) as late:
            assert late.query("SELECT count(*) AS n FROM number").read_all().num_rows == 1
    finally:
        scene.zookeeper.restart()


def test_a_node_that_left_in_order_is_forgotten(
    scene: Scene, connection: client.Connection
) -> None:
    connection.query("SELECT 1 AS a").read_all()
    began = time.monotonic()
    assert scene.cluster.terminate("n1") == 0
    assert time.monotonic() - began < 10
    # A client that missed the word "draining" forgets the node when a probe has failed.
    wait_for_nodes(connection, {"n2", "n3"})
    scene.cluster.start("n1")
    wait_for_nodes(connection, set(NODES))
