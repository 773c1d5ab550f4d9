"""Documents all nodes agree on: the first proposal wins, and is read back before it is believed."""

import logging
from collections.abc import Callable

from flightkeeper.discovery.errors import RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.zookeeper.paths import parent
from flightkeeper.discovery.zookeeper.znodes import Access, AnswerLost, NodeExists, NoNode, Znodes

_log = logging.getLogger(__name__)


def agree(
    connected: Callable[[float], Znodes | None],
    path: str,
    proposal: bytes,
    remaining_s: Callable[[], float],
) -> bytes:
    """The document at a path: what the first ever proposed.

    Args:
        connected: waits so many seconds at most for a connection; None when there is none.
        path: where the document lies.
        proposal: what to put there when there is none.
        remaining_s: seconds left of the caller's deadline.

    Raises:
        RegistryUnavailable: no answer in time; the proposal may or may not have been stored.
        RegistryDenied: wrong or missing credentials.
    """
    reason = "it did not answer"
    while (left_s := remaining_s()) > 0:
        znodes = connected(left_s)
        if znodes is None:
            break
        try:
            return _read_or_propose(znodes, path, proposal)
        except RegistryDenied:
            raise
        except (AnswerLost, NoNode, NodeExists) as exc:
            reason = str(exc)  # stored or not: the next look tells
    raise RegistryUnavailable(
        f"ZooKeeper did not confirm the document {path} in time: {reason};"
        " the proposal may have been stored: ask again"
    )


def _read_or_propose(znodes: Znodes, path: str, proposal: bytes) -> bytes:
    found = znodes.read(path)
    if found is None:
        znodes.create_path(parent(path), Access.PRIVATE)
        try:
            znodes.create(path, proposal, Access.PRIVATE, ephemeral=False)
        except NodeExists:
            _log.debug("another proposal for %s was first", path)
        found = znodes.read(path)
    if found is None:
        raise NoNode(f"{path} vanished while it was being agreed on")
    return found.data
