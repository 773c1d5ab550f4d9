"""Trust: at which addresses a login may be shown.

Anybody who can write to a registry can name an address. Over TLS a wrong one is found out before a
word is said; in plain text the password would be gone. So plain text is for this machine, and for
those who ask for it.

Pure: an address is judged by its text.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

TLS = "tls"
TCP = "tcp"


def may_show_login(location: str, transport: str | None) -> bool:
    """Whether a node at this address may be told a password or a token.

    Args:
        location: Flight URI of the node.
        transport: what the client URL asks for: "tls" only, "tcp" at will, or None: TLS, or plain
            text that does not leave this machine.
    """
    parts = urlsplit(location)
    if parts.scheme == "grpc+tls":
        return True
    if transport is None:
        return parts.scheme == "grpc+unix" or _of_this_machine(parts.hostname or "")
    return transport == TCP


def _of_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        # Other names are resolved by whoever answers for them.
        return host == "localhost"
