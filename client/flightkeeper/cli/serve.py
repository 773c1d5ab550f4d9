"""`flightkeeper serve`: one node in the foreground.

Owns the contract of the process: one JSON line on stdout when ready, logs on stderr, a drain on
the first SIGTERM or SIGINT, and its exit code. What the node does is the node's.
"""

import json
import os
import queue
import threading
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, complain, fail
from flightkeeper.cli.first_login import with_login
from flightkeeper.cli.settings_flags import settings_flags
from flightkeeper.cli.shutdown import Shutdown, next_event
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.config_sources import LoadedSettings
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.node import Node
from flightkeeper.flight_server.telemetry.logging import add_to_every_line, configure_logging

app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
@settings_flags
def serve(
    loaded: LoadedSettings,
    *,
    until_stdin_closes: Annotated[
        bool,
        typer.Option(
            "--until-stdin-closes",
            help="Drain when stdin ends, so that the node never outlives the program that "
            "started it with a pipe.",
        ),
    ] = False,
) -> None:
    """Run one node until it is told to drain.

    Prints one line of JSON on stdout when it is ready, logs on stderr. SIGTERM or SIGINT drains
    it, a second one stops it at once. Without users it listens on this machine only, and prints
    a password made for this run on stderr, unless --insecure.
    """
    configure_logging(loaded.settings.log_level, loaded.settings.log_format)
    with with_login(loaded.settings) as settings:
        clean = _run(settings, until_stdin_closes=until_stdin_closes)
    if not clean:
        complain("a part of the node would not end; ended without it")
        # An orderly exit of the interpreter would wait for that part.
        os._exit(FAILED)


def _run(settings: NodeSettings, *, until_stdin_closes: bool) -> bool:
    try:
        node = Node(settings)
        ready = node.start()
    except StartFailed as exc:
        fail(str(exc), FAILED)
    add_to_every_line(node=ready.node_id)
    shutdown = Shutdown(node.drain, node.stop)
    shutdown.install()
    if until_stdin_closes:
        shutdown.watch_stdin()
    line = {"event": "ready", "node": ready.node_id, "location": ready.location}
    typer.echo(json.dumps(line))
    return _wait(node)


def _wait(node: Node) -> bool:
    """Wait for the node's end where signal handlers can run meanwhile.

    Python runs handlers on the main thread only, and not while it is inside Arrow's C++ wait.
    """
    ended: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(target=lambda: ended.put(node.wait()), name="node-wait", daemon=True).start()
    return next_event(ended)
