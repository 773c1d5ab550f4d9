"""The settings written down: the commented TOML example, the documentation's table, a listing.

Owns the texts made from the settings model, so that none is kept by hand. Pure: returns text.
Secrets are never part of any text.
"""

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from flightkeeper.discovery import roles
from flightkeeper.flight_server.config import NodeSettings, is_live
from flightkeeper.flight_server.config_sources import LoadedSettings, flag_name, variable_name

MASK = "********"
_ROLES = "registry_acl"

_HEADING = """\
# Settings of a Flightkeeper node. Written by `flightkeeper config print --example`.
# Every key is shown with its default; take the # away to change one.
# Flags win over FLIGHTKEEPER_* variables, these over this file, this file over the defaults.
# A key or variable that is not known is an error.
"""
_CONNECT_STRING = """
# ZooKeeper's classic connect string is understood in place of registry:
# zookeeper.connect = "zk1:2181,zk2:2181,zk3:2181/flightkeeper"
"""
_EXAMPLES: Mapping[str, str] = {
    "advertise": "grpc://node1.example.net:31337",
    "lake": "ducklake:postgres://flightkeeper@db.example.net/lake",
    "lake_password": "",
    "registry": "zk://zk1:2181,zk2:2181,zk3:2181/flightkeeper",
    "registry_username": "flightkeeper",
    "registry_tls_ca": "/etc/flightkeeper/zookeeper-ca.pem",
    "registry_tls_cert": "/etc/flightkeeper/node.pem",
    "registry_tls_key": "/etc/flightkeeper/node-key.pem",
    "registry_password": "",
    "registry_acl": "node=x509:CN=node;router=x509:CN=router;admin=x509:CN=admin",
    "node_id": "node1",
    "users": "/etc/flightkeeper/users",
    "tls_cert": "/etc/flightkeeper/node.crt",
    "tls_key": "/etc/flightkeeper/node.key",
    "tls_client_ca": "/etc/flightkeeper/clients.crt",
    "tls_peer_ca": "/etc/flightkeeper/nodes.crt",
    "key_file": "/etc/flightkeeper/cluster.key",
    "start_file": "/etc/flightkeeper/start.sql",
    "memory_limit": "4GB",
    "threads": "4",
    "temp_directory_bytes_max": "50GB",
    "temp_directory": "/var/lib/flightkeeper/spill",
}


def example_toml() -> str:
    """The configuration file with every key commented out, LF line ends."""
    blocks = [_example_block(name, field) for name, field in NodeSettings.model_fields.items()]
    return _HEADING + "".join(blocks) + _CONNECT_STRING


def markdown_table() -> str:
    """Every setting as a row of a Markdown table."""
    rows = [
        f"| `{name}` | {_default_text(field)} | {_bounds(field)} "
        f"| {'yes' if is_live(field) else ''} | {field.description} |"
        for name, field in NodeSettings.model_fields.items()
    ]
    heading = ["| key | default | bounds | live | meaning |", "|---|---|---|---|---|"]
    return "\n".join([*heading, *rows]) + "\n"


def effective(loaded: LoadedSettings) -> list[dict[str, object]]:
    """One row per setting: key, value (secrets masked), default, source, flag and variable."""
    return [
        {
            "key": name,
            "value": plain(getattr(loaded.settings, name), name),
            "default": plain(field.default),
            "source": loaded.origins[name],
            "flag": flag_name(name) if flag_allowed(field) else None,
            "variable": variable_name(name),
        }
        for name, field in NodeSettings.model_fields.items()
    ]


def effective_toml(loaded: LoadedSettings) -> str:
    """The settings in force as TOML, each with its source; unset ones and secrets commented."""
    return "".join(_effective_line(row) for row in effective(loaded))


def flag_allowed(field: FieldInfo) -> bool:
    """Whether a setting may be a flag: a secret may not, others could read it in `ps`."""
    return "SecretStr" not in str(field.annotation)


def plain(value: object, name: str = "") -> object:
    """A value as JSON and TOML can hold it; a secret, or a part that is one, becomes a mask."""
    if isinstance(value, SecretStr):
        return MASK
    if name == _ROLES and isinstance(value, str):
        return roles.shown(value, MASK)
    return str(value) if isinstance(value, Path) else value


def _example_block(name: str, field: FieldInfo) -> str:
    bounds = _bounds(field)
    text = f"{field.description}" + (f" ({bounds})" if bounds else "")
    comment = textwrap.fill(text, 92, initial_indent="# ", subsequent_indent="# ")
    example = "" if field.default is not None else "# Not set by default; for example:\n"
    value = field.default if field.default is not None else _example_value(name)
    return f"\n{comment}\n{example}# {name} = {_toml(value)}\n"


def _example_value(name: str) -> object:
    text = _EXAMPLES[name]
    return int(text) if text.isdecimal() else text


def _effective_line(row: Mapping[str, object]) -> str:
    value, key, source = row["value"], row["key"], row["source"]
    if value is None:
        return f"# {key} is not set\n"
    line = f"{key} = {_toml(value)}  # {source}\n"
    return f"# {line}" if MASK in str(value) else line


def _toml(value: object) -> str:
    # TOML's basic strings, integers, floats and booleans are written as JSON writes them.
    return json.dumps(value)


def _default_text(field: FieldInfo) -> str:
    return "" if field.default in {None, ""} else f"`{plain(field.default)}`"


def _bounds(field: FieldInfo) -> str:
    found = {
        name: getattr(item, name)
        for item in field.metadata
        for name in ("ge", "le")
        if getattr(item, name, None) is not None
    }
    return f"{found['ge']} to {found['le']}" if len(found) == len(("ge", "le")) else ""
