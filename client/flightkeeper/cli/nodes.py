"""`flightkeeper nodes`: the nodes of a service, as a client sees them.

Owns the verb and the form of its rows.
"""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.certificates import TlsRootsOption
from flightkeeper.cli.connecting import (
    Access,
    KeyringOption,
    UrlArgument,
    UsernameOption,
    connected,
)
from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.keep_shown import keep_shown
from flightkeeper.client import Connection, NodeStatus

app = typer.Typer(pretty_exceptions_enable=False)


class Format(StrEnum):
    """How the nodes are printed."""

    TABLE = "table"
    JSON = "json"


@app.command()
def nodes(
    url: UrlArgument,
    *,
    output: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    watch: Annotated[bool, typer.Option("--watch", help="Show them again and again.")] = False,
    username: UsernameOption = None,
    keyring: KeyringOption = False,
    tls_roots: TlsRootsOption = None,
) -> None:
    """List the nodes of a service. Each is asked whether it is there."""
    with connected(url, Access(username, keyring=keyring, tls_roots=tls_roots)) as connection:
        if watch:
            keep_shown(lambda: _told(connection, output))
        else:
            console_for(sys.stdout).print(_told(connection, output), soft_wrap=True)


def _told(connection: Connection, output: Format) -> Table | Text:
    rows = [row(status) for status in connection.check_nodes()]
    return Text(json.dumps(rows, indent=2)) if output is Format.JSON else table(rows)


def row(status: NodeStatus) -> dict[str, object]:
    """One node as a row. The names are a contract: programs read them."""
    instance = status.instance
    told = "UNREACHABLE" if status.health == "open" else instance.state.value
    return {
        "node": instance.node_id,
        "location": instance.location,
        "state": "ABSENT" if status.absent else told,
        "zone": instance.zone,
        "weight": instance.weight,
        "databases": list(instance.databases),
        "version": instance.version,
        "settings": list(instance.settings),
        "problem": instance.problem,
        "load": status.reported_load,
        "incarnation": instance.incarnation,
    }


def table(rows: list[dict[str, object]]) -> Table:
    """Nodes for a person."""
    columns = ("node", "location", "state", "zone", "weight", "load", "databases", "version")
    laid_out = Table(*columns, box=None, pad_edge=False)
    for values in rows:
        laid_out.add_row(*(Text(_shown(values[name])) for name in columns))
    return laid_out


def _shown(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
