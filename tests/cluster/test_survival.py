"""Nodes and ZooKeeper die for real while clients read: nothing fails, nothing comes up short."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flightkeeper import client
from tests.support.cluster import Cluster, make_database
from tests.support.load import Load, Tally
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NODES = ("n1", "n2", "n3")
CLIENTS = 16
SEED = 20_240_229


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shared.duckdb"
    make_database(path)
    return path


@pytest.fixture
def own_zookeeper(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A server this test may hurt."""
    with ZooKeeperServer(tmp_path / "zookeeper") as server:
        yield server


@pytest.fixture
def cluster(own_zookeeper: ZooKeeperServer, database: Path) -> Iterator[Cluster]:
    with Cluster(f"{own_zookeeper.url}/survival", database) as started:
        for node_id in NODES:
            started.start(node_id)
        yield started


def connect(cluster: Cluster, cache: Path) -> client.Connection:
    return client.connect(cluster.url, cache_dir=cache)


def assert_nothing_failed(tally: Tally) -> None:
    assert not tally.failures, tally.failures[:3]
    assert not tally.wrong, tally.wrong[:3]


def kill_every_few_seconds(cluster: Cluster, for_s: float) -> int:
    """Kill one node after another and start each again; how many were killed.

    Restarts run beside the killing, but one node always stays: what is tested is losing nodes,
    not having none.
    """
    up = set(NODES)
    victims = 0

    def restart(node_id: str) -> None:
        cluster.start(node_id)
        up.add(node_id)

    end = time.monotonic() + for_s
    with ThreadPoolExecutor(len(NODES), thread_name_prefix="restart") as restarts:
        while time.monotonic() < end:
            time.sleep(3)
            if len(up) < 2:
                continue
            victim = sorted(up)[victims % len(up)]
            up.discard(victim)
            cluster.kill(victim)
            victims += 1
            restarts.submit(restart, victim)
    return victims


def report(capsys: pytest.CaptureFixture[str], name: str, tally: Tally) -> None:
    """Latencies go to the terminal, they are not judged here."""
    times = ", ".join(
        f"{label} {tally.quantile_ms(part):.0f} ms"
        for label, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {len(tally.seconds)} reads, 0 failed; {times}\n")


@pytest.mark.slow
def test_reads_survive_a_minute_of_killed_nodes(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(cluster, tmp_path) as connection:
        calm = Load(connection, CLIENTS, SEED, seconds_max=30)
        calm.start()
        time.sleep(5)
        before = calm.stop()
        load = Load(connection, CLIENTS, SEED, seconds_max=120)
        load.start()
        victims = kill_every_few_seconds(cluster, for_s=60)
        tally = load.stop()
    assert victims >= 5
    assert_nothing_failed(before)
    assert_nothing_failed(tally)
    report(capsys, "nodes left alone", before)
    report(capsys, f"{victims} nodes killed", tally)


def test_reads_go_on_without_zookeeper_and_a_new_client_starts_from_its_snapshot(
    cluster: Cluster, own_zookeeper: ZooKeeperServer, tmp_path: Path
) -> None:
    with connect(cluster, tmp_path) as connection:
        assert connection.query("SELECT 1 AS a").read_all().num_rows == 1
        own_zookeeper.kill()
        load = Load(connection, CLIENTS, SEED, seconds_max=60)
        load.start()
        time.sleep(8)  # two ZooKeeper sessions long
        with connect(cluster, tmp_path) as late:
            assert late.query("SELECT count(*) AS n FROM number").read_all().num_rows == 1
        tally = load.stop()
        own_zookeeper.restart()
    assert_nothing_failed(tally)
    assert len(tally.seconds) > CLIENTS


def test_a_node_killed_while_zookeeper_is_away_costs_no_read(
    cluster: Cluster, own_zookeeper: ZooKeeperServer, tmp_path: Path
) -> None:
    with connect(cluster, tmp_path) as connection:
        load = Load(connection, CLIENTS, SEED, seconds_max=60)
        load.start()
        own_zookeeper.kill()
        time.sleep(1)
        cluster.kill("n2")
        time.sleep(4)
        assert_nothing_failed(load.stop())
        own_zookeeper.restart()


def test_a_frozen_node_costs_time_but_no_read(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(cluster, tmp_path) as connection:
        load = Load(connection, CLIENTS, SEED, seconds_max=90)
        load.start()
        time.sleep(1)
        cluster.freeze("n3")
        time.sleep(15)
        cluster.thaw("n3")
        tally = load.stop()
    assert_nothing_failed(tally)
    report(capsys, "one node frozen", tally)


def test_a_drain_costs_no_read_and_ends_in_time(cluster: Cluster, tmp_path: Path) -> None:
    with connect(cluster, tmp_path) as connection:
        load = Load(connection, CLIENTS, SEED, seconds_max=60)
        load.start()
        time.sleep(1)
        began = time.monotonic()
        assert cluster.terminate("n1") == 0
        assert time.monotonic() - began < 10
        time.sleep(1)
        assert_nothing_failed(load.stop())
        # A client that missed the word "draining" forgets the node when a probe has failed.
        deadline = time.monotonic() + 30
        while {node.instance.node_id for node in connection.nodes()} != {"n2", "n3"}:
            assert time.monotonic() < deadline, connection.nodes()
            time.sleep(0.1)
