"""Whether something accepts connections at a location."""

import socket
from urllib.parse import urlsplit

_TIMEOUT_S = 1.0


def accepts_connections(location: str) -> bool:
    """Whether a TCP connection to a location (`grpc://host:port`) is accepted within a second."""
    parts = urlsplit(location)
    try:
        with socket.create_connection((parts.hostname, parts.port), _TIMEOUT_S):
            return True
    except OSError:
        return False
