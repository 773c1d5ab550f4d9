"""Connections to a real ZooKeeper over TLS: whom is trusted, and who is known."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from flightkeeper.discovery.errors import RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.zookeeper import inspection
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from tests.discovery.backends import instance
from tests.discovery.recorder import Recorder
from tests.support.certificates import Authority
from tests.support.zookeeper_server import ZooKeeperServer, free_ports

pytestmark = [pytest.mark.zookeeper]


@dataclass(frozen=True)
class Secured:
    """A server that wants TLS and client certificates on one port, and neither on another."""

    port: int
    plain: ZooKeeperServer
    authority: Authority

    def url(self, host: str = "127.0.0.1") -> str:
        """A registry of its own."""
        return f"zks://{host}:{self.port}/test-{uuid4().hex}"

    def tls(self, name: str = "node", ca: Path | None = None) -> RegistryTls:
        """Files of somebody the server knows."""
        pair = self.authority.issue(name)
        return RegistryTls(ca or self.authority.ca, pair.cert, pair.key)

    def options(self, tls: RegistryTls | None, port: int | None = None) -> LinkOptions:
        """How to reach it."""
        return LinkOptions(f"127.0.0.1:{port or self.port}", 1, 2.0, tls=tls)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    home = tmp_path_factory.mktemp("secured")
    authority = Authority(home / "ca")
    pair = authority.issue("zookeeper", "127.0.0.1")
    (port,) = free_ports(1)
    lines = [
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        f"secureClientPort={port}", "secureClientPortAddress=127.0.0.1",
        "ssl.keyStore.type=PEM", f"ssl.keyStore.location={pair.both}",
        "ssl.trustStore.type=PEM", f"ssl.trustStore.location={authority.ca}",
        "ssl.clientAuth=need",
        "authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
    ]  # fmt: skip
    with ZooKeeperServer(home / "zookeeper", more=lines) as plain:
        yield Secured(port, plain, authority)


def test_a_node_registers_and_others_hear_of_it_over_tls(server: Secured) -> None:
    url = server.url()
    with (
        closing(open_registry(url, tls=server.tls())) as one,
        closing(open_registry(url, tls=server.tls("router"))) as two,
    ):
        heard = Recorder()
        two.watch("analytics", heard)
        assert one.register(instance("i1")).wait(10)
        heard.wait_for_incarnations("i1")
        one.write_document("settings/cluster", b"x", None)
        found = two.read_document("settings/cluster")
        assert found is not None


def test_a_certificate_says_who_may_change_and_who_may_read(server: Secured) -> None:
    url = server.url()
    with (
        closing(open_registry(url, tls=server.tls("node"))) as node,
        closing(open_registry(url, tls=server.tls("node"))) as same,
        closing(open_registry(url, tls=server.tls("router"))) as router,
    ):
        node.write_document("settings/cluster", b"x", None)
        assert same.write_document("settings/cluster", b"y", 0).version == 1
        with pytest.raises(RegistryDenied):
            router.write_document("settings/cluster", b"z", 1)
        assert node.agree("cluster", b"secret") == b"secret"
        with pytest.raises(RegistryDenied):
            router.agree("cluster", b"other")
        node.register(instance("i1")).wait(10)
        node.lock("etl").release()
    path = "/" + url.rpartition("/")[2]
    with inspection.connected(server.options(server.tls("node")), 10) as link:
        assert list(inspection.findings(link, Paths(path))) == []
        every = link.grants(f"{path}/settings/cluster")
        assert {(grant.scheme, grant.who) for grant in every} == {
            ("world", "anyone"),
            ("x509", "CN=node"),
        }


def test_certificates_have_the_roles_of_their_subjects(server: Secured) -> None:
    url = server.url()
    path = "/" + url.rpartition("/")[2]
    acl = Roles.parse("node=x509:CN=node;router=x509:CN=router;admin=x509:CN=admin")
    options = replace(server.options(server.tls("admin")), chroot=path, acl=acl)
    with inspection.connected(options, 10) as link:
        inspection.prepare(link, Paths(path))
        with (
            closing(open_registry(url, tls=server.tls("node"), acl=acl)) as node,
            closing(open_registry(url, tls=server.tls("router"), acl=acl)) as router,
            closing(open_registry(url, tls=server.tls("stranger"), acl=acl)) as stranger,
        ):
            assert node.register(instance("i1")).wait(10)
            node.agree("cluster", b"secret")
            node.write_document("settings/cluster", b"x", None)
            heard = Recorder()
            router.watch("analytics", heard)
            heard.wait_for_incarnations("i1")
            for other in (router, stranger):
                with pytest.raises(RegistryDenied):
                    other.agree("cluster", b"other")
            with pytest.raises(RegistryDenied):
                stranger.read_document("settings/cluster")
            assert list(inspection.findings(link, Paths(path), acl)) == []


def refusal(server: Secured, tls: RegistryTls | None, port: int | None = None) -> str:
    """Why there is no connection."""
    with (
        pytest.raises(RegistryUnavailable) as refused,
        inspection.connected(server.options(tls, port), 1.5),
    ):
        pytest.fail("connected")
    return str(refused.value)


def test_whoever_cannot_show_that_it_is_zookeeper_is_not_spoken_to(
    server: Secured, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", "another authority")
    told = refusal(server, server.tls(ca=other.ca))
    assert "its certificate is not accepted: unable to get local issuer certificate" in told
    # An authority of the system's does not do where one is named.
    assert "its certificate is not accepted" in refusal(server, RegistryTls())
    assert "TLS failed" in refusal(server, server.tls(), server.plain.port)


@pytest.mark.parametrize(
    ("host", "days", "told"),
    [
        ("elsewhere.example", 1, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("127.0.0.1", -1, "certificate has expired"),
    ],
)
def test_a_certificate_of_another_name_or_time_is_refused(
    tmp_path: Path, server: Secured, host: str, days: int, told: str
) -> None:
    pair = server.authority.issue("wrong", host, days=days)
    (port,) = free_ports(1)
    lines = [
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        f"secureClientPort={port}", "secureClientPortAddress=127.0.0.1",
        "ssl.keyStore.type=PEM", f"ssl.keyStore.location={pair.both}",
        "ssl.trustStore.type=PEM", f"ssl.trustStore.location={server.authority.ca}",
    ]  # fmt: skip
    with ZooKeeperServer(tmp_path / "zookeeper", more=lines):
        assert told in refusal(server, server.tls(), port)


def test_who_has_no_certificate_that_zookeeper_knows_is_not_let_in(
    server: Secured, tmp_path: Path
) -> None:
    assert "did not answer" in refusal(server, RegistryTls(server.authority.ca))
    stranger = Authority(tmp_path / "other").issue("node")
    tls = RegistryTls(server.authority.ca, stranger.cert, stranger.key)
    assert "did not answer" in refusal(server, tls)
    # In the clear nobody answers on that port, and TLS is not taken off for it.
    assert "did not answer" in refusal(server, None)


def test_files_that_are_not_there_are_told_without_their_paths(
    server: Secured, tmp_path: Path
) -> None:
    told = refusal(server, RegistryTls(tmp_path / "nowhere.pem"))
    assert "a certificate or key file cannot be read" in told
    assert str(tmp_path) not in told


def test_renewed_files_count_from_the_next_connection(server: Secured, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority(tmp_path / "other").ca.read_bytes())
    with closing(open_registry(server.url(), tls=server.tls(ca=ca))) as registry:
        with pytest.raises(RegistryUnavailable):
            registry.read_document("settings/cluster", 1.0)
        ca.write_bytes(server.authority.ca.read_bytes())
        assert registry.read_document("settings/cluster", 10.0) is None
