"""`flightkeeper config`: the settings a node would run with, and those of a running cluster.

Owns the verb and what needs no cluster; the rest is in `live_config`.
"""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flightkeeper.cli import live_config
from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.settings_flags import settings_flags
from flightkeeper.flight_server.config_sources import LoadedSettings
from flightkeeper.flight_server.config_text import effective, effective_toml, example_toml

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_COLUMNS = ("key", "value", "default", "source")


class Format(StrEnum):
    """How `config print` writes the settings."""

    TABLE = "table"
    TOML = "toml"
    JSON = "json"


@app.callback()
def config() -> None:
    """The settings of a node, and of a running cluster."""


@app.command("print")
@settings_flags
def print_(
    loaded: LoadedSettings,
    *,
    example: Annotated[
        bool, typer.Option("--example", help="Print a file with every key and its default.")
    ] = False,
    output: Annotated[Format, typer.Option("--format", help="How to write them.")] = Format.TABLE,
) -> None:
    """Print each setting, its value and where it came from; secrets are masked.

    Takes the same flags, variables and file as `flightkeeper serve`.
    """
    if example:
        typer.echo(example_toml(), nl=False)
    elif output is Format.TOML:
        typer.echo(effective_toml(loaded), nl=False)
    elif output is Format.JSON:
        typer.echo(json.dumps(effective(loaded), indent=2))
    else:
        _print_table(effective(loaded))


@app.command()
@settings_flags
def check(loaded: LoadedSettings) -> None:
    """Check flags, variables and file as `serve` does; exit code 2 when they are wrong.

    Reads the files that are named but starts, opens and contacts nothing.
    """
    settings = loaded.settings
    typer.echo(f"ok: listens on {settings.listen}, registry {settings.registry or 'none'}")


app.command()(live_config.get)
app.command("set")(live_config.set_)
app.command()(live_config.unset)
app.command()(live_config.history)
app.command()(live_config.watch)
app.command()(live_config.diff)


def _print_table(rows: list[dict[str, object]]) -> None:
    table = Table(*_COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in _COLUMNS))
    console_for(sys.stdout).print(table)
