"""Where a node listens, and what it tells others about that."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import flight

from flightkeeper.flight_server.auth.middleware import MIDDLEWARE, Authentication, Handshake
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.service import FlightSqlService


def listen(
    serve: Callable[..., FlightSqlService], settings: NodeSettings, authentication: Authentication
) -> FlightSqlService:
    """A service that listens, with the certificates of the settings.

    Args:
        serve: makes it, from pyarrow's arguments.

    Raises:
        StartFailed: the address cannot be listened on, or the certificate is not usable.
    """
    tls: dict[str, Any] = {}
    if settings.tls_cert and settings.tls_key:
        pair = flight.CertKeyPair(settings.tls_cert.read_text(), settings.tls_key.read_text())
        tls["tls_certificates"] = [pair]
    if settings.tls_client_ca:
        tls |= {
            "verify_client": True,
            "root_certificates": settings.tls_client_ca.read_bytes(),
        }
    try:
        return serve(
            location=settings.listen,
            auth_handler=Handshake(),
            middleware={MIDDLEWARE: authentication},
            **tls,
        )
    except (OSError, pa.ArrowException, flight.FlightError) as exc:
        raise StartFailed(
            f"cannot listen on {settings.listen}: the port is in use, the address is not this "
            "machine's, or the certificate is not usable"
        ) from exc


def advertised(settings: NodeSettings, port: int) -> str:
    """Where clients reach the node; port 0 stands for the one it got."""
    location = settings.advertise or settings.listen
    with suppress(ValueError):
        parts = urlsplit(location)
        if parts.port == 0:
            return location.removesuffix(":0") + f":{port}"
    return location
