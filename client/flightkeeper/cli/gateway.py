"""`flightkeeper gateway`: one Flight SQL endpoint in front of a service, in the foreground.

Owns the contract of the process: one JSON line on stdout when ready, logs on stderr, a drain on the
first SIGTERM or SIGINT, and its exit code. What the gateway does is the gateway's.
"""

import json
import logging
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from flightkeeper.cli.certificates import TlsRootsOption, read_authorities, read_pem
from flightkeeper.cli.exits import FAILED, UNREACHABLE, USAGE, complain, fail
from flightkeeper.cli.shutdown import Shutdown, next_event
from flightkeeper.client.errors import NoNodeAvailable
from flightkeeper.client.gateway.running import CannotListen, Certificates, Nodes, RunningGateway
from flightkeeper.client.gateway.service import Data
from flightkeeper.client.options import DEFAULT_SERVICE
from flightkeeper.client.trust import TCP, TLS
from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.registry import open_registry
from flightkeeper.discovery.tls import RegistryTls

REGISTRY_VARIABLE = "FLIGHTKEEPER_REGISTRY"
_PLAIN, _OVER_TLS = "grpc", "grpc+tls"

app = typer.Typer(pretty_exceptions_enable=False)


_Registry = Annotated[
    str, typer.Option("--registry", metavar="URL", envvar=REGISTRY_VARIABLE, help="The cluster's.")
]
_Service = Annotated[
    str, typer.Option("--service", metavar="NAME", help="Which nodes of the registry.")
]
_Listen = Annotated[
    str, typer.Option("--listen", metavar="URI", help="grpc://host:port; port 0 = a free one.")
]
_Data = Annotated[
    Data,
    typer.Option(
        "--data", help="direct: clients fetch results from the nodes; proxy: through the gateway."
    ),
]
_Cert = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="PATH", help="Certificate in PEM.")
]
_Key = Annotated[
    Path | None, typer.Option("--tls-key", metavar="PATH", help="Its private key in PEM.")
]
_ClientCa = Annotated[
    Path | None,
    typer.Option(
        "--tls-client-ca", metavar="PATH", help="Demand certificates of these authorities."
    ),
]
_Transport = Annotated[
    str | None,
    typer.Option(
        "--transport",
        metavar="tls|tcp",
        help="tls: use no node without TLS; tcp: show logins in plain text too. By default plain "
        "text is for nodes of this machine.",
    ),
]
_Insecure = Annotated[
    bool, typer.Option("--insecure", help="Take logins in plain text from other machines as well.")
]
_Drain = Annotated[
    float,
    typer.Option("--drain-timeout-s", metavar="SECONDS", min=0, help="For what still runs."),
]
_Connect = Annotated[
    float, typer.Option("--connect-timeout-s", metavar="SECONDS", min=0, help="For a first node.")
]


@app.command()
def gateway(
    *,
    registry: _Registry,
    listen: _Listen = "grpc://127.0.0.1:0",
    service: _Service = DEFAULT_SERVICE,
    data: _Data = Data.PROXY,
    tls_cert: _Cert = None,
    tls_key: _Key = None,
    tls_client_ca: _ClientCa = None,
    tls_roots: TlsRootsOption = None,
    transport: _Transport = None,
    insecure: _Insecure = False,
    drain_timeout_s: _Drain = 30.0,
    connect_timeout_s: _Connect = 30.0,
) -> None:
    """Run one endpoint of a service, for stock drivers.

    Prints one line of JSON on stdout when it is ready, logs on stderr. SIGTERM or SIGINT drains
    it, a second one stops it at once. It knows no passwords and keeps no state: run several.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    certificates = _certificates(tls_cert, tls_key, tls_client_ca)
    location = _checked(listen, certificates, insecure=insecure)
    if transport not in {None, TLS, TCP}:
        fail(f"--transport is tls or tcp, not {transport!r}", USAGE)
    nodes = Nodes(service, read_authorities(tls_roots) if tls_roots else None, transport)
    try:
        opened = open_registry(registry, tls=RegistryTls.from_environment())
    except InvalidRegistryUrl as exc:
        fail(str(exc), USAGE)
    running = RunningGateway(nodes, opened)
    shutdown = Shutdown(lambda: running.drain(drain_timeout_s), running.stop)
    shutdown.install()
    try:
        location = running.start(location, data, certificates)
        running.wait_for_nodes(connect_timeout_s)
    except CannotListen as exc:
        running.stop()
        fail(str(exc), FAILED)
    except NoNodeAvailable as exc:
        running.stop()
        fail(str(exc), UNREACHABLE)
    typer.echo(json.dumps({"event": "ready", "location": location}))
    if not _wait(running):
        complain("a part of the gateway would not end; ended without it")
        # An orderly exit of the interpreter would wait for that part.
        os._exit(FAILED)


def _certificates(cert: Path | None, key: Path | None, client_ca: Path | None) -> Certificates:
    if (cert is None) is not (key is None):
        fail("--tls-cert and --tls-key belong together", USAGE)
    if client_ca is not None and cert is None:
        fail("--tls-client-ca needs --tls-cert", USAGE)
    return Certificates(
        read_pem(cert).decode() if cert else "",
        read_pem(key).decode() if key else "",
        read_authorities(client_ca) if client_ca else b"",
    )


def _checked(listen: str, certificates: Certificates, *, insecure: bool) -> str:
    """The address to listen on; passwords do not travel over networks in plain text unasked."""
    parts = urlsplit(listen)
    try:
        usable = parts.scheme in {_PLAIN, _OVER_TLS} and parts.hostname and parts.port is not None
    except ValueError:
        usable = False
    if not usable:
        fail("--listen is grpc://host:port or grpc+tls://host:port", USAGE)
    if certificates.cert:
        return f"{_OVER_TLS}://{parts.netloc}"
    if parts.scheme == _OVER_TLS:
        fail("grpc+tls needs --tls-cert and --tls-key", USAGE)
    if parts.hostname not in {"127.0.0.1", "::1", "localhost"} and not insecure:
        fail(
            "without --tls-cert it listens on this machine only, because passwords would travel in "
            "plain text; --insecure if that is wanted",
            USAGE,
        )
    return listen


def _wait(running: RunningGateway) -> bool:
    """Wait for the end where signal handlers can run meanwhile."""
    ended: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: ended.put(running.wait()), name="gateway-wait", daemon=True
    ).start()
    return next_event(ended)
