"""What the registry promises while a real ZooKeeper is hurt."""

import logging
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from kazoo.exceptions import NoNodeError

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.topology import Listed
from flightkeeper.discovery.urls import parse_registry_url
from flightkeeper.discovery.zookeeper.backend import ZooKeeperRegistry
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.registration import SPREAD_S
from flightkeeper.discovery.zookeeper.supervision import Limits
from tests.discovery.backends import instance, listening
from tests.discovery.process import registering
from tests.discovery.recorder import Recorder, eventually
from tests.discovery.zookeeper.observer import expire, observing
from tests.support.zookeeper_server import ZooKeeperEnsemble, ZooKeeperServer

pytestmark = [pytest.mark.zookeeper, pytest.mark.slow]

SESSION_S = 4.0
BACK_S = 5.0
"""Promised are 2 s, and 0.1 to 1.4 s are measured and logged; the rest is for a busy machine.

To it comes what a record that was lost waits, so that not all come back at once.
"""
NODE = "/services/analytics/n1"

_measured = logging.getLogger("measured")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A server of the test's own, to be hurt."""
    with ZooKeeperServer(tmp_path / "zookeeper") as started:
        yield started


def opened(
    stack: ExitStack, url: str, limits: Limits | None = None, spread_s: float = 0.0
) -> ZooKeeperRegistry:
    parsed = parse_registry_url(url)
    options = LinkOptions(parsed.host_list, len(parsed.hosts), SESSION_S)
    registry = ZooKeeperRegistry(
        options, Paths(parsed.path), limits=limits, spread=lambda: random.uniform(0, spread_s)
    )
    return stack.enter_context(closing(registry))


def client_id(registry: ZooKeeperRegistry) -> tuple[int, bytes]:
    found: tuple[int, bytes] = registry._connection.link._client.client_id
    return found


def owner(hosts: str) -> int:
    """The session that holds the node's znode."""
    with observing(hosts) as client:
        _, stat = client.get(NODE)
        return int(stat.ephemeralOwner)


