"""Who stands in line for locks, as ZooKeeper tells it; what all promise is in test_locks."""

import os
from contextlib import closing

import pytest

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LockKind
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.zookeeper.lock_places import places
from tests.support.zookeeper_server import ZooKeeperServer


def test_without_a_connection_nothing_is_known() -> None:
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        places(lambda _: None, "/locks", lambda: 0.0)


@pytest.mark.zookeeper
def test_sessions_tell_one_holder_from_another(zookeeper: ZooKeeperServer) -> None:
    url = f"{zookeeper.url}/places-{os.getpid()}"
    with closing(open_registry(url)) as one, closing(open_registry(url)) as two:
        with one.lock("a", 5), one.lock("b", 5), two.lock("c", 5):
            a, b, c = one.lock_places(LockKind.LOCK)
        assert a.holder == b.holder != c.holder
        assert a.holder.startswith("session 0x")
