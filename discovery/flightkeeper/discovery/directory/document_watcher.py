"""One shared document in a directory, looked at again and again."""

from collections.abc import Callable
from pathlib import Path

from flightkeeper.discovery.directory import documents
from flightkeeper.discovery.documents import Document

_NEVER: tuple[int, ...] = ()
_MISSING = (0,)


class DocumentFileWatcher:
    """One document, for one listener. For one thread."""

    def __init__(self, place: Path, deliver: Callable[[Document | None], None]) -> None:
        self._place = place
        self._deliver = deliver
        self._told = _NEVER

    def look(self) -> None:
        """Read the document, if its file is another one, and tell it.

        Raises:
            OSError: the directory cannot be read.
            RegistryUnavailable: what is there is no document.
        """
        stamp = self._stamp()
        if stamp == self._told:
            return
        found = documents.read(self._place)
        self._told = stamp
        self._deliver(found)

    def lose(self) -> None:
        """The directory cannot be read; what was told last stays."""

    def _stamp(self) -> tuple[int, ...]:
        """What tells one content from another: each is a file of its own."""
        try:
            status = self._place.stat()
        except FileNotFoundError:
            return _MISSING
        return status.st_ino, status.st_mtime_ns, status.st_size
