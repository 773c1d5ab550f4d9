"""The registry that a verb is about: options, opening it, and how its errors end the verb."""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, fail
from flightkeeper.discovery.errors import (
    InvalidName,
    InvalidRegistryUrl,
    RegistryDenied,
    RegistryError,
    RegistryUnavailable,
)
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.config_sources import InvalidSettings, load
from flightkeeper.flight_server.parts import opened_registry

RegistryOption = Annotated[
    str | None,
    typer.Option("--registry", metavar="URL", help="The cluster's; also FLIGHTKEEPER_REGISTRY."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file that names the registry.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def opened(url: str | None, config: Path | None) -> Iterator[Registry]:
    """The registry that flag, variable or file name; its errors end the command."""
    try:
        loaded = load({} if url is None else {"registry": url}, config)
        found = opened_registry(loaded.settings)
    except (InvalidSettings, InvalidRegistryUrl) as exc:
        fail(str(exc), USAGE)
    if found is None:
        fail("say which cluster: --registry, FLIGHTKEEPER_REGISTRY or a file with it", USAGE)
    with closing(found):
        try:
            yield found
        except InvalidName as exc:
            fail(str(exc), USAGE)
        except RegistryDenied as exc:
            fail(f"{exc}: wrong or missing credentials", FAILED)
        except RegistryUnavailable as exc:
            fail(str(exc), UNREACHABLE)
        except RegistryError as exc:
            fail(str(exc), FAILED)


def author() -> str:
    """Who uses the command, for histories."""
    return f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # in a container
