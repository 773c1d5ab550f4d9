"""`flightkeeper lake init|check|info|maintain`: the tables that nodes share, beside the nodes.

Owns the verbs and the form of their output; what a lake is made of is the node's to know.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, complain, fail
from flightkeeper.cli.registries import author
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_sources import InvalidSettings, load
from flightkeeper.flight_server.engine import lake_inspection, lake_upkeep
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake_inspection import LakeFacts
from flightkeeper.flight_server.errors import LakeUnreachable, NodeError, StartFailed
from flightkeeper.flight_server.lake import location
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.part import keeping, rounds
from flightkeeper.flight_server.lake.rounds import DONE
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.parts import database_options
from flightkeeper.flight_server.telemetry.logging import configure_logging

app = typer.Typer(pretty_exceptions_enable=False, no_args_is_help=True)

_Lake = Annotated[
    str | None,
    typer.Option("--lake", metavar="ducklake:…", help="Which; also FLIGHTKEEPER_LAKE."),
]
_Data = Annotated[
    str | None,
    typer.Option("--lake-data", metavar="PATH", help="Its files; also FLIGHTKEEPER_LAKE_DATA."),
]
_Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file of a node that has it.")
]


class Form(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


class Compression(StrEnum):
    """How the lake's files are compressed."""

    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"
    UNCOMPRESSED = "uncompressed"


_SHOWN = ("step", "outcome", "took_ms", "detail")
_Compression = Annotated[
    Compression | None,
    typer.Option("--compression", help="Of files that are written from now on; snappy if unsaid."),
]
_Form = Annotated[Form, typer.Option("--format", help="How to print.")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A lake, and who asks."""

    where: Location
    database: Database
    connection: Connection
    settings: NodeSettings


@app.callback()
def lake() -> None:
    """Make, check and look after the tables that nodes share."""


@app.command()
def init(
    *,
    lake: _Lake = None,
    lake_data: _Data = None,
    config: _Config = None,
    compression: _Compression = None,
) -> None:
    """Make what is missing of a lake: its catalog, and what makes writes happen once."""
    there = _is_there(lake, lake_data, config)
    with _opened(lake, lake_data, config) as opened:
        lake_upkeep.prepare(opened.connection)
        if compression is not None:
            lake_inspection.compress(opened.connection, compression)
        facts = lake_inspection.facts(opened.connection, opened.where.backend, opened.database.lake)
    typer.echo(f"{'found' if there else 'made'} the lake {opened.where}, named {facts.name}")
    typer.echo(f"catalog of format {facts.format}, files in {facts.data}, {facts.compression}")
    typer.echo("ledger, ranges of columns and their triggers, record of upkeep: there")


@app.command()
def check(*, lake: _Lake = None, lake_data: _Data = None, config: _Config = None) -> None:
    """Say what is wrong with a lake; exit code 1 if something is, 3 if it cannot be reached."""
    with _opened(lake, lake_data, config, read_only=True) as opened:
        wrong = 0
        for finding in lake_inspection.findings(opened.connection, opened.where.backend):
            if finding.problem:
                wrong += 1
                complain(f"{finding.about}: {finding.problem}")
            else:
                typer.echo(f"ok: {finding.about}")
    if wrong:
        fail(f"{wrong} things are wrong with the lake {opened.where}", FAILED)


@app.command()
def info(
    *,
    lake: _Lake = None,
    lake_data: _Data = None,
    config: _Config = None,
    form: _Form = Form.TABLE,
) -> None:
    """Print what is in a lake."""
    with _opened(lake, lake_data, config, read_only=True) as opened:
        facts = lake_inspection.facts(opened.connection, opened.where.backend, opened.database.lake)
    if form is Form.JSON:
        typer.echo(json.dumps({"location": str(opened.where), **asdict(facts)}))
        return
    for name, value in _lines(opened.where, facts):
        typer.echo(f"{name:13}{value}")
    if facts.tables:
        _print([asdict(table) for table in facts.tables])


@app.command()
def maintain(
    *,
    lake: _Lake = None,
    lake_data: _Data = None,
    config: _Config = None,
    form: _Form = Form.TABLE,
) -> None:
    """Do now what one node does every lake_upkeep_s, and print it."""
    with _opened(lake, lake_data, config) as opened:
        line = Line(gate(opened.where, opened.database))
        doing = rounds(opened.where, opened.database, line, Clocks(), author)
        runs = doing.round(keeping(opened.settings), lambda: None)
    if runs is None:
        fail("a node is just at it; nothing was done: look at system.lake", FAILED)
    if form is Form.JSON:
        typer.echo(json.dumps([asdict(run) for run in runs]))
    elif runs:
        _print([{name: getattr(run, name) for name in _SHOWN} for run in runs])
    else:
        typer.echo("there is nothing to do")
    if any(run.outcome != DONE for run in runs):
        raise typer.Exit(FAILED)


def _lines(where: Location, facts: LakeFacts) -> Iterator[tuple[str, str]]:
    yield "lake", str(where)
    yield "name", facts.name
    yield "format", facts.format
    yield "files in", facts.data
    yield "compression", facts.compression
    yield "version", f"{facts.version:,}, and {facts.versions - 1:,} earlier ones"
    yield "ledger", f"{facts.statements:,} statements"
    yield "to be gone", f"{facts.scheduled:,} files"


def _print(rows: Sequence[Mapping[str, object]]) -> None:
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(value)) for value in row.values()))
    console_for(sys.stdout).print(table)


def _is_there(lake: str | None, lake_data: str | None, config: Path | None) -> bool:
    settings = _settings(lake, lake_data, config)
    try:
        Database(_options(settings, read_only=True)).close()
    except StartFailed:
        return False
    return True


@contextmanager
def _opened(
    lake: str | None, lake_data: str | None, config: Path | None, *, read_only: bool = False
) -> Iterator[_Opened]:
    """The lake that flags, variables or file name; its errors end the command."""
    settings = _settings(lake, lake_data, config)
    configure_logging("warning", "text")
    try:
        with (
            closing(Database(_options(settings, read_only=read_only))) as database,
            closing(database.connect()) as connection,
        ):
            where = location.parse(settings.lake or "", settings.lake_data)
            yield _Opened(where, database, connection, settings)
    except LakeUnreachable as exc:
        fail(str(exc), UNREACHABLE)
    except (StartFailed, NodeError) as exc:
        fail(str(exc), FAILED)


def _settings(lake: str | None, lake_data: str | None, config: Path | None) -> NodeSettings:
    given = {"lake": lake, "lake_data": lake_data}
    try:
        flags = {name: text for name, text in given.items() if text is not None}
        settings = load(flags, config).settings
    except InvalidSettings as exc:
        fail(str(exc), USAGE)
    if settings.lake is None:
        fail("say which lake: --lake ducklake:…, FLIGHTKEEPER_LAKE or a file with it", USAGE)
    return settings


def _options(settings: NodeSettings, *, read_only: bool) -> DatabaseOptions:
    """The lake and what it takes to reach its files, and no database of a node's."""
    asked = {"database": ":memory:", "read_only": read_only}
    return database_options(settings.model_copy(update=asked))
