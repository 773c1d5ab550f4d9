"""Documents all nodes agree on: the first file linked to its place wins, whole or not at all."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

_FOLDER_MODE = 0o700


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
