"""`flightkeeper reference list|get|put|delete|history`: small tables that all nodes have.

Owns the verbs, and which files a table is read from.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pa_parquet
import typer

from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.formats import Format, write
from flightkeeper.cli.registries import ConfigOption, JsonOption, RegistryOption, author, opened
from flightkeeper.discovery.reference_table import Content, MalformedTable
from flightkeeper.discovery.reference_tables import (
    Author,
    ReferenceTable,
    ReferenceTables,
    read,
    told,
)

app = typer.Typer(no_args_is_help=True, help="Small tables that all nodes of a cluster have.")

_Name = Annotated[str, typer.Argument(metavar="SCHEMA.TABLE")]
_Version = Annotated[
    int | None,
    typer.Option("--version", metavar="N", help="Only if the table is still at this one."),
]


def _arrow(path: Path) -> pa.Table:
    data = path.read_bytes()
    try:
        return pa.ipc.open_file(data).read_all()
    except pa.ArrowInvalid:
        return pa.ipc.open_stream(data).read_all()


_READERS: Mapping[str, Callable[[Path], pa.Table]] = {
    ".arrow": _arrow,
    ".arrows": _arrow,
    ".csv": pa_csv.read_csv,
    ".json": pa_json.read_json,
    ".jsonl": pa_json.read_json,
    ".parquet": pa_parquet.read_table,
}
"""By the ending of a file's name. JSON is one object a line."""


@app.command("list")
def list_(
    *, registry: RegistryOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Print all tables, with who changed them last."""
    with _tables(registry, config) as tables:
        found = [read(name, document) for name, document in sorted(tables.all().items())]
    for table in filter(None, found):
        facts = {"name": table.name, "version": table.version, "rows": table.rows.num_rows}
        last = f", {told(table.history[-1])}" if table.history else ""
        text = f"{table.name} version {table.version}, {table.rows.num_rows} rows{last}"
        typer.echo(json.dumps(facts) if as_json else text)


@app.command()
def get(
    name: _Name,
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    output: Annotated[Format, typer.Option("--format")] = Format.TABLE,
) -> None:
    """Print a table."""
    with _tables(registry, config) as tables:
        table = _found(tables, name)
    write(table.rows.to_reader(), output, sys.stdout)


@app.command()
def put(
    name: _Name,
    file: Annotated[Path, typer.Argument(help=f"Rows: {', '.join(_READERS)}.")],
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    version: _Version = None,
    primary_key: Annotated[
        str, typer.Option(metavar="A,B", help="Columns that tell its rows apart.")
    ] = "",
    comment: Annotated[str, typer.Option(help="What it is about.")] = "",
) -> None:
    """Make a table, or replace all of it."""
    rows = _read(file)
    key = tuple(filter(None, primary_key.split(",")))
    if unknown := [column for column in key if column not in rows.column_names]:
        fail(f"{file} has no column {', '.join(unknown)}; nothing was written", USAGE)
    with _tables(registry, config) as tables:
        made = tables.replace(name, Content(rows, key, comment), _author(), version)
    typer.echo(f"version {made.version} of {name}, {made.rows.num_rows} rows")


@app.command()
def delete(
    name: _Name,
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    version: _Version = None,
) -> None:
    """Take a table away from all nodes."""
    with _tables(registry, config) as tables:
        tables.delete(name, version)
    typer.echo(f"{name} is gone")


@app.command()
def history(
    name: _Name,
    *,
    registry: RegistryOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print who changed a table, and when, oldest first."""
    with _tables(registry, config) as tables:
        table = _found(tables, name)
    for change in table.history:
        text = f"version {change.version} {told(change)}: {change.rows} rows"
        typer.echo(json.dumps(asdict(change)) if as_json else text)


@contextmanager
def _tables(url: str | None, config: Path | None) -> Iterator[ReferenceTables]:
    with opened(url, config) as registry:
        try:
            yield ReferenceTables(registry)
        except MalformedTable as exc:
            fail(str(exc), FAILED)


def _found(tables: ReferenceTables, name: str) -> ReferenceTable:
    table = tables.get(name)
    if table is None:
        fail(f"there is no reference table {name}", FAILED)
    return table


def _read(file: Path) -> pa.Table:
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        fail(f"{file}: its name has to end in {', '.join(_READERS)}", USAGE)
    try:
        return reader(file)
    except (OSError, pa.ArrowException) as exc:
        fail(f"{file} cannot be read: {exc}", FAILED)


def _author() -> Author:
    return Author(author(), int(time.time() * 1000))
