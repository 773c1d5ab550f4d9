"""Where settings come from: precedence, unknown keys, secrets in files, and clear errors."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from flightkeeper.flight_server.config_sources import (
    InvalidSettings,
    LoadedSettings,
    flag_name,
    load,
    variable_name,
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write(tmp_path / "node.toml", "weight = 1\nzone = 'file'\nthreads = 2\n")


def test_flags_over_environment_over_file_over_defaults(config: Path) -> None:
    environ = {"FLIGHTKEEPER_WEIGHT": "2", "FLIGHTKEEPER_ZONE": "environment"}
    loaded = load({"weight": "3"}, config, environ)
    settings = loaded.settings
    assert (settings.weight, settings.zone, settings.threads) == (3, "environment", 2)
    assert settings.log_level == "info"
    assert loaded.origins["weight"] == "flag --weight"
    assert loaded.origins["zone"] == "environment FLIGHTKEEPER_ZONE"
    assert loaded.origins["threads"] == f"file {config}"
    assert loaded.origins["log_level"] == "default"


def test_the_environment_names_the_file(config: Path) -> None:
    assert load({}, None, {"FLIGHTKEEPER_CONFIG": str(config)}).settings.weight == 1


def test_an_empty_variable_is_not_set() -> None:
    environ = {
        "FLIGHTKEEPER_USERS": "",
        "FLIGHTKEEPER_CONFIG": "",
        "FLIGHTKEEPER_REGISTRY_PASSWORD_FILE": "",
    }
    assert load({}, None, environ).settings.users is None


def test_booleans_from_the_environment() -> None:
    assert load({}, None, {"FLIGHTKEEPER_READ_ONLY": "true"}).settings.read_only


def test_names_of_flags_and_variables() -> None:
    assert flag_name("tls_client_ca") == "--tls-client-ca"
    assert variable_name("tls_client_ca") == "FLIGHTKEEPER_TLS_CLIENT_CA"


def test_the_command_line_password_is_not_a_setting() -> None:
    assert load({}, None, {"FLIGHTKEEPER_PASSWORD": "x"}).settings.weight == 100


def test_an_unknown_variable_names_the_nearest() -> None:
    with pytest.raises(InvalidSettings, match=r"WEIGHTS is not known; did you mean .*_WEIGHT\?"):
        load({}, None, {"FLIGHTKEEPER_WEIGHTS": "1"})


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "databases = 'x'")
    with pytest.raises(
        InvalidSettings, match=r"key databases is not known; did you mean database\?"
    ):
        load({}, path, {})


def test_an_unknown_key_near_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "qqqq = 'x'")
    with pytest.raises(InvalidSettings, match=r"key qqqq is not known$"):
        load({}, path, {})


@pytest.mark.parametrize(
    "text",
    [
        'zookeeper.connect = "h1:2181,h2:2182/chroot"',
        '"zookeeper.connect" = "h1:2181,h2:2182/chroot"',
        '[zookeeper]\nconnect = "h1:2181,h2:2182/chroot"',
    ],
)
def test_the_classic_connect_string(tmp_path: Path, text: str) -> None:
    loaded = load({}, write(tmp_path / "c.toml", text), {})
    assert loaded.settings.registry == "zk://h1:2181,h2:2182/chroot"


def test_a_connect_string_that_does_not_parse(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", 'zookeeper.connect = "h1:port"')
    with pytest.raises(InvalidSettings, match=r"zookeeper\.connect: .* the port is wrong"):
        load({}, path, {})


def test_a_connect_string_beside_a_registry(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", 'registry = "dir:///r"\nzookeeper.connect = "h1"')
    with pytest.raises(InvalidSettings, match=r"keep one"):
        load({}, path, {})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"none\.toml: cannot read it: No such file"):
        load({}, tmp_path / "none.toml", {})


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"not TOML: .*line 1"):
        load({}, write(tmp_path / "c.toml", "weight 3"), {})


def test_a_wrong_value_names_its_source() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load({"threads": "0"}, None, {"FLIGHTKEEPER_WEIGHT": "heavy"})
    first, second = sorted(str(caught.value).splitlines())
    assert first.startswith("threads, from flag --threads: Input should be greater than or equal")
    assert second.startswith("weight, from environment FLIGHTKEEPER_WEIGHT:")
    assert "heavy" in second


def test_contradictions_need_no_source() -> None:
    with pytest.raises(InvalidSettings, match=r"^listen grpc://0\.0\.0\.0:1 can be reached"):
        load({"listen": "grpc://0.0.0.0:1"}, None, {})


def with_password(environ: dict[str, str]) -> LoadedSettings:
    return load({"registry_username": "node"}, None, environ)


def test_the_registry_password_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "secret", "hunter2\n")
    loaded = with_password({"FLIGHTKEEPER_REGISTRY_PASSWORD_FILE": str(path)})
    assert loaded.settings.registry_password == SecretStr("hunter2")
    assert "hunter2" not in repr(loaded)
    assert loaded.origins["registry_password"].endswith("REGISTRY_PASSWORD_FILE")


def test_the_lakes_password_from_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "secret", "hunter2\n")
    lake = {"lake": "ducklake:postgres://keeper@db/lake"}
    loaded = load(lake, None, {"FLIGHTKEEPER_LAKE_PASSWORD_FILE": str(path)})
    assert loaded.settings.lake_password == SecretStr("hunter2")
    assert "hunter2" not in repr(loaded)


def test_a_password_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"cannot read .*none"):
        with_password({"FLIGHTKEEPER_REGISTRY_PASSWORD_FILE": str(tmp_path / "none")})


def test_a_wrong_secret_is_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", "registry_password = 42424242")
    with pytest.raises(InvalidSettings) as caught:
        load({"registry_username": "node"}, path, {})
    assert "registry_password" in str(caught.value)
    assert "42424242" not in str(caught.value)
