"""A connection for one verb, and its failures as exit codes.

Owns the translation of the client's errors; the messages are the client's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.certificates import read_authorities
from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, fail
from flightkeeper.cli.keyrings import entry
from flightkeeper.cli.passwords import password_for
from flightkeeper.client import Connection, connect
from flightkeeper.client.errors import FlightkeeperError, InvalidUrl, NoNodeAvailable
from flightkeeper.client.options import parse_url
from flightkeeper.discovery.errors import RegistryError

UrlArgument = Annotated[
    str, typer.Argument(metavar="URL", help="flightsql+zk://…, flightsql+dir://… or flightsql://…")
]
UsernameOption = Annotated[
    str | None, typer.Option("--username", help="Who to log in as, if not in the URL.")
]

KeyringOption = Annotated[
    bool, typer.Option("--keyring", help="Look for the password in the system's keyring.")
]


@dataclass(frozen=True, slots=True)
class Access:
    """How a verb gets into a service, besides the URL.

    Attributes:
        username: who to log in as, if not in the URL.
        keyring: look for the password in the system's keyring before asking for it.
        tls_roots: file of the certificates to trust instead of the system's.
    """

    username: str | None = None
    keyring: bool = False
    tls_roots: Path | None = None


def opened(url: str, access: Access) -> Connection:
    """A connection to a service, as the user named in the access or in the URL.

    Raises:
        InvalidUrl: the URL does not parse.
        NoNodeAvailable, RegistryError: no node could be reached.
        FlightkeeperError: the login failed.
        typer.Exit: there is no password, or a file cannot be used; that was said.
    """
    options = parse_url(url)
    user = access.username or options.user
    kept_as = entry(options) if access.keyring else None
    password = password_for(user, kept_as=kept_as) if user else None
    roots = read_authorities(access.tls_roots) if access.tls_roots else None
    return connect(url, user=user, password=password, tls_roots=roots)


@contextmanager
def connected(url: str, access: Access) -> Iterator[Connection]:
    """A connection to a service, closed after the block.

    Raises:
        typer.Exit: with 2 when the URL does not parse, 3 when no node could be reached, and 1 when
            the block ended with another error of the client.
    """
    with told(), opened(url, access) as connection:
        yield connection


@contextmanager
def told() -> Iterator[None]:
    """Errors of the client end the command with their exit code.

    Raises:
        typer.Exit: as `connected` does.
    """
    try:
        yield
    except InvalidUrl as exc:
        fail(str(exc), USAGE)
    except (NoNodeAvailable, RegistryError) as exc:
        fail(str(exc), UNREACHABLE)
    except FlightkeeperError as exc:
        fail(str(exc), FAILED)
