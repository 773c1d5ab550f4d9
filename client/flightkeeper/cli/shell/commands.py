"""The shell's own commands, which begin with a backslash.

Owns their table and what each of them does; SQL is the conversation's.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.table import Table

from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.conversation import is_place
from flightkeeper.cli.exits import complain
from flightkeeper.cli.formats import Format
from flightkeeper.cli.nodes import row, table
from flightkeeper.cli.shell.contact import Contact
from flightkeeper.cli.shell.screen import Screen
from flightkeeper.cli.statements import split
from flightkeeper.client import FlightkeeperError

_TABLES = """
SELECT table_catalog AS catalog, table_schema AS schema, table_name AS name, table_type AS kind
FROM information_schema.tables ORDER BY ALL
"""


class Shell(Protocol):
    """What a command may use of the shell."""

    contact: Contact
    screen: Screen
    timing: bool

    def run(self, statement: str) -> bool:
        """Run and show a statement; whether it worked."""

    def move(self, url: str) -> bool:
        """Go on with another service; whether it worked."""

    def stop(self) -> None:
        """End the shell."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it does, what follows its name, and its line in the help."""

    act: Callable[[Shell, str], None]
    argument: str
    summary: str


def perform(shell: Shell, line: str) -> None:
    """Do what a line with a backslash says, or say what is wrong with it."""
    name, _, argument = line.strip().rstrip(";").partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        complain(f"there is no command {name}; \\? lists them")
        return
    argument = argument.strip()
    if command.argument.isupper() and not argument:
        complain(f"{name} needs {command.argument}")
        return
    command.act(shell, argument)


def _help(_shell: Shell, _argument: str) -> None:
    listed = Table(box=None, pad_edge=False, show_header=False)
    for name, command in COMMANDS.items():
        listed.add_row(f"{name} {command.argument}".replace("[", "\\["), command.summary)
    console_for(sys.stdout).print(listed)


def _describe(shell: Shell, name: str) -> None:
    shell.run(f"DESCRIBE {name}" if name else _TABLES)


def _connect(shell: Shell, argument: str) -> None:
    if argument and not _moved(shell, argument):
        complain("the connection is as it was")
        return
    try:
        print(shell.contact.where())  # noqa: T201  what was asked for
    except FlightkeeperError as exc:
        complain(str(exc))


def _moved(shell: Shell, place: str) -> bool:
    if "://" in place:
        return shell.move(place)
    if is_place(place):
        return shell.run(f"USE {place}")
    # Not what it is instead: that may be a password.
    complain("that is neither a URL nor [catalog.]schema")
    return False


def _explain(shell: Shell, statement: str) -> None:
    shell.run(f"EXPLAIN {statement}")


def _nodes(shell: Shell, _argument: str) -> None:
    rows = [row(status) for status in shell.contact.connection.check_nodes()]
    console_for(sys.stdout).print(table(rows))


def _route(shell: Shell, statement: str) -> None:
    for line in shell.contact.connection.route(statement).lines():
        print(line)  # noqa: T201  what was asked for


def _format(shell: Shell, name: str) -> None:
    if name not in set(Format):
        complain(f"there is no format {name}; there are {', '.join(Format)}")
        return
    shell.screen.output = Format(name)


def _output(shell: Shell, name: str) -> None:
    try:
        shell.screen.redirect(Path(name).expanduser() if name else None)
    except OSError as exc:
        complain(f"cannot write {name}: {exc.strerror}; results go to the terminal")


def _input(shell: Shell, name: str) -> None:
    try:
        text = Path(name).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        complain(f"cannot read {name}: {exc}; nothing was run")
        return
    # Stops at the first statement that fails, as a script does.
    all(shell.run(statement) for statement in split(text))


def _timing(shell: Shell, _argument: str) -> None:
    shell.timing = not shell.timing
    print(f"timing is {'on' if shell.timing else 'off'}")  # noqa: T201  what was asked for


def _expanded(shell: Shell, _argument: str) -> None:
    shell.screen.expanded = not shell.screen.expanded
    print(f"expanded is {'on' if shell.screen.expanded else 'off'}")  # noqa: T201  what was asked for


def _quit(shell: Shell, _argument: str) -> None:
    shell.stop()


COMMANDS: Mapping[str, Command] = {
    "\\?": Command(_help, "", "this list"),
    "\\c": Command(
        _connect, "[URL|schema]", "go on with another service, or [catalog.]schema; or show both"
    ),
    "\\d": Command(_describe, "[name]", "tables, or the columns of one"),
    "\\explain": Command(_explain, "SQL", "how a node would run a statement"),
    "\\format": Command(_format, "NAME", f"print results as {', '.join(Format)}"),
    "\\i": Command(_input, "FILE", "run the statements of a file"),
    "\\nodes": Command(_nodes, "", "the nodes, each asked whether it is there"),
    "\\o": Command(_output, "[file]", "write results into a file; without one, here again"),
    "\\q": Command(_quit, "", "leave; so does Ctrl-D"),
    "\\route": Command(_route, "SQL", "which node a statement would go to, and why"),
    "\\timing": Command(_timing, "", "show how long statements take, or do not"),
    "\\x": Command(_expanded, "", "show each column on a line of its own, or do not"),
}
