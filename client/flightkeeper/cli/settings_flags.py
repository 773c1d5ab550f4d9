"""The flags of the node's settings, made from the settings model.

Owns the mapping from a model field to a typer option, so that a setting is described and bounded
in one place. Values pass as text; the model reads and checks them, whatever source they came from.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from flightkeeper.cli.exits import USAGE, fail
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_sources import InvalidSettings, flag_name, load
from flightkeeper.flight_server.config_text import flag_allowed

_METAVARS: Mapping[type, str] = {int: "N", float: "SECONDS", Path: "PATH"}

FIELDS: Mapping[str, FieldInfo] = {
    name: field for name, field in NodeSettings.model_fields.items() if flag_allowed(field)
}
"""The settings that can be flags, by name."""


def settings_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for every setting, and the loaded settings as its first argument.

    The command's own options follow. A wrong value ends it with exit code 2 and says which
    source the value came from.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @functools.wraps(command)
    def run(*, config: Path | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in FIELDS}
        try:
            loaded = load({name: text for name, text in flags.items() if text is not None}, config)
        except InvalidSettings as exc:
            fail(str(exc), USAGE)
        command(loaded, **given)

    options = [_config_option(), *(_option(name, field) for name, field in FIELDS.items()), *own]
    # Typer reads a command's parameters from here.
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    return run


def _config_option() -> inspect.Parameter:
    option = typer.Option(
        "--config", metavar="FILE", help="TOML file of settings; also FLIGHTKEEPER_CONFIG."
    )
    return _parameter("config", Annotated[Path | None, option])


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    text = f"{field.description}{_default_note(field)}"
    if field.annotation is bool:
        flag = flag_name(name)
        option = typer.Option(f"{flag}/--no-{flag.removeprefix('--')}", help=text)
        return _parameter(name, Annotated[bool | None, option])
    option = typer.Option(flag_name(name), metavar=_metavar(field), help=text)
    return _parameter(name, Annotated[str | None, option])


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword_only, default=None, annotation=annotation)


def _default_note(field: FieldInfo) -> str:
    return "" if field.default in {None, ""} else f" Default: {field.default}."


def _metavar(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    kinds = (field.annotation, *get_args(field.annotation))
    return next((_METAVARS[kind] for kind in kinds if kind in _METAVARS), "TEXT")
