"""A stock ADBC connection to one node, for code that wants a driver of others.

Owns nothing: the driver's connection is the caller's. It knows no other node: when that one is
gone, ask for another connection.
"""

from typing import Any

from flightkeeper.client.errors import FlightkeeperError

_ROOTS = "adbc.flight.sql.client_option.tls_root_certs"
_HEADER = "adbc.flight.sql.authorization_header"


def open_adbc(location: str, token: str, tls_roots: bytes | None, *, autocommit: bool) -> Any:
    """Connect the driver to a node.

    Raises:
        FlightkeeperError: the driver is not installed.
    """
    try:
        from adbc_driver_flightsql import dbapi  # noqa: PLC0415  who does not call this needs none
    except ImportError as exc:
        raise FlightkeeperError(
            "adbc() needs the stock driver: pip install 'flightkeeper[adbc]'"
        ) from exc
    options: dict[str, str] = {}
    if token:
        options[_HEADER] = token
    if tls_roots is not None:
        options[_ROOTS] = tls_roots.decode()
    return dbapi.connect(location, db_kwargs=options, autocommit=autocommit)
