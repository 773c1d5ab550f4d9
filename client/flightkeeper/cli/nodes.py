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

from flightkeeper.cli.connecting import UrlArgument, UsernameOption, connected
from flightkeeper.cli.consoles import console_for
from flightkeeper.client import NodeStatus

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
    username: UsernameOption = None,
) -> None:
    """List the nodes of a service."""
    with connected(url, username) as connection:
        rows = [row(status) for status in connection.nodes()]
    if output is Format.JSON:
        typer.echo(json.dumps(rows, indent=2))
    else:
        _print_table(rows)


def row(status: NodeStatus) -> dict[str, object]:
    """One node as a row. The names are a contract: programs read them."""
    instance = status.instance
    return {
        "node": instance.node_id,
        "location": instance.location,
        "state": "ABSENT" if status.absent else instance.state.value,
        "zone": instance.zone,
        "weight": instance.weight,
        "databases": list(instance.databases),
        "version": instance.version,
        "settings": list(instance.settings),
        "problem": instance.problem,
        "load": status.reported_load,
        "incarnation": instance.incarnation,
    }


def _print_table(rows: list[dict[str, object]]) -> None:
    columns = ("node", "location", "state", "zone", "weight", "databases", "version")
    table = Table(*columns, box=None, pad_edge=False)
    for values in rows:
        table.add_row(*(Text(_shown(values[name])) for name in columns))
    console_for(sys.stdout).print(table)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
