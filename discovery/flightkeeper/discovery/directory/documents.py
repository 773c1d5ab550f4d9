"""Documents all nodes share: agreed on once and for good, or replaced by compare-and-set.

Theory. Of what is agreed on, the first file linked to its place wins, whole or not at all. What is
replaced is a file with its version in the first line: writers take turns under a lock, readers see
the old file or the new one, because a file is renamed into its place when it is complete.
"""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from flightkeeper.discovery import documents
from flightkeeper.discovery.directory.record_files import registrants_turn
from flightkeeper.discovery.documents import Document, is_private
from flightkeeper.discovery.errors import RegistryUnavailable

_FOLDER_MODE = 0o700
_FILE_MODE = 0o644
"""As that of records: who may use the registry may read what is shared in it."""
_PRIVATE_MODE = 0o600
"""Of what is for nodes only: those that run as the same user."""


def agree(place: Path, proposal: bytes) -> bytes:
    """The document at a place: what the first ever proposed.

    Raises:
        OSError: the directory cannot be used; nothing was stored.
    """
    place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    try:
        return place.read_bytes()
    except FileNotFoundError:
        _propose(place, proposal)
    return place.read_bytes()


def _propose(place: Path, proposal: bytes) -> None:
    # A temporary file is readable by its owner only; the link shares that.
    with NamedTemporaryFile(dir=place.parent, prefix=".", suffix=".tmp") as draft:
        draft.write(proposal)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, place)
        except FileExistsError:
            return


def read(place: Path) -> Document | None:
    """The document at a place; None = there is none.

    Raises:
        OSError: the directory cannot be used.
        RegistryUnavailable: what is there was not written by `write`.
    """
    try:
        head, _, data = place.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None
    if not head.isdigit():
        raise RegistryUnavailable(f"{place} is no document: its first line has to be its version")
    return Document(data, int(head))


def write(
    place: Path,
    name: str,
    data: bytes,
    version: int | None,
    check: Callable[[], None] = lambda: None,
) -> Document:
    """Replace the document at a place.

    Args:
        check: raises what keeps it from being written, in the writer's turn.

    Raises:
        DocumentChanged: somebody else was first; nothing was written.
        RegistryUnavailable: another process keeps its turn for too long; nothing was written.
        OSError: the directory cannot be used; nothing was written.
    """
    private = is_private(name)
    for folder in (place.parent.parent, place.parent) if private else ():
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    with registrants_turn(place.parent):
        check()
        return documents.compare_and_set(_Storage(place, private), name, data, version)


class _Storage:
    """A file as compare-and-set sees it, within a writer's turn."""

    def __init__(self, place: Path, private: bool) -> None:  # noqa: FBT001 - of this module
        self._place = place
        self._mode = _PRIVATE_MODE if private else _FILE_MODE

    def read(self) -> Document | None:
        return read(self._place)

    def create(self, data: bytes) -> bool:
        return self._put(data, 0)

    def replace(self, data: bytes, version: int) -> bool:
        return self._put(data, version + 1)

    def _put(self, data: bytes, version: int) -> bool:
        folder = self._place.parent
        with NamedTemporaryFile(dir=folder, prefix=".", suffix=".tmp", delete=False) as draft:
            try:
                os.fchmod(draft.fileno(), self._mode)
                draft.write(b"%d\n%s" % (version, data))
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).replace(self._place)
            except OSError:
                Path(draft.name).unlink(missing_ok=True)
                raise
        return True
