"""Keeps a profile, and a hosts file, true to the registry.

Owns the files it writes: each is replaced as a whole, so that no reader sees half of one, and kept
as it is when there is nothing better to say. The registry's thread tells of changes; the caller's
thread writes.
"""

import logging
import os
import queue
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flightkeeper.client.profiles import NoUsableNode, Wish, hosts, profile, usable
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership
from flightkeeper.discovery.topology import Event, Listed

PROFILE_MODE = 0o600
HOSTS_MODE = 0o644

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Files:
    """Where to write.

    Attributes:
        hosts: of the name in the wish; None = no such file.
    """

    profile: Path
    hosts: Path | None = None


class ProfileWriter:
    """Writes what a registry says of a service. For one thread; `close` it."""

    def __init__(self, registry: Membership, service: str, wish: Wish, files: Files) -> None:
        """Begin to watch."""
        self._service = service
        self._wish = wish
        self._files = files
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._watch = registry.watch(service, self._events.put)

    def write_next(self, timeout_s: float) -> bool:
        """Wait for news and write them; False when there were none in time.

        Raises:
            NoUsableNode: there is nothing to write; the files stay as they are.
            OSError: a file cannot be written.
        """
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return False
        # Losing the registry changes nothing.
        if not isinstance(event, Listed):
            return False
        self._write(event.instances)
        return True

    def close(self) -> None:
        """Stop watching. Idempotent."""
        self._watch.close()

    def _write(self, instances: tuple[Instance, ...]) -> None:
        nodes = usable(instances, self._wish)
        text = profile(nodes, self._wish)
        if self._files.hosts is not None:
            addresses = hosts(_addresses(nodes), self._wish.host)
            replace(self._files.hosts, addresses, HOSTS_MODE)
        replace(self._files.profile, text, PROFILE_MODE)


def replace(path: Path, text: str, mode: int) -> bool:
    """Write a file as a whole, unless it says that already; whether it was written.

    Args:
        mode: of a new file; one that is there keeps its own.
    """
    with suppress(OSError):
        if path.read_text() == text:
            return False
        mode = path.stat().st_mode & 0o777
    # mkstemp creates the file for its owner only.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
        Path(name).replace(path)
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return True


def _addresses(nodes: tuple[Instance, ...]) -> list[str]:
    """The addresses of nodes, which hosts files have instead of names; each once.

    Raises:
        NoUsableNode: none of them has one.
    """
    found: dict[str, None] = {}
    for node in nodes:
        parts = urlsplit(node.location)
        try:
            answers = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        except OSError as exc:
            _log.warning("node %s is left out: %s does not resolve: %s", node.node_id, parts, exc)
            continue
        found |= {str(answer[4][0]): None for answer in answers}
    if not found:
        raise NoUsableNode("no node's name resolves to an address")
    return list(found)
