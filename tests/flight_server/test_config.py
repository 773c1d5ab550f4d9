"""The settings model: its bounds, and what fields say against each other."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from flightkeeper.flight_server.config import NodeSettings


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    path = tmp_path / "file.pem"
    path.write_text("")
    return path


def test_defaults_need_nothing() -> None:
    settings = NodeSettings()
    assert settings.listen == "grpc://127.0.0.1:0"
    assert settings.listens_on_loopback
    assert settings.registry is None


def test_constructing_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLIGHTKEEPER_WEIGHT", "7")
    assert NodeSettings().weight == 100


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        NodeSettings().weight = 3


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"weights"):
        NodeSettings(weights=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("[::1]", True), ("localhost", True), ("127.3.2.1", True)],
)
def test_loopback_needs_neither_login_nor_tls(host: str, *, loopback: bool) -> None:
    assert NodeSettings(listen=f"grpc://{host}:1").listens_on_loopback is loopback


@pytest.mark.parametrize(
    "listen",
    [
        "http://127.0.0.1:1",
        "127.0.0.1:1",
        "grpc://127.0.0.1",
        "grpc://:31337",
        "grpc://127.0.0.1:99999",
        "grpc://127.0.0.1:1/path",
        "grpc://user@127.0.0.1:1",
    ],
)
def test_a_listen_address_that_is_none(listen: str) -> None:
    with pytest.raises(ValidationError, match=r"listen"):
        NodeSettings(listen=listen)


@pytest.mark.parametrize("value", ["zk://", "http://x", "zk://a:b/x", "dir://relative"])
def test_a_registry_that_does_not_parse(value: str) -> None:
    with pytest.raises(ValidationError, match=r"the .* is wrong"):
        NodeSettings(registry=value)


@pytest.mark.parametrize("value", ["4GB", "512 MiB", "1.5TB"])
def test_memory_limits_as_duckdb_writes_them(value: str) -> None:
    assert NodeSettings(memory_limit=value).memory_limit == value


@pytest.mark.parametrize("value", ["4", "lots", "60%", "4GB; drop table x"])
def test_memory_limits_duckdb_would_refuse(value: str) -> None:
    with pytest.raises(ValidationError, match=r"memory_limit"):
        NodeSettings(memory_limit=value)


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-x", "x" * 129])
def test_names_that_cannot_be_znodes(name: str) -> None:
    with pytest.raises(ValidationError, match=r"node_id"):
        NodeSettings(node_id=name)


def test_a_certificate_makes_the_listen_address_tls(pem: Path) -> None:
    settings = NodeSettings(tls_cert=pem, tls_key=pem)
    assert settings.listen == "grpc+tls://127.0.0.1:0"


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


def test_files_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"users"):
        NodeSettings(users=tmp_path / "none")


def test_a_host_name_is_what_it_advertises() -> None:
    settings = NodeSettings(listen="grpc://node1:1", insecure=True, registry="dir:///tmp/r")
    assert settings.advertise is None


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
