"""`flightkeeper tables list|show|create|drop|partitions|history`: what all nodes have as tables.

Owns the verbs and the form of their output. What is created here is tried out by an engine in this
process first, which has to find the files where the nodes do.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.registries import ConfigOption, JsonOption, RegistryOption, author, opened
from flightkeeper.discovery.catalog import changing, definition, locations
from flightkeeper.discovery.catalog.catalog import Catalog, object_name
from flightkeeper.discovery.catalog.changing import Author
from flightkeeper.discovery.catalog.definition import Definition, Table
from flightkeeper.flight_server.cluster.catalog import defining
from flightkeeper.flight_server.cluster.catalog.commands import Creation
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.sql.translation import parse

app = typer.Typer(no_args_is_help=True, help="Tables, views and macros of a cluster.")

_Name = Annotated[str, typer.Argument(metavar="SCHEMA.NAME")]


@app.command("list")
def list_(
    *, registry: RegistryOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Print what is defined, with its owner."""
    with _catalog(registry, config) as catalog:
        found = catalog.all()
    for one in found:
        facts = {"name": str(one.name), "kind": one.kind, "owner": one.owner}
        comment = f": {one.comment}" if one.comment else ""
        text = f"{one.kind} {one.name}, by {one.owner}{comment}"
        typer.echo(json.dumps({**facts, "comment": one.comment}) if as_json else text)


@app.command()
def show(name: _Name, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Print a definition as JSON."""
    with _catalog(registry, config) as catalog:
        found = _expected(catalog, name)
    typer.echo(definition.encode(found).decode())


@app.command()
def create(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="CREATE EXTERNAL TABLE … and such.")],
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
) -> None:
    """Create a table, view or macro of the cluster, as SQL says it."""
    with opened(registry, config) as cluster:
        command, made = _tried_out(sql)
        if command.if_not_exists and changing.find(cluster, command.name) is not None:
            return
        by = Author(author(), round(time.time() * 1000))
        revision = changing.define(cluster, made, by, or_replace=command.or_replace)
    typer.echo(f"revision {revision}: {made.name}")


@app.command()
def drop(name: _Name, *, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Take a table, view or macro out of the cluster; its files stay."""
    with _catalog(registry, config) as catalog:
        found = _expected(catalog, name)
        assert found.kind is not None
        revision = catalog.drop(name, found.kind)
    typer.echo(f"revision {revision}: {found.name} is gone")


@app.command()
def partitions(
    name: _Name,
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the partitions of a table."""
    with opened(registry, config) as cluster:
        _, table, found = changing.read_table(cluster, object_name(name))
    for partition in found:
        facts: Mapping[str, Any] = {
            "partition": locations.folder(table.partitioned_by, partition.values),
            "path": partition.path,
            "files": None if partition.files is None else len(partition.files),
            "rows": partition.rows if partition.rows >= 0 else None,
            "bytes": partition.bytes if partition.bytes >= 0 else None,
        }
        known = (f"{facts[key]} {key}" for key in ("files", "rows", "bytes") if facts[key])
        text = ", ".join([f"{facts['partition']}", *known])
        typer.echo(json.dumps(facts) if as_json else text)


@app.command()
def history(*, registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Print who changed what, and when, oldest first."""
    with _catalog(registry, config) as catalog:
        found = catalog.history()
    for entry in found:
        at = datetime.fromtimestamp(entry.at_ms / 1000, UTC)
        name = ".".join(entry.document.split("/")[1:])
        typer.echo(
            f"revision {entry.revision} by {entry.by} at {at:%Y-%m-%d %H:%M:%S} UTC: "
            f"{entry.what} {name}"
        )


@contextmanager
def _catalog(registry: str | None, config: Any) -> Iterator[Catalog]:
    with opened(registry, config) as cluster:
        yield Catalog(cluster, author())


def _expected(catalog: Catalog, name: str) -> Definition:
    found = catalog.find(name)
    if found is None:
        fail(f"there is no {name} in the catalog", FAILED)
    return found


def _tried_out(sql: str) -> tuple[Creation, Definition]:
    database = Database(DatabaseOptions())
    try:
        commands = [statement.command for statement in parse(sql, "duckdb")]
        command = commands[0]
        if len(commands) > 1 or not isinstance(command, Creation):
            fail("write one CREATE EXTERNAL TABLE, CLUSTER VIEW or CLUSTER MACRO", USAGE)
        made = defining.definition(ClusterObjects(database, "memory"), command)
    except NodeError as exc:
        fail(str(exc), FAILED)
    finally:
        database.close()
    if isinstance(made.body, Table) and made.body.partitioned_by:
        typer.echo("it has no partitions yet: ask a node to MSCK REPAIR TABLE", err=True)
    return command, made
