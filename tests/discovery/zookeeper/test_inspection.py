"""What is a right too many."""

import pytest

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.zookeeper.inspection import connected, problems
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.session import Grant, LinkOptions
from flightkeeper.discovery.zookeeper.znodes import Access

ALL = frozenset({"read", "write", "create", "delete", "admin"})
OWNER = Grant("digest", "keeper:hash", ALL)


@pytest.mark.parametrize(
    ("grants", "private", "told"),
    [
        ((OWNER,), True, []),
        ((OWNER, Grant("world", "anyone", frozenset({"read"}))), False, []),
        (
            (OWNER, Grant("world", "anyone", frozenset({"read"}))),
            True,
            ["anybody may read what is for nodes only"],
        ),
        ((Grant("world", "anyone", frozenset({"create"})),), True, ["anybody may create"]),
        (
            (Grant("world", "anyone", ALL),),
            False,
            ["anybody may admin, create, delete, write"],
        ),
        ((Grant("x509", "CN=node", ALL),), True, []),
    ],
)
def test_problems(grants: tuple[Grant, ...], told: list[str], *, private: bool) -> None:
    assert list(problems(grants, private=private)) == told


def test_what_every_cluster_has() -> None:
    lasting = Paths("/a").lasting()
    assert [path for path, access in lasting.items() if access is Access.PRIVATE] == ["/a/keys"]
    assert {"/a", "/a/services", "/a/settings", "/a/locks", "/a/leaders"} < lasting.keys()


def test_nobody_there_is_told_in_time() -> None:
    with (
        pytest.raises(RegistryUnavailable, match="did not answer within"),
        connected(LinkOptions("127.0.0.1:1", 1, 4.0), 0.3),
    ):
        pytest.fail("nobody is there")
