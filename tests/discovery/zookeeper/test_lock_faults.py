"""What locks promise while a real ZooKeeper and their holders are hurt."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pytest

from flightkeeper.discovery.contention import EXCLUSIVE, SHARED, Claim
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.locks import Hold, LockLost, LockTimeout
from flightkeeper.discovery.registry import Registry, open_registry
from tests.discovery.fenced import Fenced, accepted
from tests.discovery.process import Process
from tests.discovery.recorder import eventually
from tests.discovery.zookeeper.observer import expire
from tests.support.relay import relaying
from tests.support.zookeeper_server import ZooKeeperEnsemble, ZooKeeperServer

pytestmark = [pytest.mark.zookeeper, pytest.mark.slow]

SESSION_S = 4.0
LONG_SESSION_S = 10.0
RESOURCE = "tables/resource"
CLAIMS = {
    "lock": [EXCLUSIVE],
    "readers and writers": [EXCLUSIVE, SHARED, SHARED],
    "two at a time": [Claim(permits=2)],
}

_measured = logging.getLogger("measured")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A server of the test's own, to be hurt."""
    with ZooKeeperServer(tmp_path / "zookeeper") as started:
        yield started


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered


def opened(stack: ExitStack, url: str, session_timeout_s: float = SESSION_S) -> Registry:
    registry = open_registry(url, session_timeout_s=session_timeout_s)
    return stack.enter_context(closing(registry))


def test_an_expired_holder_hears_of_it_and_writes_nothing_more(
    stack: ExitStack, server: ZooKeeperServer
) -> None:
    one, two = opened(stack, server.url), opened(stack, server.url)
    first = one.lock("etl")
    written = one.write_document(RESOURCE, b"first", None, guard=first)
    expire(server.hosts, one._connection.link._client.client_id)  # type: ignore[attr-defined]
    with two.lock("etl", 20) as second:
        assert second.token > first.token
        with pytest.raises(LockLost):
            one.write_document(RESOURCE, b"late", written.version, guard=first)
        assert two.write_document(RESOURCE, b"second", written.version, guard=second).version == 1
        assert first.wait_lost(SESSION_S)
    assert one.lock("etl", 20).token > second.token


def test_a_holder_that_is_frozen_for_twice_its_session_writes_nothing_late(
    stack: ExitStack, server: ZooKeeperServer
) -> None:
    registry = opened(stack, server.url)
    process = Process("guard", server.url, "etl", RESOURCE)
    stack.callback(process.kill)
    token = int(process.line())
    os.kill(process.pid, signal.SIGSTOP)
    began_s = time.monotonic()
    hold = registry.lock("etl", 30)
    _measured.info("the lock of a frozen holder was taken after %.1f s", time.monotonic() - began_s)
    assert hold.token > token
    found = registry.read_document(RESOURCE)
    assert found is not None
    assert found.data == b"%d" % token
    mine = registry.write_document(RESOURCE, b"%d" % hold.token, found.version, guard=hold)
    while time.monotonic() - began_s < 2 * SESSION_S:
        mine = registry.write_document(RESOURCE, mine.data, mine.version, guard=hold)
    os.kill(process.pid, signal.SIGCONT)
    assert process.line().startswith("lost after")
    assert registry.read_document(RESOURCE) == mine == Document(b"%d" % hold.token, mine.version)


@pytest.mark.parametrize("claim", [EXCLUSIVE, Claim(permits=2)], ids=["lock", "semaphore"])
def test_a_holder_that_never_asks_is_refused_after_it_was_frozen(
    stack: ExitStack, server: ZooKeeperServer, claim: Claim
) -> None:
    registry = opened(stack, server.url)
    fenced = Fenced(registry)
    frozen = Process("act", server.url, "etl", claim.code)
    stack.callback(frozen.kill)
    token = int(frozen.line())
    others = [registry.lock("etl", 5, claim=claim) for _ in range(claim.permits - 1)]
    eventually(lambda: any(each == token for _, each in fenced.acts()), 20)
    os.kill(frozen.pid, signal.SIGSTOP)
    began_s = time.monotonic()
    hold = registry.lock("etl", 30, claim=claim)
    while time.monotonic() - began_s < 2 * SESSION_S:
        assert all(fenced.act(claim, each) for each in (hold, *others))
    os.kill(frozen.pid, signal.SIGCONT)
    assert frozen.line().startswith("refused after")
    assert all(fenced.act(claim, each) for each in (hold, *others))
    for permit in range(claim.permits):
        tokens = [each for at, each in fenced.acts() if at == permit]
        assert tokens == sorted(tokens)
    assert len({each for _, each in fenced.acts()}) == claim.permits + 1


