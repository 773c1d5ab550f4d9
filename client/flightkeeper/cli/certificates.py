"""Certificates that the command is given as files.

Owns how they are read, and what is said of a file that holds none. Nothing is sent anywhere here.
"""

import ssl
from pathlib import Path
from typing import Annotated

import typer

from flightkeeper.cli.exits import USAGE, fail

TlsRootsOption = Annotated[
    Path | None,
    typer.Option(
        "--tls-roots", metavar="PATH", help="Authorities of the nodes' certificates, in PEM."
    ),
]


def read_pem(path: Path) -> bytes:
    """The content of a file.

    Raises:
        typer.Exit: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        fail(f"{path} cannot be read: {exc.strerror}", USAGE)


def read_authorities(path: Path) -> bytes:
    """The content of a file of certificates to trust.

    Raises:
        typer.Exit: it cannot be read, or holds no certificate. gRPC would say of that only that
            no node could be reached.
    """
    content = read_pem(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        fail(f"{path} holds no certificate in PEM; nothing was tried", USAGE)
    return content
