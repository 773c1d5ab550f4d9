"""`flightkeeper sql`: statements run one after the other, results streamed to stdout.

Owns the verb; cutting the text is `statements`' and printing is `formats`'. Without statements on
a terminal it is the shell, whose libraries are loaded only then.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from flightkeeper.cli.certificates import TlsRootsOption
from flightkeeper.cli.connecting import (
    Access,
    KeyringOption,
    UrlArgument,
    UsernameOption,
    connected,
    told,
)
from flightkeeper.cli.conversation import Conversation
from flightkeeper.cli.exits import FAILED, INTERRUPTED, USAGE, complain, fail
from flightkeeper.cli.formats import Format
from flightkeeper.cli.outcomes import write_answer
from flightkeeper.cli.shell.waiting import interruptible
from flightkeeper.cli.statements import split
from flightkeeper.client import FlightkeeperError
from flightkeeper.client.control import Control

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def sql(
    url: UrlArgument,
    *,
    commands: Annotated[
        list[str] | None,
        typer.Option("--command", "-c", metavar="SQL", help="Statements to run; may be repeated."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="File of statements to run.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    username: UsernameOption = None,
    keyring: KeyringOption = False,
    tls_roots: TlsRootsOption = None,
) -> None:
    """Run SQL on a cluster, or converse with it in a shell.

    Without statements, and on a terminal, it is the shell. Statements come from -c, -f or stdin,
    several with ; between them. They run in order until one fails; what BEGIN, SET and USE say
    holds for those after them. Ctrl-C ends the one that runs, on its node too, and runs no other.
    The password comes from FLIGHTKEEPER_PASSWORD, with --keyring from there, or from a prompt.
    """
    access = Access(username, keyring=keyring, tls_roots=tls_roots)
    if not commands and file is None and sys.stdin.isatty() and sys.stdout.isatty():
        _converse(url, access, output)
        return
    statements = [statement for text in _texts(commands, file) for statement in split(text)]
    if not statements:
        fail("nothing to run: give -c SQL, -f FILE, or statements on stdin", USAGE)
    if output.binary and len(statements) > 1:
        fail(f"--format {output} takes one statement: two cannot follow each other", USAGE)
    if output.binary and sys.stdout.isatty():
        fail(f"--format {output} is binary: redirect it to a file or a program", USAGE)
    with connected(url, access) as connection, Conversation(connection) as conversation:
        for statement in statements:
            if interruptible(partial(_interrupted, conversation, statement, output), None):
                raise typer.Exit(INTERRUPTED)
        if conversation.in_transaction:
            fail("the statements end with an open transaction; it was undone", FAILED)


def _interrupted(
    conversation: Conversation, statement: str, output: Format, control: Control
) -> bool:
    """Run a statement and print its result; whether Ctrl-C was pressed meanwhile."""
    try:
        result = conversation.run(statement, control)
        if result is not None:
            with result:
                _print(statement, result.reader, output)
    except FlightkeeperError as exc:
        if not control.cancelled:
            raise
        complain(str(exc))
    return control.cancelled


def _converse(url: str, access: Access, output: Format) -> None:
    try:
        from flightkeeper.cli.shell.contact import Contact  # noqa: PLC0415
        from flightkeeper.cli.shell.interactive import Interactive  # noqa: PLC0415  an extra has it
    except ModuleNotFoundError as exc:
        fail(
            f"the shell needs {exc.name}: install it with pip install 'flightkeeper[console]', or"
            " give -c SQL, -f FILE, or statements on stdin",
            USAGE,
        )
    with told(), Contact(url, access) as contact:
        Interactive(contact, output).loop()
        if contact.conversation.in_transaction:
            complain("a transaction was open; it was undone")


def _print(statement: str, reader: pa.RecordBatchReader, output: Format) -> None:
    try:
        write_answer(statement, reader, output, sys.stdout)
    except BrokenPipeError:
        # Whoever reads our stdout has enough, as `head` does. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None


def _texts(commands: list[str] | None, file: Path | None) -> list[str]:
    if commands and file is not None:
        fail("give -c or -f, not both", USAGE)
    if commands:
        return commands
    if file is None:
        return [] if sys.stdin.isatty() else [sys.stdin.read()]
    try:
        return [file.read_text()]
    except (OSError, UnicodeDecodeError) as exc:
        fail(f"cannot read {file}: {exc}", USAGE)
