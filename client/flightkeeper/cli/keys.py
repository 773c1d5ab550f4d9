"""`flightkeeper keys`: the keys that the nodes of a cluster share, in a file or the registry.

Owns the verbs' names and the file's mode; what the keys are belongs to the node.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli import key_rotation
from flightkeeper.cli.exits import FAILED, fail
from flightkeeper.flight_server.auth.keys import encode, generate

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_OWNER_ONLY = 0o600


@app.callback()
def keys() -> None:
    """Make, rotate and revoke the keys the nodes of a cluster share."""


app.command("rotate")(key_rotation.rotate)
app.command("list")(key_rotation.list_keys)
app.command("prune")(key_rotation.prune)
app.command("revoke")(key_rotation.revoke)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="File to make; it must not exist.")],
) -> None:
    """Write new keys into a file that only its owner can read, for the setting key_file."""
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(made, "wb") as out:
            out.write(encode(generate()))
    except OSError as exc:
        fail(f"cannot make {file}: {exc.strerror}; nothing was changed", FAILED)
