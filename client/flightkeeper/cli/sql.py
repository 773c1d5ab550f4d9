"""`flightkeeper sql`: statements run one after the other, results streamed to stdout.

Owns the verb; cutting the text is `statements`' and printing is `formats`'.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from flightkeeper.cli.connecting import connected
from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.formats import Format, write
from flightkeeper.cli.statements import split

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def sql(
    url: Annotated[
        str, typer.Argument(help="flightsql+zk://…, flightsql+dir://… or flightsql://…")
    ],
    *,
    command: Annotated[
        str | None, typer.Option("--command", "-c", metavar="SQL", help="Statements to run.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="File of statements to run.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    username: Annotated[
        str | None, typer.Option("--username", help="Who to log in as, if not in the URL.")
    ] = None,
) -> None:
    """Run SQL on a cluster and print the results.

    Statements come from -c, -f or stdin, several with ; between them. They run in order until
    one fails. The password comes from FLIGHTKEEPER_PASSWORD or a prompt.
    """
    statements = list(split(_text(command, file)))
    if not statements:
        fail("nothing to run: give -c SQL, -f FILE, or statements on stdin", USAGE)
    if output is Format.ARROW and len(statements) > 1:
        fail("--format arrow takes one statement: streams cannot follow each other", USAGE)
    if output is Format.ARROW and sys.stdout.isatty():
        fail("--format arrow is binary: redirect it to a file or a program", USAGE)
    with connected(url, username) as connection:
        for statement in statements:
            with connection.query(statement) as reader:
                _print(reader.reader, output)


def _print(reader: pa.RecordBatchReader, output: Format) -> None:
    try:
        write(reader, output, sys.stdout)
    except BrokenPipeError:
        # Whoever reads our stdout has enough, as `head` does. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from None


def _text(command: str | None, file: Path | None) -> str:
    if command is not None and file is not None:
        fail("give -c or -f, not both", USAGE)
    if command is not None:
        return command
    if file is None:
        return "" if sys.stdin.isatty() else sys.stdin.read()
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        fail(f"cannot read {file}: {exc}", USAGE)
