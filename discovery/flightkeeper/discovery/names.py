"""Which names a service, a node or an agreed document may have.

A name becomes one component of a znode's path and one file name, so both sets of rules hold.
"""

from flightkeeper.discovery.errors import InvalidName

NAME_BYTES_MAX = 200
"""Leaves room for what the directory registry adds, within the 255 bytes of a file name."""


def check_name(kind: str, name: str) -> str:
    """The name itself, when it may be used.

    Args:
        kind: what it names, for the message: "service", "node id", "document".
        name: what was asked for.

    Raises:
        InvalidName: nothing was done.
    """
    if not name or name.startswith(".") or "/" in name or not name.isprintable():
        reason = "it must be printable, must not start with '.' and must not contain '/'"
        raise InvalidName(f"{kind} {name!r} cannot be used: {reason}")
    if len(name.encode()) > NAME_BYTES_MAX:
        raise InvalidName(f"{kind} {name[:40]!r}… cannot be used: over {NAME_BYTES_MAX} bytes")
    return name
