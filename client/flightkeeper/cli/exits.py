"""How the command ends: its exit codes, a contract scripts rely on, and the one line that says why.

Owns nothing else; every verb ends through here when it cannot do what was asked.
"""

from typing import NoReturn

import typer

FAILED = 1
"""The statement or the operation failed."""
USAGE = 2
"""Wrong usage or configuration; nothing was tried."""
UNREACHABLE = 3
"""Nothing that could have answered was reachable."""
INTERRUPTED = 130
"""Ctrl-C ended it; what shells report of a command that SIGINT ended."""


def complain(message: str) -> None:
    """Write what went wrong on stderr, each line under the command's name."""
    for line in message.splitlines():
        typer.echo(f"flightkeeper: {line}", err=True)


def fail(message: str, code: int) -> NoReturn:
    """Say what went wrong and end the command with this exit code.

    Raises:
        typer.Exit: always.
    """
    complain(message)
    raise typer.Exit(code)
