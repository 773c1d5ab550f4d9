"""The `flightkeeper` command: its verbs, each loaded only when it is called for.

Owns the table of verbs. Must import neither the node nor the client: `flightkeeper --help` and
`flightkeeper sql` work where only the base install is, and start fast.
"""

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from flightkeeper.cli.exits import USAGE, fail


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the command line.

    Attributes:
        module: where it is.
        summary: its line in the help.
        app: what it is called in the module.
        without: libraries it never needs, but that others load where they are installed.
    """

    module: str
    summary: str
    app: str = "app"
    without: tuple[str, ...] = ()


VERBS: Mapping[str, Verb] = {
    "serve": Verb(
        "flightkeeper.cli.serve",
        "Run one node until it is told to drain.",
        # pyarrow and duckdb import them with their first conversion: a second and 60 MB, in the
        # middle of somebody's statement.
        without=("numpy", "pandas"),
    ),
    "up": Verb("flightkeeper.cli.up", "Run a cluster on this machine, in the foreground."),
    "gateway": Verb(
        "flightkeeper.cli.gateway",
        "Run one endpoint of a service, for stock drivers.",
        without=("numpy", "pandas"),
    ),
    "sql": Verb("flightkeeper.cli.sql", "Run SQL on a cluster, or converse with it in a shell."),
    "profile": Verb("flightkeeper.cli.profile", "Connection profiles for ADBC in any language."),
    "nodes": Verb("flightkeeper.cli.nodes", "List the nodes of a service."),
    "drain": Verb(
        "flightkeeper.cli.drain", "Let a node finish what runs and take nothing new.", "drain_app"
    ),
    "undrain": Verb(
        "flightkeeper.cli.drain", "Let a drained node take statements again.", "undrain_app"
    ),
    "top": Verb("flightkeeper.cli.top", "Show what the nodes of a service do."),
    "kill": Verb("flightkeeper.cli.kill", "End statements or sessions, wherever they are."),
    "config": Verb("flightkeeper.cli.config", "The settings of a node, and of a running cluster."),
    "reference": Verb(
        "flightkeeper.cli.reference", "Small tables that all nodes of a cluster have."
    ),
    "tables": Verb("flightkeeper.cli.tables", "Tables, views and macros of a cluster."),
    "lake": Verb(
        "flightkeeper.cli.lake", "Make, check and look after the tables that nodes share."
    ),
    "zookeeper": Verb(
        "flightkeeper.cli.zookeeper", "Prepare and check a cluster's part of ZooKeeper."
    ),
    "keys": Verb(
        "flightkeeper.cli.keys", "Make, rotate and revoke the keys the nodes of a cluster share."
    ),
    "users": Verb("flightkeeper.cli.users", "Who may log in: to a cluster, or to one node."),
    "grants": Verb("flightkeeper.cli.grants", "What users and roles of a cluster may do."),
}


class _VerbGroup(TyperGroup):
    """Shows every verb in the help, and loads a verb's module when it is called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, verb in VERBS.items():
            self.commands[name] = TyperCommand(name, help=verb.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        verb = VERBS.get(args[0])
        if verb:
            self.commands[args[0]] = typer.main.get_command(_load(verb))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _load(verb: Verb) -> typer.Typer:
    for library in verb.without:
        # An import of what stands here as None fails as if it were not installed.
        sys.modules.setdefault(library, None)  # type: ignore[arg-type]
    try:
        module = importlib.import_module(verb.module)
    except ModuleNotFoundError as exc:
        if (exc.name or "").startswith("flightkeeper"):
            raise
        fail(f"this needs {exc.name}: install it with pip install 'flightkeeper[server]'", USAGE)
    loaded: typer.Typer = getattr(module, verb.app)
    return loaded


def _print_version(wanted: bool) -> None:  # noqa: FBT001  the signature of a typer callback
    if wanted:
        typer.echo(version("flightkeeper"))
        raise typer.Exit


@app.callback()
def flightkeeper(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Make many DuckDB processes one Arrow Flight SQL service."""
