"""The settings written down: complete, loadable again, without secrets."""

import re
import tomllib
from pathlib import Path

import pytest

from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_sources import load
from flightkeeper.flight_server.config_text import (
    MASK,
    effective,
    effective_toml,
    example_toml,
    flag_allowed,
    markdown_table,
)

FIELDS = list(NodeSettings.model_fields)
SECRET = {"FLIGHTKEEPER_REGISTRY_PASSWORD": "hunter2", "FLIGHTKEEPER_REGISTRY_USERNAME": "node"}


def uncommented() -> str:
    return re.sub(r"^# (?=[a-z_]+ = )", "", example_toml(), flags=re.MULTILINE)


def test_the_example_sets_nothing() -> None:
    assert tomllib.loads(example_toml()) == {}


def test_the_example_has_every_key_with_its_default() -> None:
    values = tomllib.loads(uncommented())
    assert list(values) == FIELDS
    for name, field in NodeSettings.model_fields.items():
        if field.default is not None:
            assert values[name] == field.default


def test_every_example_value_is_a_good_one(tmp_path: Path) -> None:
    for name, value in tomllib.loads(uncommented()).items():
        if name in {
            "users",
            "tls_cert",
            "tls_key",
            "tls_client_ca",
            "tls_peer_ca",
            "key_file",
            "start_file",
        }:
            assert Path(value).is_absolute()
        elif not name.startswith("registry_"):
            path = tmp_path / "one.toml"
            path.write_text(next(x for x in uncommented().splitlines() if x.startswith(f"{name} ")))
            assert load({}, path, {}).origins[name].startswith("file")


def test_every_setting_is_described() -> None:
    for name, field in NodeSettings.model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("name", FIELDS)
def test_the_table_has_a_row_for(name: str) -> None:
    assert f"| `{name}` |" in markdown_table()


def test_the_table_shows_bounds() -> None:
    assert "| `weight` | `100` | 0 to 10000 | yes |" in markdown_table()


def test_effective_settings_reload_to_the_same(tmp_path: Path) -> None:
    loaded = load({"weight": "3", "zone": 'a "quoted" zone', "temp_directory": "/x"}, None, {})
    path = tmp_path / "again.toml"
    path.write_text(effective_toml(loaded))
    assert load({}, path, {}).settings == loaded.settings


def test_secrets_are_masked() -> None:
    loaded = load({}, None, SECRET)
    assert "hunter2" not in effective_toml(loaded) + str(effective(loaded))
    row = next(row for row in effective(loaded) if row["key"] == "registry_password")
    assert row["value"] == MASK
    assert row["flag"] is None


def test_of_roles_all_but_the_hashes_is_shown(tmp_path: Path) -> None:
    digest = "ada:" + 27 * "a" + "="
    text = f"node=digest:{digest};router=world:anyone;admin=digest:{digest};admin=x509:CN=root"
    loaded = load({"registry": "zk://h:1", "registry_acl": text}, None, {})
    assert "aaa" not in effective_toml(loaded) + str(effective(loaded))
    row = next(row for row in effective(loaded) if row["key"] == "registry_acl")
    assert row["value"] == (
        f"node=digest:ada:{MASK};router=world:anyone;admin=digest:ada:{MASK};admin=x509:CN=root"
    )
    path = tmp_path / "again.toml"
    path.write_text(effective_toml(loaded))
    assert load({}, path, {}).settings.registry_acl is None


def test_only_secrets_have_no_flag() -> None:
    without = [n for n, field in NodeSettings.model_fields.items() if not flag_allowed(field)]
    assert without == ["lake_password", "registry_password"]
