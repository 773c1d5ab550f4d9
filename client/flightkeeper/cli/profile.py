"""`flightkeeper profile write`: an ADBC connection profile of a service, kept true with --watch.

Owns the verb: its options, when it writes again, and its exit codes.
"""

import socket
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, complain, fail
from flightkeeper.cli.gateway import REGISTRY_VARIABLE
from flightkeeper.cli.shutdown import Shutdown
from flightkeeper.client.options import DEFAULT_SERVICE
from flightkeeper.client.profile_writer import Files, ProfileWriter
from flightkeeper.client.profiles import NoUsableNode, Wish
from flightkeeper.client.trust import TCP, TLS
from flightkeeper.discovery.errors import InvalidName, InvalidRegistryUrl
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.tls import RegistryTls

_LOOK_S = 0.25

app = typer.Typer(no_args_is_help=True, help="Connection profiles for ADBC in any language.")


@app.callback()
def profile() -> None:
    """Connection profiles for ADBC in any language."""


@app.command()
def write(
    *,
    registry: Annotated[
        str,
        typer.Option("--registry", metavar="URL", envvar=REGISTRY_VARIABLE, help="The cluster's."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="The profile, a TOML file.")],
    service: Annotated[
        str, typer.Option("--service", metavar="NAME", help="Which nodes of the registry.")
    ] = DEFAULT_SERVICE,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and write again whenever nodes come or go.")
    ] = False,
    username: Annotated[
        str,
        typer.Option(
            "--username", help="Who logs in; the password is taken from FLIGHTKEEPER_PASSWORD."
        ),
    ] = "",
    driver: Annotated[
        str, typer.Option("--driver", help="Name or path of the Flight SQL driver.")
    ] = "flightsql",
    host: Annotated[
        str, typer.Option("--host", metavar="NAME", help="One name for all nodes, of one port.")
    ] = "",
    hosts_file: Annotated[
        Path | None,
        typer.Option("--hosts-file", metavar="PATH", help="Where that name gets its addresses."),
    ] = None,
    transport: Annotated[
        str | None,
        typer.Option("--transport", metavar="tls|tcp", help="tls: no plain address; tcp: any."),
    ] = None,
    timeout_s: Annotated[
        float, typer.Option("--timeout-s", metavar="SECONDS", min=0, help="For the registry.")
    ] = 10.0,
) -> None:
    """Write a profile of a service's nodes, for drivers that bring no router.

    It never holds a password. With --watch it is replaced whenever nodes come or go, and kept as it
    is while the registry is away or lists none.
    """
    if transport not in {None, TLS, TCP}:
        fail(f"--transport is tls or tcp, not {transport!r}", USAGE)
    if hosts_file is not None and not host:
        fail("--hosts-file needs the name to be resolved: --host", USAGE)
    wish = Wish(driver, username, host, transport, socket.gethostname())
    try:
        opened = open_registry(registry, tls=RegistryTls.from_environment())
        with closing(opened):
            files = Files(out, hosts_file)
            with closing(ProfileWriter(opened, service, wish, files)) as writer:
                _write(writer, timeout_s, watch=watch)
    except (InvalidRegistryUrl, InvalidName) as exc:
        fail(str(exc), USAGE)


def _write(writer: ProfileWriter, timeout_s: float, *, watch: bool) -> None:
    ended = threading.Event()
    if watch:
        Shutdown(ended.set, ended.set).install()
    deadline_s = time.monotonic() + timeout_s
    written = False
    while not ended.is_set():
        try:
            written |= writer.write_next(_LOOK_S)
        except NoUsableNode as exc:
            if not watch:
                fail(f"{exc}; nothing was written", FAILED)
            complain(f"{exc}; the files stay as they are")
        except OSError as exc:
            fail(f"{exc.filename} cannot be written: {exc.strerror}", FAILED)
        if written and not watch:
            return
        if not watch and time.monotonic() > deadline_s:
            fail("the registry did not answer; nothing was written", UNREACHABLE)
