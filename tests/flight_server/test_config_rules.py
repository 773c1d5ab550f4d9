"""What settings say against each other."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flightkeeper.flight_server.config import NodeSettings


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "file.pem"
    path.write_text("")
    return path


def test_open_to_other_machines_with_login_and_tls(pem: Path) -> None:
    settings = NodeSettings(listen="grpc://10.0.0.1:1", users=pem, tls_cert=pem, tls_key=pem)
    assert not settings.listens_on_loopback


def test_open_to_other_machines_without_anything_when_insecure() -> None:
    assert NodeSettings(listen="grpc://node.example.net:1", insecure=True).insecure


def test_open_to_other_machines_without_users() -> None:
    with pytest.raises(ValidationError, match=r"give users .* or insecure"):
        NodeSettings(listen="grpc://0.0.0.0:1")


def test_open_to_other_machines_without_tls(pem: Path) -> None:
    with pytest.raises(ValidationError, match=r"give tls_cert and tls_key, or insecure"):
        NodeSettings(listen="grpc://node.example.net:1", users=pem)


def test_certificate_and_key_belong_together(pem: Path) -> None:
    with pytest.raises(ValidationError, match=r"belong together: give both or neither"):
        NodeSettings(tls_cert=pem)
    with pytest.raises(ValidationError, match=r"belong together: give both or neither"):
        NodeSettings(tls_key=pem)


def test_client_certificates_need_tls(pem: Path) -> None:
    with pytest.raises(ValidationError, match=r"tls_client_ca needs tls_cert"):
        NodeSettings(tls_client_ca=pem)


def test_a_tls_address_needs_a_certificate() -> None:
    with pytest.raises(ValidationError, match=r"there is no certificate"):
        NodeSettings(listen="grpc+tls://127.0.0.1:1")


def test_registry_credentials_belong_together() -> None:
    with pytest.raises(ValidationError, match=r"registry_username and registry_password"):
        NodeSettings(registry_username="node")


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_every_address_needs_one_to_advertise(host: str) -> None:
    with pytest.raises(ValidationError, match=r"say with advertise"):
        NodeSettings(listen=f"grpc://{host}:1", insecure=True, registry="dir:///tmp/r")


def test_every_address_with_one_to_advertise() -> None:
    settings = NodeSettings(
        listen="grpc://0.0.0.0:1",
        advertise="grpc://10.0.0.1:1",
        insecure=True,
        registry="dir:///tmp/r",
    )
    assert settings.advertise == "grpc://10.0.0.1:1"


def test_accounts_of_the_registry_need_one_and_no_users_file(pem: Path) -> None:
    with pytest.raises(ValidationError, match="need a registry"):
        NodeSettings(accounts="registry")
    with pytest.raises(ValidationError, match="leave out users"):
        NodeSettings(accounts="registry", registry="dir:///tmp/r", users=pem)
    exposed = NodeSettings(
        listen="grpc://10.0.0.1:1",
        accounts="registry",
        registry="dir:///tmp/r",
        tls_cert=pem,
        tls_key=pem,
    )
    assert exposed.users is None


def test_certificates_for_the_registry_need_tls_and_a_key(pem: Path) -> None:
    with pytest.raises(ValueError, match="registry_tls_ca, _cert and _key need a registry zks"):
        NodeSettings(registry="zk://h:1", registry_tls_ca=pem)
    with pytest.raises(ValueError, match="registry_tls_cert and registry_tls_key belong together"):
        NodeSettings(registry="zks://h:1", registry_tls_cert=pem)
    found = NodeSettings(registry="zks://h:1", registry_tls_cert=pem, registry_tls_key=pem)
    assert found.registry_tls_key == pem
