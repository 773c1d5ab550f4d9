"""A cluster of real nodes with the rights of a node only: all of it works, nothing is left open."""

import base64
import hashlib
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from flightkeeper.discovery.principals.accounts import Accounts
from flightkeeper.discovery.principals.model import SUPERUSER
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.zookeeper import inspection
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.live.changing import change
from tests.flight_server.wire_client import WireClient, basic, eventually, serving
from tests.support.zookeeper_server import ZooKeeperServer

pytestmark = [pytest.mark.zookeeper]

PASSWORD = "open sesame"
ADMIN = ("admin", "a-secret")


def identity(user: str, password: str) -> str:
    digest = hashlib.sha1(f"{user}:{password}".encode()).digest()
    return f"digest:{user}:{base64.b64encode(digest).decode()}"


ACL = f"node={identity('node', 'n-secret')};admin={identity(*ADMIN)};router=world:anyone"


def test_a_cluster_that_was_used_has_no_right_too_many(zookeeper: ZooKeeperServer) -> None:
    chroot = f"/test-{uuid4().hex}/cluster"
    url, acl = zookeeper.url + chroot, Roles.parse(ACL)
    options = LinkOptions(zookeeper.hosts, 1, 10.0, ADMIN, chroot=chroot, acl=acl)
    settings: dict[str, Any] = {
        "registry": url, "registry_username": "node", "registry_password": "n-secret",
        "registry_acl": ACL, "accounts": "registry",
    }  # fmt: skip
    with (
        inspection.connected(options, 10.0) as link,
        closing(open_registry(url, credentials=ADMIN, acl=acl)) as admin,
    ):
        inspection.prepare(link, Paths(chroot))
        Accounts(admin, "test").create_user("root", hash_password(PASSWORD), SUPERUSER)
        with (
            serving(node_id="n1", **settings) as one,
            serving(node_id="n2", **settings) as two,
            WireClient(one.location, basic("root", PASSWORD)) as here,
            WireClient(two.location, basic("root", PASSWORD)) as there,
        ):
            here.update("CREATE USER ada PASSWORD 'a long password of hers'")
            here.update("CREATE REFERENCE TABLE geo.countries (code VARCHAR, people BIGINT)")
            here.update("INSERT INTO geo.countries VALUES ('CH', 9)")
            here.update("CREATE CLUSTER VIEW shop.last AS SELECT 1 AS day")
            assert there.value("SELECT flightkeeper_lock('etl', 10)") > 0
            change(admin, "settings/cluster", {"dialect": "hive"}, by="test", at_ms=1)
            eventually(lambda: there.value("SELECT people FROM geo.countries") == 9)
            assert there.value("SELECT day FROM shop.last") == 1
            assert list(inspection.findings(link, Paths(chroot), acl)) == []
            changed = link.children(f"{chroot}/keys"), link.children(f"{chroot}/tables")
            assert "principals" in changed[0]
            assert changed[1] == ("geo",)
            assert set(link.children(f"{chroot}/services/flightsql")) == {"n1", "n2"}
