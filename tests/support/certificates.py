"""Certificates for tests, made by an authority of the test's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key.

    Attributes:
        both: key and certificate in one file, as Java wants them.
    """

    cert: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates.

    Attributes:
        ca: its own certificate.
    """

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        made = _builder(self._name, self._name, self._key).add_extension(constraints, critical=True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *hosts: str, days: int = 1) -> Pair:
        """A certificate for a name.

        Args:
            hosts: names and addresses it is for.
            days: how long it is valid; negative = it was.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(_name(name), self._name, key, days)
        if hosts:
            alternatives = x509.SubjectAlternativeName([_general(host) for host in hosts])
            made = made.add_extension(alternatives, critical=False)
        certificate = made.sign(self._key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        pair = Pair(*(self._folder / f"{name}{ending}.pem" for ending in ("", "-key", "-both")))
        pair.cert.write_bytes(pem)
        pair.key.write_bytes(secret)
        pair.both.write_bytes(secret + pem)
        return pair


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 1
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
