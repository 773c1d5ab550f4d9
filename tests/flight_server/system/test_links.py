"""Connections from one node to another: with TLS and client certificates, and what errors say."""

import datetime as dt
import ipaddress
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.system.links import FlightLink, Logins, connecting
from flightkeeper.flight_server.system.peers import NoAnswer
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest
from tests.flight_server.wire_client import Clock, Served, serving

_DAY = dt.timedelta(days=1)


@dataclass
class Pair:
    """A self-signed certificate of this machine, and its key."""

    cert: Path
    key: Path


def pair(folder: Path, name: str) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    cert = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    made.cert.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return made


def asked(node: Served, settings: NodeSettings) -> int:
    """Ask a node as another one with these settings would; how many answers there are."""
    system = node.node._system
    requests: Requests = system.requests
    instance = Instance("s", "n1", node.location, "1")
    link = connecting(settings, system.logins.token)(instance)
    with closing(link):
        signed = requests.sign(PeerRequest(tables=["nodes", "events"]))
        return len(link.ask(signed, "ada", 5))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    return pair(folder, "one"), pair(folder, "other")


def test_over_tls_nodes_with_one_certificate_need_nothing_more(
    certificates: tuple[Pair, Pair],
) -> None:
    one, other = certificates
    mine: dict[str, Any] = {"tls_cert": one.cert, "tls_key": one.key}
    with serving(**mine) as node:
        assert node.location.startswith("grpc+tls://")
        assert asked(node, NodeSettings(**mine)) == 2
        theirs: dict[str, Any] = {"tls_cert": other.cert, "tls_key": other.key}
        with pytest.raises(NoAnswer, match="cannot be reached"):
            asked(node, NodeSettings(**theirs))
        assert asked(node, NodeSettings(**theirs, tls_peer_ca=one.cert)) == 2


def test_where_clients_need_certificates_nodes_show_theirs(certificates: tuple[Pair, Pair]) -> None:
    one, other = certificates
    mine: dict[str, Any] = {"tls_cert": one.cert, "tls_key": one.key}
    with serving(**mine, tls_client_ca=other.cert) as node:
        theirs: dict[str, Any] = {
            "tls_cert": other.cert,
            "tls_key": other.key,
            "tls_peer_ca": one.cert,
        }
        assert asked(node, NodeSettings(**theirs, tls_client_ca=one.cert)) == 2
        with pytest.raises(NoAnswer, match="cannot be reached"):
            asked(node, NodeSettings(**theirs))


def refusal(link: FlightLink, request: bytes) -> str:
    with closing(link), pytest.raises(NoAnswer) as told:
        link.ask(request, "ada", 2)
    return str(told.value)


def test_errors_say_what_is_wrong_and_nothing_else() -> None:
    nobody = FlightLink("grpc://127.0.0.1:1", lambda _: "x", {})
    assert refusal(nobody, b"") == "it cannot be reached"
    with serving() as node:
        stranger = FlightLink(node.location, lambda _: "x", {})
        assert refusal(stranger, b"").endswith("its keys or users are others")
        forger = FlightLink(node.location, node.node._system.logins.token, {})
        assert refusal(forger, b"junk") == "it refused the request (ArrowInvalid)"


def test_a_login_is_used_for_a_while() -> None:
    clock = Clock(100)
    made: list[tuple[str, float]] = []

    def login(principal: str, now_s: float) -> str:
        made.append((principal, now_s))
        return f"{principal}-{now_s}"

    logins = Logins(login, clock)
    assert [logins.token("ada"), logins.token("ada")] == ["ada-100", "ada-100"]
    assert logins.token("bob") == "bob-100"
    clock.now_s = 106
    assert logins.token("ada") == "ada-106"
    for number in range(1000):
        logins.token(str(number))
    assert len(logins._tokens) <= 256
