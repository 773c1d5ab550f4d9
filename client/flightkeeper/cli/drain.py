"""`flightkeeper drain|undrain`: take a node out of work for a while, and put it back.

Owns the verbs. A drain is a live setting of the node: it is remembered who did it, and a node that
is started again stays drained.
"""

import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, fail
from flightkeeper.cli.registries import ConfigOption, RegistryOption, author, opened
from flightkeeper.client.options import DEFAULT_SERVICE
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.topology import Event, Listed
from flightkeeper.flight_server.live import changing
from flightkeeper.flight_server.live.document import MalformedSettings

drain_app = typer.Typer(pretty_exceptions_enable=False)
undrain_app = typer.Typer(pretty_exceptions_enable=False)

_SETTING = "drained"
_FOLLOWED_WITHIN_S = 5.0

_Node = Annotated[str, typer.Argument(metavar="NODE", help="Id of the node.")]
_Service = Annotated[str, typer.Option("--service", help="The service that it belongs to.")]


@drain_app.command()
def drain(
    node: _Node,
    *,
    registry: RegistryOption = None,
    service: _Service = DEFAULT_SERVICE,
    config: ConfigOption = None,
) -> None:
    """Let a node finish what runs and take nothing new. `undrain` puts it back."""
    _set(node, "true", registry, service, config)


@undrain_app.command()
def undrain(
    node: _Node,
    *,
    registry: RegistryOption = None,
    service: _Service = DEFAULT_SERVICE,
    config: ConfigOption = None,
) -> None:
    """Let a drained node take statements again."""
    _set(node, None, registry, service, config)


def _set(
    node: str, value: str | None, registry: str | None, service: str, config: Path | None
) -> None:
    with opened(registry, config) as found:
        name = changing.node_document(node)
        at_ms = int(time.time() * 1000)
        try:
            changed = changing.change(found, name, {_SETTING: value}, by=author(), at_ms=at_ms)
        except MalformedSettings as exc:
            fail(str(exc), FAILED)
        instance = _followed(found, service, node, changed.revision)
    if instance is None:
        fail(
            f"it is set, but no node {node} of service {service} has followed within"
            f" {_FOLLOWED_WITHIN_S:g} s; it will when it is there",
            FAILED,
        )
    typer.echo(f"{node} is {instance.state.value}")


def _followed(registry: Registry, service: str, node: str, revision: int) -> Instance | None:
    """The record of a node that has seen a revision of its own settings; None = there is none."""
    found: list[Instance] = []
    heard = threading.Event()

    def hear(event: Event) -> None:
        if isinstance(event, Listed):
            there = (i for i in event.instances if i.node_id == node)
            if now := [i for i in there if i.settings[1] >= revision]:
                found[:] = now
                heard.set()

    with closing(registry.watch(service, hear)):
        heard.wait(_FOLLOWED_WITHIN_S)
    return found[0] if found else None
