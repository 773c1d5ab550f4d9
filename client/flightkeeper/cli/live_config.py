"""`flightkeeper config get|set|unset|history|watch|diff`: the settings of a running cluster.

Owns the verbs and the form of their output; what a setting may be is the node's to say.
"""

import json
import queue
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.registries import ConfigOption, JsonOption, RegistryOption, author, opened
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.topology import Event, Unreachable
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.document import (
    EMPTY,
    Change,
    MalformedSettings,
    SettingsDocument,
    decode,
)
from flightkeeper.flight_server.live.settings import LIVE, InvalidLiveSettings

_Node = Annotated[
    str | None, typer.Option("--node", metavar="ID", help="Of this node instead of the cluster.")
]
_Revision = Annotated[
    int | None,
    typer.Option("--revision", metavar="N", help="Only if the settings are still at this one."),
]

_SERVICE: str = NodeSettings.model_fields["service"].default
"""Any would do."""
_AWAY = "the registry does not answer; what changes meanwhile is shown once it does"
_BACK = "the registry answers again"


def get(
    key: Annotated[str | None, typer.Argument(help="One of them; else all that are set.")] = None,
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what is set for the cluster, or for one node."""
    with _opened(registry, config) as cluster:
        found = changing.read(cluster, _name(node))
    if key is not None and key not in LIVE:
        fail(f"{key} is no setting that may change; those are {', '.join(LIVE)}", USAGE)
    values = found.values if key is None else {key: found.values.get(key)}
    if as_json:
        typer.echo(json.dumps({"revision": found.revision, "values": values}))
    elif key is not None:
        if values[key] is None:
            fail(f"{key} is not set for {_whose(node)}", FAILED)
        typer.echo(str(values[key]))
    else:
        _print_values(found)


def set_(
    assignments: Annotated[list[str], typer.Argument(metavar="KEY=VALUE…")],
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
    revision: _Revision = None,
) -> None:
    """Set one or more settings, all or none of them."""
    if wrong := [text for text in assignments if "=" not in text]:
        fail(f"write settings as KEY=VALUE, not {', '.join(wrong)}", USAGE)
    after = dict(text.split("=", 1) for text in assignments)
    _change(after, registry, node, config, revision)


def unset(
    keys: Annotated[list[str], typer.Argument(metavar="KEY…")],
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
    revision: _Revision = None,
) -> None:
    """Put settings back to what each node was started with."""
    _change(dict.fromkeys(keys), registry, node, config, revision)


def history(
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print who changed what, and when, oldest first."""
    with _opened(registry, config) as cluster:
        found = changing.read(cluster, _name(node))
    for change in found.history:
        typer.echo(json.dumps(asdict(change)) if as_json else _line(change))


def watch(
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print changes as they happen, until Ctrl-C; outages of the registry to stderr."""
    heard: queue.SimpleQueue[Document | Event | None] = queue.SimpleQueue()
    with _opened(registry, config) as cluster:
        seen = changing.read(cluster, _name(node)).revision
        cluster.watch_document(_name(node), heard.put)
        # Who watches a document is not told that nobody answers.
        cluster.watch(_SERVICE, heard.put)
        away = False
        while True:
            news = heard.get()
            if news is None or isinstance(news, Document):
                seen = _print_later(news, seen, as_json=as_json)
            elif away != isinstance(news, Unreachable):
                away = not away
                typer.echo(_AWAY if away else _BACK, err=True)


def diff(
    older: Annotated[int | None, typer.Argument(metavar="FROM", help="A revision.")] = None,
    newer: Annotated[int | None, typer.Argument(metavar="TO", help="A later one.")] = None,
    *,
    registry: RegistryOption = None,
    node: _Node = None,
    config: ConfigOption = None,
) -> None:
    """Print what differs between two revisions; by default the last two."""
    with _opened(registry, config) as cluster:
        found = changing.read(cluster, _name(node))
    to = found.revision if newer is None else newer
    since = max(to - 1, 0) if older is None else older
    before, after = _at(found, since), _at(found, to)
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            if key in before:
                typer.echo(f"-{key} = {before[key]}")
            if key in after:
                typer.echo(f"+{key} = {after[key]}")


def _change(
    after: Mapping[str, Any],
    registry: str | None,
    node: str | None,
    config: Path | None,
    revision: int | None,
) -> None:
    with _opened(registry, config) as cluster:
        made = changing.change(
            cluster,
            _name(node),
            after,
            by=author(),
            at_ms=int(time.time() * 1000),
            revision=revision,
        )
    typer.echo(f"revision {made.revision} of {_whose(node)}")


@contextmanager
def _opened(url: str | None, config: Path | None) -> Iterator[Registry]:
    """The registry; what is wrong with settings ends the command as well."""
    with opened(url, config) as found:
        try:
            yield found
        except InvalidLiveSettings as exc:
            fail(f"{exc}\nnothing was changed", USAGE)
        except MalformedSettings as exc:
            fail(str(exc), FAILED)


def _name(node: str | None) -> str:
    return changing.CLUSTER if node is None else changing.node_document(node)


def _whose(node: str | None) -> str:
    return "the cluster" if node is None else f"node {node}"


def _print_later(document: Document | None, seen: int, *, as_json: bool) -> int:
    """Print the changes after a revision; the revision it has now."""
    found = EMPTY if document is None else decode(document.data)
    for change in found.history:
        if change.revision > seen:
            typer.echo(json.dumps(asdict(change)) if as_json else _line(change))
    return found.revision


def _at(found: SettingsDocument, revision: int) -> Mapping[str, Any]:
    values = found.at(revision)
    if values is None:
        fail(f"revision {revision} is not remembered; the last one is {found.revision}", USAGE)
    return values


def _line(change: Change) -> str:
    changed = ", ".join(
        f"{key} = {value}" if value is not None else f"{key} unset"
        for key, value in change.after.items()
    )
    return f"revision {change.revision} {changing.told(change)}: {changed}"


def _print_values(found: SettingsDocument) -> None:
    table = Table("key", "value", box=None, pad_edge=False)
    for key, value in found.values.items():
        table.add_row(Text(key), Text(str(value)))
    console_for(sys.stdout).print(table)
