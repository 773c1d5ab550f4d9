"""A login for a node that was started without users: a random password, printed once.

Owns the temporary users file it lives in. The password is kept nowhere else.
"""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from flightkeeper.flight_server.auth.passwords import hash_password
from flightkeeper.flight_server.config import NodeSettings

USER = "flightkeeper"
_PASSWORD_BYTES = 24


@contextmanager
def with_login(settings: NodeSettings) -> Iterator[NodeSettings]:
    """The settings with users: as given, none when insecure, otherwise one made for this run.

    Those of the registry are as given, too.

    The made one is printed on stderr before the block begins; its file lives as long as the block.
    """
    if settings.users or settings.insecure or settings.accounts == "registry":
        yield settings
        return
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with tempfile.TemporaryDirectory(prefix="flightkeeper-login-") as directory:
        users = Path(directory) / "users"
        users.write_text(f"{USER}:{hash_password(password)}\n")
        typer.echo(f"login for this run: user {USER}, password {password}", err=True)
        yield settings.model_copy(update={"users": users})
