"""Where a node's settings come from: flags, environment, TOML file, defaults, in this order.

Owns reading the sources, naming the one each value came from, and errors a person can act on.
Must not know what a setting means: that is `config`.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.urls import registry_url_from_connect_string
from flightkeeper.flight_server.config import ENV_PREFIX, NodeSettings

CONFIG_VARIABLE = f"{ENV_PREFIX}CONFIG"
_PASSWORD_FILES = {
    field: f"{ENV_PREFIX}{field.upper()}_FILE" for field in ("lake_password", "registry_password")
}
"""What names the file of each password, by field."""

_OTHER_VARIABLES = frozenset(
    {
        CONFIG_VARIABLE,
        *_PASSWORD_FILES.values(),
        f"{ENV_PREFIX}PASSWORD",  # the password of `flightkeeper sql`
    }
)
_CONNECT_STRING = "zookeeper.connect"


class InvalidSettings(ValueError):
    """The settings cannot be used; nothing was started. Each line names a source and its key."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and where each came from.

    Attributes:
        origins: by field, such as "flag --listen" or "default".
    """

    settings: NodeSettings
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Layer:
    values: Mapping[str, Any]
    origins: Mapping[str, str]


def load(
    flags: Mapping[str, object], config: Path | None, environ: Mapping[str, str] = os.environ
) -> LoadedSettings:
    """Read all sources; flags win over environment, environment over file, file over defaults.

    Args:
        flags: what the command line gave, by field.
        config: the TOML file; None takes the one FLIGHTKEEPER_CONFIG names, or none.
        environ: the environment variables; empty ones count as not set.

    Raises:
        InvalidSettings: an unknown key, an unreadable file, or a value that cannot be.
    """
    named = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    layers = [_flags(flags), _environment(environ), *([_file(named)] if named else [])]
    values: dict[str, Any] = {}
    origins = dict.fromkeys(NodeSettings.model_fields, "default")
    for layer in reversed(layers):
        values |= layer.values
        origins |= layer.origins
    try:
        settings = NodeSettings(**values)
    except ValidationError as exc:
        raise InvalidSettings(_explain(exc, origins)) from exc
    return LoadedSettings(settings, origins)


def flag_name(field: str) -> str:
    """The command-line flag of a field."""
    return f"--{field.replace('_', '-')}"


def variable_name(field: str) -> str:
    """The environment variable of a field."""
    return f"{ENV_PREFIX}{field.upper()}"


def _flags(flags: Mapping[str, object]) -> _Layer:
    return _Layer(flags, {field: f"flag {flag_name(field)}" for field in flags})


def _environment(environ: Mapping[str, str]) -> _Layer:
    known = {variable_name(field) for field in NodeSettings.model_fields} | _OTHER_VARIABLES
    ours = [name for name in environ if name.startswith(ENV_PREFIX)]
    _refuse_unknown(ours, known, "environment variable")
    source = EnvSettingsSource(NodeSettings)
    # An empty variable is how compose files and shells spell "not set".
    source.env_vars = {name.lower(): value for name, value in environ.items() if value}
    values = dict(source())
    origins = {field: f"environment {variable_name(field)}" for field in values}
    for field, variable in _PASSWORD_FILES.items():
        if environ.get(variable):
            values[field] = _secret(variable, Path(environ[variable]))
            origins[field] = f"environment {variable}"
    return _Layer(values, origins)


def _secret(variable: str, path: Path) -> str:
    try:
        return path.read_text().rstrip("\r\n")
    except OSError as exc:
        raise InvalidSettings(f"{variable}: cannot read {path}: {exc.strerror}") from exc


def _file(path: Path) -> _Layer:
    values = _connect_string(_parsed(path), path)
    _refuse_unknown(values, NodeSettings.model_fields, f"{path}: key")
    return _Layer(values, dict.fromkeys(values, f"file {path}"))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as exc:
        raise InvalidSettings(f"{path}: cannot read it: {exc.strerror}") from exc
    except ValueError as exc:
        raise InvalidSettings(f"{path}: not TOML: {exc}") from exc


def _connect_string(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """Turn ZooKeeper's classic `zookeeper.connect`, dotted or quoted, into `registry`."""
    rest = dict(values)
    connect = rest.pop(_CONNECT_STRING, None)
    table = rest.get("zookeeper")
    if isinstance(table, dict) and set(table) == {"connect"}:
        connect = rest.pop("zookeeper")["connect"]
    if connect is None:
        return rest
    if "registry" in rest:
        raise InvalidSettings(f"{path}: {_CONNECT_STRING} and registry say the same: keep one")
    try:
        return {**rest, "registry": registry_url_from_connect_string(str(connect))}
    except InvalidRegistryUrl as exc:
        raise InvalidSettings(f"{path}: {_CONNECT_STRING}: {exc}") from exc


def _refuse_unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    names = list(known)
    problems = []
    for name in sorted(set(given) - set(names)):
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        problems.append(f"{what} {name} is not known{hint}")
    if problems:
        raise InvalidSettings("\n".join(problems))


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    return "\n".join(_explain_one(details, origins) for details in error.errors())


def _explain_one(details: ErrorDetails, origins: Mapping[str, str]) -> str:
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:
        return message
    field = str(details["loc"][0])
    # A password may have been put where its hash belongs.
    secret = field in {"registry_password", "registry_acl"}
    given = "" if secret else f" (given: {details['input']!r})"
    return f"{field}, from {origins.get(field, 'the call')}: {message}{given}"
