"""Where the command takes a password from: the environment, a pipe, or a prompt; never a flag.

Owns the choice between them, and nothing of what the password is for.
"""

import os
import sys
from getpass import getpass

from flightkeeper.cli.exits import USAGE, fail

VARIABLE = "FLIGHTKEEPER_PASSWORD"


def password_for(user: str, *, confirm: bool = False, from_stdin: bool = False) -> str:
    """The user's password, from FLIGHTKEEPER_PASSWORD, else asked for on the terminal.

    Args:
        user: named in the prompt.
        confirm: ask twice, as for a new password.
        from_stdin: take a line from stdin when it is not a terminal.

    Raises:
        typer.Exit: there is neither a variable nor a terminal to ask on, or nothing was given.
    """
    found = os.environ.get(VARIABLE)
    if found is None and from_stdin and not sys.stdin.isatty():
        found = sys.stdin.readline().rstrip("\r\n")
    if found is None:
        found = _ask(user, confirm=confirm)
    if not found:
        fail(f"the password for {user} is empty", USAGE)
    return found


def _ask(user: str, *, confirm: bool) -> str:
    if not sys.stdin.isatty():
        fail(f"no terminal to ask for the password of {user}: set {VARIABLE}", USAGE)
    first = getpass(f"Password for {user}: ")
    if confirm and getpass("Again: ") != first:
        fail("the two passwords differ; nothing was written", USAGE)
    return first
