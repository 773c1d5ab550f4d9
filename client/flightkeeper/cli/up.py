"""`flightkeeper up`: a cluster on one machine, in the foreground.

Owns the verb's contract: a ready line per node, then one for the cluster, and nothing left behind.
Loads no server code itself: every node is a process of its own.
"""

import json
import queue
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.cluster import Cluster, NodeEnded, NodeReady
from flightkeeper.cli.exits import FAILED, USAGE, complain, fail
from flightkeeper.cli.own_lake import lake_flags
from flightkeeper.cli.shutdown import Shutdown, next_event

app = typer.Typer(pretty_exceptions_enable=False)

NODES_MAX = 64
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
"""Longer than a node's own drain by default, so that nothing is killed that would end by itself."""

_IN_MEMORY = ":memory:"


@app.command()
def up(
    *,
    nodes: Annotated[int, typer.Option("--nodes", min=1, max=NODES_MAX, help="How many.")] = 3,
    registry: Annotated[
        str | None,
        typer.Option("--registry", metavar="URL", help="Default: a directory for this run only."),
    ] = None,
    service: Annotated[str, typer.Option("--service", help="Name of the service.")] = "flightsql",
    database: Annotated[
        str,
        typer.Option(
            "--database",
            metavar="PATH",
            help="DuckDB file, in which names are looked up; several nodes open it read-only.",
        ),
    ] = _IN_MEMORY,
    lake: Annotated[
        str | None,
        typer.Option(
            "--lake",
            metavar="ducklake:…",
            help="Tables that all nodes share. Default: a lake for this run only, unless "
            "--database is given; none: each node has its own.",
        ),
    ] = None,
    users: Annotated[
        Path | None,
        typer.Option("--users", metavar="FILE", help="Users file. Default: no login is asked for."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="TOML file of settings for every node."),
    ] = None,
) -> None:
    """Run a cluster on this machine, in the foreground.

    Prints the ready line of every node, then the URL of the cluster, as JSON on stdout. SIGTERM
    or SIGINT drains all nodes; they also drain when this process is killed.
    """
    if database != _IN_MEMORY and nodes > 1 and not Path(database).exists():
        fail(
            f"{database} does not exist, and several nodes can only read one file: create it "
            f"first, or use --nodes 1",
            USAGE,
        )
    own_database = database != _IN_MEMORY
    with (
        _registry_url(registry) as url,
        lake_flags(lake, database=own_database, config=config) as shared,
    ):
        flags = ["--registry", url, "--service", service, "--listen", "grpc://127.0.0.1:0"]
        flags += [*_database_flags(database, nodes), *shared]
        flags += ["--users", str(users)] if users else ["--insecure"]
        flags += ["--config", str(config)] if config else []
        _run(Cluster(flags), [f"node-{number}" for number in range(1, nodes + 1)], url, service)


def client_url(registry: str, service: str) -> str:
    """The URL clients use for a service of a registry."""
    return f"flightsql+{registry}?service={service}"


@contextmanager
def _registry_url(given: str | None) -> Iterator[str]:
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="flightkeeper-") as directory:
        yield f"dir://{directory}"


def _database_flags(database: str, nodes: int) -> list[str]:
    shared = database != _IN_MEMORY and nodes > 1
    return ["--database", database, *(["--read-only"] if shared else [])]


def _run(cluster: Cluster, node_ids: list[str], registry: str, service: str) -> None:
    stopping: queue.SimpleQueue[None] = queue.SimpleQueue()

    def drain() -> None:
        stopping.put(None)
        cluster.drain()

    shutdown = Shutdown(drain, cluster.kill)
    shutdown.install()
    try:
        for node_id in node_ids:
            cluster.start(node_id)
        _await_ready(cluster, len(node_ids), stopping)
        if stopping.empty():
            url = client_url(registry, service)
            typer.echo(json.dumps({"event": "cluster-ready", "url": url}))
        _watch(cluster, len(node_ids), stopping)
    finally:
        cluster.close(STOP_TIMEOUT_S)


def _await_ready(cluster: Cluster, count: int, stopping: "queue.SimpleQueue[None]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    ready = 0
    while ready < count and stopping.empty():
        try:
            event = cluster.events.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            fail(f"only {ready} of {count} nodes were ready after {START_TIMEOUT_S:g} s", FAILED)
        if isinstance(event, NodeReady):
            typer.echo(event.line)
            ready += 1
        elif stopping.empty():
            fail(f"{event.node_id} did not start: {event.reason}", FAILED)
        else:
            cluster.events.put(event)


def _watch(cluster: Cluster, alive: int, stopping: "queue.SimpleQueue[None]") -> None:
    """Report nodes that die, until all are gone; it is a failure unless they were asked to go."""
    while alive:
        event = next_event(cluster.events)
        if isinstance(event, NodeEnded):
            alive -= 1
            if stopping.empty():
                complain(f"{event.node_id} ended: {event.reason}; {alive} nodes are left")
    if stopping.empty():
        fail("no node is left", FAILED)
