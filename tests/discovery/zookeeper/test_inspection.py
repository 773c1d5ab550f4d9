"""What every cluster has, and who is not there."""

import pytest

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.zookeeper.inspection import connected
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths


def test_what_every_cluster_has() -> None:
    lasting = Paths("/a").lasting()
    assert lasting[0] == "/a"
    assert {"/a/services", "/a/settings", "/a/keys", "/a/locks", "/a/leaders"} < set(lasting)


def test_nobody_there_is_told_in_time() -> None:
    with (
        pytest.raises(RegistryUnavailable, match="did not answer within"),
        connected(LinkOptions("127.0.0.1:1", 1, 4.0), 0.3),
    ):
        pytest.fail("nobody is there")
