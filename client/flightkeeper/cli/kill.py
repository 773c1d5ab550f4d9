"""`flightkeeper kill`: end statements and sessions, wherever in the cluster they are.

Owns the verb; what may be ended, and by whom, is the nodes' to say.
"""

from typing import Annotated

import typer

from flightkeeper.cli.certificates import TlsRootsOption
from flightkeeper.cli.connecting import (
    Access,
    KeyringOption,
    UrlArgument,
    UsernameOption,
    connected,
)
from flightkeeper.cli.exits import FAILED

app = typer.Typer(pretty_exceptions_enable=False)

_UNKNOWN = "unknown"


@app.command()
def kill(
    url: UrlArgument,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID…", help="As in system.statements or .sessions.")
    ],
    *,
    username: UsernameOption = None,
    keyring: KeyringOption = False,
    tls_roots: TlsRootsOption = None,
) -> None:
    """End statements or sessions, wherever they are. Exits with 1 if one is not known."""
    unknown = False
    with connected(url, Access(username, keyring=keyring, tls_roots=tls_roots)) as connection:
        for each in ids:
            quoted = each.replace("'", "''")
            (row,) = connection.query(f"KILL '{quoted}'").read_all().to_pylist()
            unknown |= row["outcome"] == _UNKNOWN
            typer.echo(": ".join(filter(None, (each, row["outcome"], row["notice"]))))
    if unknown:
        raise typer.Exit(FAILED)
