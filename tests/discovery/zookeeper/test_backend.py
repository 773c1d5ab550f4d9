"""Opening `zk://`; what the registry does is in the conformance suite and the fault tests."""

from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from flightkeeper.discovery.errors import InvalidName, RegistryDenied
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.zookeeper.inspection import connected, findings
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from tests.discovery.backends import instance
from tests.discovery.recorder import Recorder
from tests.discovery.zookeeper.observer import observing
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = pytest.mark.zookeeper


def test_credentials(zookeeper: ZooKeeperServer, stack: ExitStack) -> None:
    url = f"{zookeeper.url}/{uuid4().hex}"
    node = stack.enter_context(closing(open_registry(url, credentials=("node", "secret"))))
    client = stack.enter_context(closing(open_registry(url)))
    heard = Recorder()
    client.watch("analytics", heard)

    assert node.register(instance("i1")).wait(5)
    assert node.agree("secret", b"x") == b"x"

    heard.wait_for_incarnations("i1")
    with pytest.raises(RegistryDenied):
        client.agree("secret", b"y")
    with pytest.raises(RegistryDenied):
        client.register(instance("i2", "n2")).wait(5)


def test_documents_for_nodes_only_are_read_by_nobody_else(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    chroot = f"/{uuid4().hex}"
    url = zookeeper.url + chroot
    node = stack.enter_context(closing(open_registry(url, credentials=("node", "secret"))))
    client = stack.enter_context(closing(open_registry(url)))
    node.write_document("keys/tokens/ring", b"canary", None)
    node.write_document("settings/cluster", b"open", None)
    with pytest.raises(RegistryDenied):
        client.read_document("keys/tokens/ring")
    with pytest.raises(RegistryDenied):
        client.write_document("keys/tokens/other", b"x", None)
    with pytest.raises(InvalidName, match="cannot be written under a lock"), node.lock("x") as hold:
        node.write_document("keys/tokens/new", b"x", None, guard=hold)
    with connected(LinkOptions(zookeeper.hosts, 1, 10.0, ("node", "secret")), 10.0) as link:
        assert list(findings(link, Paths(chroot))) == []


def test_documents_open_to_all_are_pointed_out_once(
    zookeeper: ZooKeeperServer, stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    registry = stack.enter_context(closing(open_registry(f"{zookeeper.url}/{uuid4().hex}")))
    registry.agree("secret", b"x")
    registry.agree("secret", b"x")
    assert len([r for r in caplog.records if "no ZooKeeper credentials" in r.message]) == 1


def test_parents_are_plain_and_only_the_record_is_ephemeral(
    zookeeper: ZooKeeperServer, stack: ExitStack
) -> None:
    chroot = f"/{uuid4().hex}/deep"
    registry = stack.enter_context(closing(open_registry(zookeeper.url + chroot)))
    assert registry.register(instance("i1")).wait(5)
    with observing(zookeeper.hosts) as client:
        owners = {
            path: client.exists(chroot + path).ephemeralOwner
            for path in ("", "/services", "/services/analytics", "/services/analytics/n1")
        }
    assert [bool(owner) for owner in owners.values()] == [False, False, False, True]
