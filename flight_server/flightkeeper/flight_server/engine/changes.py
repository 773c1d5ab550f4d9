"""Whether the data of a database may have changed meanwhile, or are others on another node.

Theory. DuckDB does not say which version of the data a statement sees. But all changes of a node's
database pass through its connections, which count them here, from before one begins until after it
has ended. If the count is the same at two moments, and no change was in progress at the first,
then all that was read between them saw the same data.

What only reads a file sees what was in it when it was opened; that is the same on every node whose
file is the same, or a copy that has kept its time of modification.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

_HEADERS_BYTES = 3 * 4096
"""DuckDB's main header, and the two that it writes in turn with every checkpoint."""


class Changes:
    """Counts changes. Thread-safe; one per database."""

    def __init__(self) -> None:
        # The count begins again with every process; the name does not.
        self._name = secrets.token_hex(8)
        # Guards both numbers.
        self._lock = threading.Lock()
        self._begun = 0
        self._running = 0

    def begin(self) -> None:
        """What runs from now on until `end` may change something."""
        with self._lock:
            self._begun += 1
            self._running += 1

    def end(self) -> None:
        """It has changed what it would."""
        with self._lock:
            self._running -= 1

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What runs meanwhile may change something."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    @property
    def version(self) -> str | None:
        """A name for the data as they are now; None while something may change them."""
        with self._lock:
            return None if self._running else f"{self._name}-{self._begun:x}"


def fingerprint(path: Path) -> str | None:
    """What tells the state of a database's file from all its others; None if it cannot be read."""
    log = path.with_name(f"{path.name}.wal")
    with suppress(OSError):
        # There is a log only after a crash, or while somebody writes.
        states = [_state(path), _state(log) if log.exists() else b""]
        return blake2b(b"".join(states), digest_size=16).hexdigest()
    return None


def _state(path: Path) -> bytes:
    with path.open("rb") as file:
        known = path.stat()
        return f"{known.st_size} {known.st_mtime_ns} ".encode() + file.read(_HEADERS_BYTES)
