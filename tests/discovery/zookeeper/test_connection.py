"""The connection: which client holds the session."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from flightkeeper.discovery.zookeeper.connection import Connection
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.session import LinkState
from flightkeeper.discovery.zookeeper.supervision import Limits
from tests.support.zookeeper_server import ZooKeeperServer, free_ports

pytestmark = pytest.mark.zookeeper

LIMITS = Limits(lost_after_s=0.3, fresh_after_s=0.6, fresh_grace_s=0.5)


class Made:
    """A connection whose registry's thread is the test's own."""

    def __init__(self, hosts: str, limits: Limits = LIMITS, session_s: float = 4.0) -> None:
        self.changes: list[LinkState] = []
        self._notes: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.connection = Connection(
            LinkOptions(hosts, 1, session_s),
            limits,
            note=self._notes.put,
            changed=self.changes.append,
            clock=time.monotonic,
        )

    def run_until(self, holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, self.changes
            self.connection.supervise()
            try:
                self._notes.get(timeout=0.02)()
            except queue.Empty:
                continue


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    with ZooKeeperServer(tmp_path) as started:
        yield started


def test_it_connects_and_says_so(zookeeper: ZooKeeperServer) -> None:
    made = Made(zookeeper.hosts)
    assert not made.connection.connected
    made.run_until(lambda: made.connection.connected)
    assert made.connection.wait_connected(10) is made.connection.link
    assert made.changes == [LinkState.CONNECTED]
    made.connection.close(2)
    assert made.connection.wait_connected(10) is None


def test_no_server() -> None:
    made = Made(f"127.0.0.1:{free_ports(1)[0]}")
    assert made.connection.wait_connected(0.05) is None
    first = made.connection.link
    made.run_until(lambda: made.connection._candidate is not None)
    assert made.changes == [LinkState.LOST]
    assert made.connection.link is first
    made.connection.close(2)


def test_the_old_client_is_kept_when_both_come_back(server: ZooKeeperServer) -> None:
    # Grace and session outlast kazoo's longest pause between two attempts, on a busy machine too.
    made = Made(server.hosts, replace(LIMITS, fresh_grace_s=20.0), session_s=20.0)
    made.run_until(lambda: made.connection.connected)
    first, session_id = made.connection.link, made.connection.link.session_id
    server.kill()
    made.run_until(lambda: made.connection._candidate is not None)
    assert made.changes == [LinkState.CONNECTED, LinkState.SUSPENDED, LinkState.LOST]
    server.restart()
    made.run_until(lambda: made.connection.connected and made.connection._candidate is None)
    assert made.connection.link is first
    assert first.session_id == session_id
    assert made.changes[3:] == [LinkState.CONNECTED]
    made.connection.close(2)


def test_the_fresh_client_takes_over_when_only_it_comes_back(server: ZooKeeperServer) -> None:
    made = Made(server.hosts)
    made.run_until(lambda: made.connection.connected)
    first = made.connection.link
    server.kill()
    made.run_until(lambda: made.connection._candidate is not None)
    # As good as being refused for ever.
    first._handler.sever()
    server.restart()
    made.run_until(lambda: made.connection.connected)
    assert made.connection.link is not first
    assert first.given_up
    assert made.changes[-2:] == [LinkState.LOST, LinkState.CONNECTED]
    made.connection.close(2)


def test_a_client_that_gave_up_is_replaced_at_once(server: ZooKeeperServer) -> None:
    made = Made(server.hosts)
    made.run_until(lambda: made.connection.connected)
    first = made.connection.link
    first.close(2)
    made.run_until(lambda: made.connection.connected and made.connection.link is not first)
    assert LinkState.LOST in made.changes
    made.connection.close(2)


def test_close_ends_a_candidate_too(server: ZooKeeperServer) -> None:
    made = Made(server.hosts)
    made.run_until(lambda: made.connection.connected)
    server.kill()
    made.run_until(lambda: made.connection._candidate is not None)
    candidate = made.connection._candidate
    assert candidate is not None
    made.connection.close(2)
    assert candidate.given_up
