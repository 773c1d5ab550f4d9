"""A connection for one verb, and its failures as exit codes.

Owns the translation of the client's errors; the messages are the client's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, fail
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


@contextmanager
def connected(url: str, username: str | None) -> Iterator[Connection]:
    """A connection to a service, as the user named here or in the URL, closed after the block.

    Raises:
        typer.Exit: with 2 when the URL does not parse, 3 when no node could be reached, and 1 when
            the block ended with another error of the client.
    """
    try:
        user = username or parse_url(url).user
        password = password_for(user) if user else None
        with connect(url, user=user, password=password) as connection:
            yield connection
    except InvalidUrl as exc:
        fail(str(exc), USAGE)
    except (NoNodeAvailable, RegistryError) as exc:
        fail(str(exc), UNREACHABLE)
    except FlightkeeperError as exc:
        fail(str(exc), FAILED)