def test_expiry(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    registry = opened(stack, server.url)
    registration = registry.register(instance("i1"))
    heard.wait_for_incarnations("i1")
    before = owner(server.hosts)

    expire(server.hosts, client_id(registry))
    gone_s = heard.wait_for_incarnations(timeout_s=BACK_S)
    back_s = gone_s + heard.wait_for_incarnations("i1", timeout_s=BACK_S + SPREAD_S)

    _measured.info("back %.3f s after its session expired", back_s)
    assert owner(server.hosts) != before
    eventually(lambda: registration.active, 1.0)


def test_expiry_of_the_watching_session(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    watching = opened(stack, server.url)
    watching.watch("analytics", heard)
    heard.wait_for_incarnations()

    expire(server.hosts, client_id(watching))
    opened(stack, server.url).register(instance("i1"))

    heard.wait_for_incarnations("i1", timeout_s=BACK_S)


def test_kill_and_restart(server: ZooKeeperServer, stack: ExitStack) -> None:
    outage(server, stack, 1.0)


def test_a_long_outage(server: ZooKeeperServer, stack: ExitStack) -> None:
    # Longer than the time after which a fresh client is tried: it must not win over the old one.
    outage(server, stack, 15.0, Limits(lost_after_s=SESSION_S, fresh_after_s=10.0))


def outage(
    server: ZooKeeperServer, stack: ExitStack, outage_s: float, limits: Limits | None = None
) -> None:
    """Kill the server, wait, restart it: the same ephemeral is there, never a list without it."""
    heard = Recorder()
    opened(stack, server.url, limits).watch("analytics", heard)
    registration = opened(stack, server.url, limits).register(instance("i1"))
    heard.wait_for_incarnations("i1")
    before = owner(server.hosts)

    server.kill()
    heard.wait(lambda me: me.unreachable)
    time.sleep(outage_s)
    assert registration.active == (outage_s < SESSION_S / 3)
    heard.heard.clear()
    server.restart()
    back_s = heard.wait_for_incarnations("i1", timeout_s=BACK_S)
    active_s = eventually(lambda: registration.active, BACK_S)

    _measured.info("outage of %g s: back after %.2f and %.2f s", outage_s, back_s, active_s)
    assert owner(server.hosts) == before
    assert len(heard.heard) == 1


def test_a_server_that_hangs(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    registration = opened(stack, server.url).register(instance("i1"))
    heard.wait_for_incarnations("i1")

    server.stop()
    noticed_s = heard.wait(lambda me: me.unreachable, SESSION_S)
    eventually(lambda: not registration.active, SESSION_S)
    time.sleep(SESSION_S)
    heard.heard.clear()
    server.cont()
    back_s = heard.wait_for_incarnations("i1", timeout_s=SESSION_S / 2 + BACK_S)
    eventually(lambda: registration.active, BACK_S)

    _measured.info("hang noticed after %.2f s, back %.2f s after its end", noticed_s, back_s)
    assert not heard.ever_listed_twice()


def test_the_leader_of_an_ensemble_dies(tmp_path: Path, stack: ExitStack) -> None:
    with ZooKeeperEnsemble(tmp_path / "ensemble") as ensemble:
        heard = Recorder()
        opened(stack, ensemble.url).watch("analytics", heard)
        registration = opened(stack, ensemble.url).register(instance("i1"))
        heard.wait_for_incarnations("i1")

        heard.heard.clear()
        ensemble.leader().kill()
        start = time.monotonic()
        other = opened(stack, ensemble.url).register(instance("i2", "n2"))
        assert other.wait(10)
        written_s = time.monotonic() - start
        heard.wait_for_incarnations("i1", "i2")
        eventually(lambda: registration.active, BACK_S)

        _measured.info("leader killed: registered through the new one after %.2f s", written_s)
        lists = [event for _, event in heard.heard if isinstance(event, Listed)]
        assert all(instance("i1") in event.instances for event in lists)
        stack.close()


def test_a_server_that_lost_its_data(server: ZooKeeperServer, stack: ExitStack) -> None:
    limits = Limits(lost_after_s=1.0, fresh_after_s=2.0, fresh_grace_s=2.0)
    heard = Recorder()
    opened(stack, server.url, limits).watch("analytics", heard)
    registration = opened(stack, server.url, limits).register(instance("i1"))
    heard.wait_for_incarnations("i1")

    server.kill()
    server.wipe()
    heard.heard.clear()
    server.restart()
    back_s = heard.wait_for_incarnations("i1", timeout_s=15.0)

    _measured.info("data lost: back after %.2f s, of which 4 are the limits", back_s)
    eventually(lambda: registration.active, BACK_S)
    registration.withdraw()
    heard.wait_for_incarnations()


def test_a_hundred_nodes_come_back_one_after_another(
    server: ZooKeeperServer, stack: ExitStack
) -> None:
    limits = Limits(lost_after_s=1.0, fresh_after_s=2.0, fresh_grace_s=1.0)
    random.seed(7)
    for number in range(100):
        registry = opened(stack, server.url, limits, SPREAD_S)
        registry.register(instance(f"i{number}", f"n{number}"))
    heard = Recorder()
    opened(stack, server.url, limits).watch("analytics", heard)
    heard.wait(lambda me: len(me.incarnations) == 100, 30)

    server.kill()
    server.wipe()
    heard.heard.clear()
    server.restart()
    heard.wait(lambda me: len(me.incarnations) == 100, 60)

    with observing(server.hosts) as client:
        paths = [f"/services/analytics/n{number}" for number in range(100)]
        made_s = sorted(client.get(path)[1].created for path in paths)
    spread_s = made_s[-1] - made_s[0]
    _measured.info("data lost: 100 nodes came back over %.1f s", spread_s)
    assert spread_s >= 3
    assert max(sum(at <= s < at + 0.5 for s in made_s) for at in made_s) < 40
    assert len({int((at_s - made_s[0]) / 0.5) for at_s in made_s}) >= 5


def test_opened_while_the_server_is_down(server: ZooKeeperServer, stack: ExitStack) -> None:
    server.kill()
    heard = Recorder()
    registry = opened(stack, server.url)
    registry.watch("analytics", heard)
    registration = registry.register(instance("i1"))
    assert not registration.wait(0.5)
    with pytest.raises(RegistryUnavailable):
        registry.agree("secret", b"x", timeout_s=0.2)

    server.restart()

    assert registration.wait(BACK_S)
    heard.wait_for_incarnations("i1")


def test_withdrawn_while_the_server_is_down(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    registration = opened(stack, server.url).register(instance("i1"))
    heard.wait_for_incarnations("i1")

    server.kill()
    start = time.monotonic()
    registration.withdraw(timeout_s=0.5)
    assert time.monotonic() - start < 3
    server.restart()

    # By the withdrawal that goes on in the background, at the latest by the end of the session.
    heard.wait_for_incarnations(timeout_s=SESSION_S + BACK_S)


@pytest.mark.parametrize("hurt", ["kill", "stop"])
def test_close_is_bounded_while_the_server_is_away(
    server: ZooKeeperServer, stack: ExitStack, hurt: str
) -> None:
    registry = opened(stack, server.url)
    registry.watch("analytics", Recorder())
    assert registry.register(instance("i1")).wait(5)

    getattr(server, hurt)()
    start = time.monotonic()
    registry.close()

    took_s = time.monotonic() - start
    _measured.info("closed in %.2f s after %s of the server", took_s, hurt)
    assert took_s < 8


def test_the_znodes_are_deleted_by_hand(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    registration = opened(stack, server.url).register(instance("i1"))
    heard.wait_for_incarnations("i1")

    with observing(server.hosts) as client:
        _, before = client.get(NODE)
        client.delete("/services", recursive=True)

        def returned() -> bool:
            try:
                return bool(client.get(NODE)[1].czxid > before.czxid)
            except NoNodeError:
                return False

        back_s = eventually(returned, BACK_S)

    _measured.info("deleted by hand: back after %.3f s", back_s)
    heard.wait_for_incarnations("i1")
    registration.withdraw()
    heard.wait_for_incarnations()


def test_two_living_nodes_do_not_throw_each_other_out(
    server: ZooKeeperServer, stack: ExitStack
) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    first_registry = opened(stack, server.url)
    first = first_registry.register(instance("i1", location=listening(stack)))
    heard.wait_for_incarnations("i1")
    second = opened(stack, server.url).register(instance("i2", location=listening(stack)))
    eventually(lambda: len(heard.heard) > 0, 1.0)

    expire(server.hosts, client_id(first_registry))
    eventually(lambda: first.active != second.active, BACK_S + 4)
    time.sleep(3.0)
    settled = len(heard.heard)
    time.sleep(3.0)

    assert first.active != second.active
    assert len(heard.heard) == settled


def test_a_process_that_was_frozen_longer_than_its_session(
    server: ZooKeeperServer, stack: ExitStack
) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    process = registering(server.url, instance("i1"), 2.0)
    stack.callback(process.kill)
    heard.wait_for_incarnations("i1")

    os.kill(process.pid, signal.SIGSTOP)
    gone_s = heard.wait_for_incarnations(timeout_s=2.0 + 2.0)
    os.kill(process.pid, signal.SIGCONT)
    back_s = heard.wait_for_incarnations("i1", timeout_s=BACK_S + SPREAD_S)

    _measured.info("frozen: gone after %.2f s, back %.2f s after its end", gone_s, back_s)


def test_a_hundred_nodes_are_listed_fast(server: ZooKeeperServer, stack: ExitStack) -> None:
    heard = Recorder()
    opened(stack, server.url).watch("analytics", heard)
    registry = opened(stack, server.url)
    heard.wait_for_incarnations()
    start = time.monotonic()
    for number in range(100):
        registry.register(instance(f"i{number}", f"n{number}"))
    heard.wait(lambda me: len(me.incarnations) == 100)
    registered_s = time.monotonic() - start
    late = Recorder()
    opened(stack, server.url).watch("analytics", late)
    listed_s = late.wait(lambda me: len(me.incarnations) == 100)
    one = Recorder()
    registry.watch("analytics", one)
    again_s = one.wait(lambda me: len(me.incarnations) == 100)

    text = "100 nodes: registered in %.2f s, listed by a new client in %.3f s, a new watch %.3f s"
    _measured.info(text, registered_s, listed_s, again_s)
    assert listed_s < 1.0
