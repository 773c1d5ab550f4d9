"""Watchers of many documents while connections are cut: nothing missed, nothing read twice."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from uuid import uuid4

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.registry import Registry, open_registry
from tests.support.relay import Relay, relaying
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = pytest.mark.zookeeper

SEED = 11
DOCUMENTS = 2000
CHANGES = 200
CUTS = 10
_WITHIN_S = 20.0


class View:
    """What a listener was told last."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._told: Mapping[str, Document] = {}

    def hear(self, told: Mapping[str, Document]) -> None:
        with self._changed:
            self._told = told
            self._changed.notify_all()

    def wait_for(self, truth: Callable[[Mapping[str, Document]], bool]) -> Mapping[str, Document]:
        with self._changed:
            assert self._changed.wait_for(lambda: truth(self._told), _WITHIN_S), len(self._told)
            return self._told


@pytest.fixture
def chroot() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
def writer(zookeeper: ZooKeeperServer, chroot: str) -> Iterator[Registry]:
    with closing(open_registry(f"{zookeeper.url}/{chroot}")) as registry:
        yield registry


@pytest.fixture
def relay(zookeeper: ZooKeeperServer) -> Iterator[Relay]:
    with relaying(f"tcp://{zookeeper.hosts}") as relay:
        yield relay


@pytest.fixture
def reader(relay: Relay, chroot: str) -> Iterator[Registry]:
    """Reaches the server by a way that can be cut."""
    hosts = relay.location.partition("://")[2]
    with closing(open_registry(f"zk://{hosts}/{chroot}", session_timeout_s=30)) as registry:
        yield registry


def test_after_a_cut_nothing_is_read_again_that_did_not_change(
    zookeeper: ZooKeeperServer, relay: Relay, writer: Registry, reader: Registry
) -> None:
    for number in range(DOCUMENTS):
        writer.write_document(f"catalog/s{number % 5}/t{number}", b"x" * 1000, None)
    view = View()
    before = zookeeper.figure("Received")
    reader.watch_documents("catalog", view.hear)
    view.wait_for(lambda told: len(told) == DOCUMENTS)
    assert zookeeper.figure("Received") - before < DOCUMENTS / 10
    before, bytes_before = zookeeper.figure("Received"), relay.received
    relay.sever()
    writer.write_document("catalog/s0/t0", b"new", 0)
    view.wait_for(lambda told: told["catalog/s0/t0"].data == b"new")
    assert zookeeper.figure("Received") - before < DOCUMENTS / 20
    # The names of all, and the data of one.
    assert relay.received - bytes_before < DOCUMENTS * 50


def test_what_was_changed_while_connections_were_cut_is_known_in_the_end(
    relay: Relay, writer: Registry, reader: Registry
) -> None:
    rng = random.Random(SEED)
    names = [f"catalog/s{number % 3}/t{number}" for number in range(40)]
    view, truth = View(), dict[str, Document]()
    reader.watch_documents("catalog", view.hear)
    cuts = sorted(rng.sample(range(CHANGES), CUTS))
    for number in range(CHANGES):
        name = rng.choice(names)
        there = truth.get(name)
        gone = there is not None and rng.random() < 0.2
        data = b"" if gone else b"%d" % number
        truth[name] = writer.write_document(name, data, None if there is None else there.version)
        if number in cuts:
            relay.sever()
        if rng.random() < 0.1:
            time.sleep(0.02)  # for a cut connection to come back in the midst of it
    expected = {name: document for name, document in truth.items() if document.data}
    assert view.wait_for(lambda told: dict(told) == expected) == expected


def test_a_session_that_was_cut_off_for_long_reads_all_again(
    relay: Relay, writer: Registry, chroot: str
) -> None:
    hosts = relay.location.partition("://")[2]
    view = View()
    for number in range(50):
        writer.write_document(f"catalog/s/t{number}", b"x", None)
    with closing(open_registry(f"zk://{hosts}/{chroot}", session_timeout_s=2)) as reader:
        reader.watch_documents("catalog", view.hear)
        view.wait_for(lambda told: len(told) == 50)
        relay.cut()
        writer.write_document("catalog/s/t7", b"y", 0)
        deadline = time.monotonic() + _WITHIN_S
        while True:  # until its session is over
            assert time.monotonic() < deadline
            try:
                reader.read_document("catalog/s/t7", timeout_s=4.0)
            except RegistryUnavailable:
                break
        relay.sever()
        relay.heal()
        view.wait_for(lambda told: told["catalog/s/t7"].data == b"y")