def test_a_hold_outlives_a_short_outage_and_ends_in_a_long_one(
    stack: ExitStack, server: ZooKeeperServer
) -> None:
    relay = stack.enter_context(relaying(server.url))
    registry = opened(stack, relay.location, LONG_SESSION_S)
    hold = registry.lock("etl")
    # The server lives on: how long it takes to start does not matter.
    relay.cut()
    relay.sever()
    time.sleep(0.5)
    relay.heal()
    assert not hold.wait_lost(LONG_SESSION_S)
    server.kill()
    began_s = time.monotonic()
    assert hold.wait_lost(LONG_SESSION_S)
    took_s = time.monotonic() - began_s
    _measured.info(
        "a hold ended %.1f s after ZooKeeper, of a %.0f s session", took_s, LONG_SESSION_S
    )
    assert took_s <= LONG_SESSION_S * 2 / 3 + 0.5
    with pytest.raises(LockLost):
        hold.check()
    with pytest.raises(LockTimeout):
        registry.lock("other", 0.3)
    server.start()
    assert registry.lock("etl", 30).token > hold.token


class Guarded:
    """What is guarded: it refuses tokens of before, and knows who acts on it now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acting: list[Hold] = []
        self._seen: dict[str, int] = {}
        self.acts = 0
        self.tokens: set[int] = set()

    @contextmanager
    def act(self, hold: Hold) -> Iterator[None]:
        """Act on it as the holder of a lock."""
        with self._lock:
            seen = accepted(self._seen, hold.claim, hold.token, hold.permit)
            assert seen is not None
            self._seen = seen
            self._acting.append(hold)
            assert len({each.claim for each in self._acting}) == 1
            permits = [each.permit for each in self._acting if not each.claim.shared]
            assert len(permits) == len(set(permits)) <= hold.claim.permits
            self.acts += 1
            self.tokens.add(hold.token)
        yield
        with self._lock:
            self._acting.remove(hold)


@pytest.mark.parametrize("kind", CLAIMS)
def test_who_acts_may_while_the_leaders_of_an_ensemble_die(
    tmp_path: Path, stack: ExitStack, kind: str
) -> None:
    guarded, stop = Guarded(), threading.Event()

    def work(registry: Registry, chance: random.Random) -> None:
        while not stop.is_set():
            claim = chance.choice(CLAIMS[kind])
            with suppress(LockTimeout, LockLost), registry.lock("etl", 5, claim=claim) as hold:
                for _ in range(chance.randrange(30)):
                    hold.check()
                    with guarded.act(hold):
                        time.sleep(0.001)

    def goes_on() -> None:
        seen = guarded.acts
        eventually(lambda: guarded.acts > seen + 40, 60)

    with ZooKeeperEnsemble(tmp_path / "ensemble") as ensemble:
        registries = [
            stack.enter_context(closing(open_registry(ensemble.url, session_timeout_s=SESSION_S)))
            for _ in range(4)
        ]
        failures: list[BaseException] = []
        workers = [
            threading.Thread(target=_noting, args=(work, registry, random.Random(seed), failures))
            for seed, registry in enumerate(registries)
        ]
        for worker in workers:
            worker.start()
        for _ in range(3):
            goes_on()
            leader = ensemble.leader()
            leader.kill()
            goes_on()
            leader.start()
            leader.wait_ready()
        stop.set()
        for worker in workers:
            worker.join(60)
        stack.close()
    assert not failures
    _measured.info("%s: %d holds while three leaders died", kind, len(guarded.tokens))


def _noting(
    work: Callable[[Registry, random.Random], None],
    registry: Registry,
    chance: random.Random,
    failures: list[BaseException],
) -> None:
    try:
        work(registry, chance)
    except BaseException as exc:  # noqa: BLE001  reported by the test
        failures.append(exc)
