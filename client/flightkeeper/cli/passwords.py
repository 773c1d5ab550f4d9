"""Where the command takes a password from: environment, pipe, keyring or prompt; never a flag.

Owns the choice between them, and nothing of what the password is for.
"""

import os
import sys
from shlex import quote

from flightkeeper.cli import hidden
from flightkeeper.cli.exits import USAGE, fail
from flightkeeper.cli.keyrings import kept

VARIABLE = "FLIGHTKEEPER_PASSWORD"


def password_for(
    user: str, *, confirm: bool = False, from_stdin: bool = False, kept_as: str | None = None
) -> str:
    """The user's password, from FLIGHTKEEPER_PASSWORD, else asked for on the terminal.

    Args:
        user: named in the prompt.
        confirm: ask twice, as for a new password.
        from_stdin: take a line from stdin when it is not a terminal.
        kept_as: look for it in the system's keyring before asking, under this name.

    Raises:
        typer.Exit: there is neither a variable nor a terminal to ask on, or nothing was given.
    """
    found = os.environ.get(VARIABLE)
    if found is None and from_stdin and not sys.stdin.isatty():
        found = sys.stdin.readline().rstrip("\r\n")
    if found is None and kept_as is not None:
        found = kept(kept_as, user)
    if found is None:
        found = _ask(user, confirm=confirm, kept_as=kept_as)
    if not found:
        fail(f"the password for {user} is empty", USAGE)
    return found


def _ask(user: str, *, confirm: bool, kept_as: str | None) -> str:
    if not sys.stdin.isatty():
        other = f", or keep it with: keyring set {quote(kept_as)} {quote(user)}" if kept_as else ""
        fail(f"no terminal to ask for the password of {user}: set {VARIABLE}{other}", USAGE)
    first = hidden.ask(f"Password for {user}: ")
    if confirm and hidden.ask("Again: ") != first:
        fail("the two passwords differ; nothing was written", USAGE)
    return first
