"""`flightkeeper users`: lines of the users file.

Owns the verb; the hash and the file's form belong to the node.
"""

import re
from typing import Annotated

import typer

from flightkeeper.cli.exits import USAGE, fail
from flightkeeper.cli.passwords import password_for
from flightkeeper.flight_server.auth.passwords import hash_password

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_NAME = re.compile(r"[^\s:#]+")


@app.callback()
def users() -> None:
    """Write lines of the users file."""


@app.command("hash")
def hash_(
    name: Annotated[str, typer.Argument(help="Name the user logs in with.")],
) -> None:
    """Print the users-file line of a user: the name and the argon2id hash of the password.

    The password comes from FLIGHTKEEPER_PASSWORD, a line on stdin, or a prompt.
    """
    if not _NAME.fullmatch(name):
        fail(f"user name {name!r}: it may hold neither spaces nor : nor #", USAGE)
    typer.echo(f"{name}:{hash_password(password_for(name, confirm=True, from_stdin=True))}")
