"""The settings model: its bounds."""

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


def test_files_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"users"):
        NodeSettings(users=tmp_path / "none")


def test_a_host_name_is_what_it_advertises() -> None:
    settings = NodeSettings(listen="grpc://node1:1", insecure=True, registry="dir:///tmp/r")
    assert settings.advertise is None


@pytest.mark.parametrize("seconds", [-1, 1, 259_199])
def test_keys_that_would_be_replaced_too_soon(seconds: float) -> None:
    with pytest.raises(ValidationError, match="key_rotation_s"):
        NodeSettings(key_rotation_s=seconds)


@pytest.mark.parametrize("seconds", [0, 259_200, 2_592_000])
def test_keys_that_are_replaced_in_time(seconds: float) -> None:
    assert NodeSettings(key_rotation_s=seconds).key_rotation_s == seconds
