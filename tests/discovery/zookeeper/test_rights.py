"""The table of rights: as it is written, and as a real ZooKeeper holds everybody to it."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from uuid import uuid4

import pytest
from kazoo import exceptions as kz
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE

from flightkeeper.discovery.errors import RegistryDenied
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.zookeeper import inspection
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.rights import OPEN, OWN, TABLE, Grant, differences, grants
from tests.discovery.backends import instance
from tests.discovery.recorder import Recorder
from tests.support.zookeeper_server import ZooKeeperServer

ALL = frozenset({"read", "write", "create", "delete", "admin"})
READ = frozenset({"read"})
ANYBODY_READS = Grant("world", "anyone", READ)
OWNER = Grant("digest", "keeper:hash", ALL)
X509 = Roles.parse("node=x509:CN=n;router=x509:CN=r;admin=x509:CN=a")


def held(path: str) -> dict[str, str]:
    return {
        grant.who[3:]: "".join(sorted(right[0] for right in grant.rights))
        for grant in grants(X509, path)
    }


@pytest.mark.parametrize(
    ("path", "node", "router"),
    [
        ("", "r", "r"),
        ("/services", "cr", "r"),
        ("/services/s", "cdr", "r"),
        ("/services/s/n", "rw", "r"),
        ("/locks/etl/mark-1", "rw", "r"),
        ("/leaders/duty", "cdr", "r"),
        ("/keys", "cr", None),
        ("/keys/cluster", "crw", None),
        ("/keys/principals/user", "crw", None),
        ("/keysmith/x", "crw", "r"),
        ("/settings/nodes/n", "crw", "r"),
        ("/partitions/a/b/c", "crw", "r"),
        ("/tables", "cr", "r"),
    ],
)
def test_the_table(path: str, node: str, router: str | None) -> None:
    wanted = {"n": node, "a": "acdrw"} | ({} if router is None else {"r": router})
    assert held(path) == wanted


def test_an_identity_with_two_roles_has_the_rights_of_both() -> None:
    both = Roles.parse("node=x509:CN=n;router=x509:CN=n;admin=x509:CN=n")
    assert grants(both, "/keys") == (Grant("x509", "CN=n", ALL),)


def test_who_is_nobody_leaves_all_open_and_who_is_somebody_owns_all() -> None:
    assert grants(OPEN, "/keys/k") == (Grant("world", "anyone", ALL),)
    assert grants(OWN, "/keys/k") == (Grant("auth", "", ALL),)
    assert grants(OWN, "/settings/s") == (Grant("auth", "", ALL), ANYBODY_READS)


@pytest.mark.parametrize(
    ("path", "found", "told"),
    [
        ("/keys/k", (OWNER,), []),
        ("/settings/s", (OWNER, ANYBODY_READS), []),
        ("/keys/k", (OWNER, ANYBODY_READS), ["anybody may read"]),
        (
            "/tables/t",
            (Grant("world", "anyone", ALL),),
            ["anybody may admin, create, delete, write"],
        ),
        ("/settings/s", (Grant("x509", "CN=node", ALL),), ["anybody may not read"]),
    ],
)
def test_of_an_owner_only_what_others_have_is_judged(
    path: str, found: tuple[Grant, ...], told: list[str]
) -> None:
    assert list(differences(OWN, path, found)) == told


def test_more_and_less_than_the_table_is_told_by_identity() -> None:
    found = (
        Grant("x509", "CN=n", ALL),
        Grant("x509", "CN=r", READ),
        Grant("digest", "old:hash", READ),
        ANYBODY_READS,
    )
    assert list(differences(X509, "/keys/k", found)) == [
        "digest old may read",
        "anybody may read",
        "x509 CN=a may not admin, create, delete, read, write",
        "x509 CN=n may admin, delete",
        "x509 CN=r may read",
    ]


def test_hashes_that_are_not_shown_are_not_compared() -> None:
    roles = Roles.parse(
        f"node=digest:node:{digest('n')};admin=digest:admin:{digest('a')};router=world:anyone"
    )
    shown = tuple(
        Grant(one.scheme, f"{one.who.split(':')[0]}:x", one.rights)
        if one.scheme == "digest"
        else one
        for one in grants(roles, "/settings/s")
    )
    assert list(differences(roles, "/settings/s", shown)) == []


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


USERS = {name: (name, f"{name}-secret") for name in ("node", "router", "admin")}
ROLES = Roles.parse(
    ";".join(f"{name}=digest:{name}:{digest(':'.join(pair))}" for name, pair in USERS.items())
)


@dataclass
class Used:
    """A cluster that was prepared by an admin and used by a node."""

    server: ZooKeeperServer
    chroot: str
    stack: ExitStack

    @property
    def url(self) -> str:
        return self.server.url + self.chroot

    def open(self, name: str | None) -> Registry:
        credentials = USERS[name] if name else None
        opened = open_registry(self.url, credentials=credentials, acl=ROLES)
        return self.stack.enter_context(closing(opened))

    def options(self, name: str) -> LinkOptions:
        return LinkOptions(self.server.hosts, 1, 10.0, USERS[name], chroot=self.chroot, acl=ROLES)

    def raw(self, name: str | None) -> KazooClient:
        auth = [("digest", ":".join(USERS[name]))] if name else None
        client = KazooClient(self.server.hosts, auth_data=auth)
        client.start(10)
        self.stack.callback(client.close)
        self.stack.callback(client.stop)
        return client


@pytest.fixture
def used(zookeeper: ZooKeeperServer) -> Iterator[Used]:
    with ExitStack() as stack:
        made = Used(zookeeper, f"/test-{uuid4().hex}/cluster", stack)
        with inspection.connected(made.options("admin"), 10.0) as link:
            inspection.prepare(link, Paths(made.chroot))
        node = made.open("node")
        assert node.register(instance("i1")).wait(10)
        node.agree("cluster", b"secret")
        node.write_document("keys/tokens/ring", b"secret", None)
        for name in ("settings/cluster", "catalog/s/t", "tables/s/t", "partitions/s/t/0"):
            node.write_document(name, b"x", None)
        stack.enter_context(node.lock("etl"))
        with node.lock("guard") as hold:
            node.write_document("log/catalog", b"x", None, guard=hold)
        yield made


@pytest.mark.zookeeper
def test_after_all_of_it_was_used_every_znode_is_as_in_the_table(used: Used) -> None:
    for name in ("admin", "node"):
        with inspection.connected(used.options(name), 10.0) as link:
            assert list(inspection.findings(link, Paths(used.chroot), ROLES)) == []


@pytest.mark.zookeeper
def test_each_role_does_its_work(used: Used) -> None:
    router, admin = used.open("router"), used.open("admin")
    heard = Recorder()
    router.watch("analytics", heard)
    heard.wait_for_incarnations("i1")
    found = admin.read_document("settings/cluster")
    assert found is not None
    admin.write_document("settings/cluster", b"y", found.version)
    seen = used.open("node").read_document("settings/cluster")
    assert seen is not None
    assert seen.data == b"y"


@pytest.mark.zookeeper
def test_a_router_is_refused_what_is_not_for_it(used: Used) -> None:
    for name in ("router", None):
        other = used.open(name)
        with pytest.raises(RegistryDenied):
            other.read_document("keys/tokens/ring")
        with pytest.raises(RegistryDenied):
            other.write_document("settings/nodes/n1", b"x", None)
    with pytest.raises(RegistryDenied):
        used.open(None).read_document("settings/cluster")


PLACES = (
    "", "/services", "/services/analytics", "/services/analytics/n1", "/keys", "/keys/cluster",
    "/keys/tokens", "/keys/tokens/ring", "/settings", "/settings/cluster", "/catalog/s/t",
    "/tables/s/t", "/partitions/s/t/0", "/locks", "/locks/etl", "/leaders", "/log/catalog",
)  # fmt: skip


EPHEMERAL = "/services/analytics/n1"


@pytest.mark.zookeeper
@pytest.mark.parametrize("name", ["node", "router", "admin", None])
def test_zookeeper_holds_each_role_to_the_table(used: Used, name: str | None) -> None:
    client, admin = used.raw(name), used.raw("admin")
    for place in PLACES:
        if place != EPHEMERAL:
            admin.create(f"{used.chroot}{place}/probe")
        rule = next(rule for rule in TABLE if rule.matches(place))
        wanted = {"admin": "rwcda", "node": rule.node, "router": rule.router, None: ""}[name]
        # An ephemeral has nothing below it that could be taken away.
        wanted = wanted.replace("d", "") if place == EPHEMERAL else wanted
        assert allowed(client, used.chroot + place) == set(wanted), (name, place)


def allowed(client: KazooClient, path: str) -> set[str]:
    """Which rights a znode gives, found out by using each in a way that changes nothing."""
    found = set()
    # ZooKeeper looks at the right first, then at the version, or whether it is there.
    tries: dict[str, Callable[[], object]] = {
        "r": lambda: client.get(path),
        "w": lambda: client.set(path, b"", version=12345),
        "c": lambda: client.create(f"{path}/probe"),
        "d": lambda: client.delete(f"{path}/probe", version=12345),
        "a": lambda: client.set_acls(path, OPEN_ACL_UNSAFE, version=12345),
    }
    for right, attempt in tries.items():
        with suppress(kz.NoAuthError, kz.NoNodeError):
            with suppress(kz.BadVersionError, kz.NodeExistsError, kz.NoChildrenForEphemeralsError):
                attempt()
            found.add(right)
    return found
