"""The children of `flightkeeper up`."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flightkeeper.cli.cluster import Cluster, NodeEnded, NodeEvent, NodeReady

pytestmark = pytest.mark.cluster

TIMEOUT_S = 30.0


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Path(os.devnull).open("w") as log:
        made = Cluster(["--insecure"], log)
        yield made
        made.close(TIMEOUT_S)


def event(cluster: Cluster) -> NodeEvent:
    return cluster.events.get(timeout=TIMEOUT_S)


def test_a_node_becomes_ready_and_drains(cluster: Cluster) -> None:
    pid = cluster.start("n1")
    ready = event(cluster)
    assert isinstance(ready, NodeReady)
    assert ready.node_id == "n1"
    assert ready.location.startswith("grpc://127.0.0.1:")
    cluster.drain()
    assert event(cluster) == NodeEnded("n1", 0)
    assert not psutil.pid_exists(pid)


def test_a_killed_node_is_reported_and_can_be_started_again(cluster: Cluster) -> None:
    pid = cluster.start("n1")
    assert isinstance(event(cluster), NodeReady)
    os.kill(pid, signal.SIGKILL)
    ended = event(cluster)
    assert ended == NodeEnded("n1", -signal.SIGKILL)
    assert ended.reason == "killed by SIGKILL"
    assert cluster.start("n1") != pid
    assert isinstance(event(cluster), NodeReady)


def test_all_can_be_killed(cluster: Cluster) -> None:
    cluster.start("n1")
    assert isinstance(event(cluster), NodeReady)
    cluster.kill()
    assert event(cluster) == NodeEnded("n1", -signal.SIGKILL)


def test_close_kills_what_will_not_end(cluster: Cluster) -> None:
    pid = cluster.start("n1")
    assert isinstance(event(cluster), NodeReady)
    os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    cluster.close(0.2)
    assert time.monotonic() - before < 10
    assert event(cluster) == NodeEnded("n1", -signal.SIGKILL)
    cluster.close(0.2)


def test_how_an_end_is_told() -> None:
    assert NodeEnded("n1", 2).reason == "exit code 2"
