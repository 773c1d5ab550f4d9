"""What is kazoo's in a session: translation, permissions, limits, the end."""

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from kazoo import exceptions as kz
from kazoo.handlers.threading import KazooTimeoutError

from flightkeeper.discovery.errors import RegistryDenied, RegistryError, RegistryUnavailable
from flightkeeper.discovery.zookeeper import handler
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.session import Link, LinkState, _translated
from flightkeeper.discovery.zookeeper.znodes import (
    ZNODE_BYTES_MAX,
    AnswerLost,
    NodeExists,
    NoNode,
    VersionChanged,
)
from tests.discovery.recorder import eventually
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = pytest.mark.zookeeper


class Opened:
    """A link and the states it went through."""

    def __init__(
        self,
        hosts: str,
        session_s: float = 4.0,
        credentials: tuple[str, str] | None = None,
        chroot: str = "",
    ) -> None:
        self._states: queue.SimpleQueue[LinkState] = queue.SimpleQueue()
        options = LinkOptions(hosts, 1, session_s, credentials, chroot=chroot)
        self.link = Link(options, lambda _, state: self._states.put(state))
        self.link.start()

    def next_state(self) -> LinkState:
        return self._states.get(timeout=10)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def connected(
    stack: ExitStack,
    hosts: str,
    session_s: float = 4.0,
    credentials: tuple[str, str] | None = None,
    chroot: str = "",
) -> Opened:
    opened = Opened(hosts, session_s, credentials, chroot)
    stack.callback(opened.link.close, 2.0)
    assert opened.next_state() is LinkState.CONNECTED
    return opened


def test_credentials_are_in_no_repr() -> None:
    assert "secret" not in repr(LinkOptions("h:1", 1, 4.0, ("me", "secret")))


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (kz.NoNodeError(), NoNode),
        (kz.NodeExistsError(), NodeExists),
        (kz.BadVersionError(), VersionChanged),
        (kz.NoAuthError(), RegistryDenied),
        (kz.ConnectionLoss(), AnswerLost),
        (kz.SessionExpiredError("gone"), AnswerLost),
        (KazooTimeoutError(), AnswerLost),
        (kz.MarshallingError(), RegistryUnavailable),
    ],
)
def test_errors_are_translated(foreign: Exception, ours: type[RegistryError]) -> None:
    translated = _translated(foreign)
    assert type(translated) is ours
    assert type(foreign).__name__ in str(translated)


def test_without_credentials_everything_is_open(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    path = f"/{uuid4().hex}"
    connected(stack, zookeeper.hosts).link.create(path, b"x", ephemeral=False)
    assert connected(stack, zookeeper.hosts).link.read(path) is not None


def test_credentials_keep_others_from_writing_and_from_keys(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    root = f"/{uuid4().hex}"
    mine = connected(stack, zookeeper.hosts, credentials=("node", "secret"), chroot=root).link
    same = connected(stack, zookeeper.hosts, credentials=("node", "secret"), chroot=root).link
    wrong = connected(stack, zookeeper.hosts, credentials=("node", "guess"), chroot=root).link
    anybody = connected(stack, zookeeper.hosts, chroot=root).link
    mine.create_path(f"{root}/services")
    mine.create_path(f"{root}/keys")
    mine.create(f"{root}/services/n1", b"x", ephemeral=True)
    mine.create(f"{root}/keys/k", b"x", ephemeral=False)

    assert same.read(f"{root}/keys/k") is not None
    for other in (wrong, anybody):
        assert other.read(f"{root}/services/n1") is not None
        with pytest.raises(RegistryDenied):
            other.read(f"{root}/keys/k")
        with pytest.raises(RegistryDenied):
            other.write(f"{root}/services/n1", b"y", 0)
        with pytest.raises(RegistryDenied):
            other.delete(f"{root}/services/n1", 0)
        with pytest.raises(RegistryDenied):
            other.replace(f"{root}/services/n1", b"y", 0)
        with pytest.raises(RegistryDenied):
            other.create(f"{root}/keys/l", b"y", ephemeral=False)
        other.create_path(f"{root}/services")


def test_a_znode_too_big_is_refused_before_it_is_sent(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    link = connected(stack, zookeeper.hosts).link
    data = b"x" * (ZNODE_BYTES_MAX + 1)
    with pytest.raises(ValueError, match="/big"):
        link.create("/big", data, ephemeral=False)
    with pytest.raises(ValueError, match="/big"):
        link.write("/big", data, 0)
    with pytest.raises(ValueError, match="/big"):
        link.replace("/big", data, 0)
    path = f"/{uuid4().hex}"
    link.create(path, data[1:], ephemeral=False)
    assert link.read(path) is not None


def test_nothing_is_sent_while_disconnected(stack: ExitStack) -> None:
    link = Opened("127.0.0.1:1").link
    stack.callback(link.close, 2.0)
    with pytest.raises(AnswerLost, match="nothing was sent"):
        assert link.session_id
    with pytest.raises(AnswerLost, match="nothing was sent"):
        link.read("/x")
    with pytest.raises(AnswerLost, match="nothing was sent"):
        link.create("/x", b"", ephemeral=True)
    assert not link.connected
    assert not link.given_up


def test_a_call_is_bounded_while_the_server_hangs(tmp_path: Path, stack: ExitStack) -> None:
    with ZooKeeperServer(tmp_path) as server:
        opened = connected(stack, server.hosts, session_s=2.0)
        server.stop()
        start = time.monotonic()
        with pytest.raises(AnswerLost):
            opened.link.read("/")
        assert time.monotonic() - start < 5
        assert opened.next_state() is LinkState.SUSPENDED
        server.cont()
        assert opened.next_state() in LinkState


def test_close_ends_its_threads_and_its_session(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    before = set(threading.enumerate())
    path = f"/{uuid4().hex}"
    opened = connected(stack, zookeeper.hosts)
    opened.link.create(path, b"", ephemeral=True)
    assert {t.name for t in set(threading.enumerate()) - before} == {
        "zookeeper-zk_loop",
        "zookeeper-thread_worker",
    }
    opened.link.close(4)
    opened.link.close(4)
    assert set(threading.enumerate()) <= before
    assert opened.link.given_up
    other = connected(stack, zookeeper.hosts).link
    eventually(lambda: other.read(path) is None, 2.0)


def test_close_severs_a_connection_that_hangs(tmp_path: Path) -> None:
    with ZooKeeperServer(tmp_path) as server:
        before = set(threading.enumerate())
        opened = Opened(server.hosts, session_s=20.0)
        assert opened.next_state() is LinkState.CONNECTED
        server.stop()
        start = time.monotonic()
        opened.link.close(2)
        assert time.monotonic() - start < 5
        assert set(threading.enumerate()) <= before


def test_a_server_that_takes_a_connection_and_says_nothing_is_soon_asked_again(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "HANDSHAKE_S", 0.1)
    silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    silent.settimeout(10)
    link = Link(LinkOptions(f"127.0.0.1:{silent.getsockname()[1]}", 1, 60.0), lambda *_: None)
    stack.callback(link.close, 5)
    link.start()
    for _ in range(3):
        stack.enter_context(silent.accept()[0])
