"""Record files that are alive exactly as long as their writer.

Theory. The writer takes an exclusive flock on a new file under a temporary name, fills it, and
only then renames it to its place; when it writes again, the old file's lock is let go after the
rename. So while a writer lives, the file at the place is locked by it, always: whoever opens the
place and finds that file unlocked *and still there* has seen a dead one. The kernel frees the
lock at any death of the process.

Readers find out by asking for a shared lock without waiting. It cannot disturb a writer: nobody
ever takes an exclusive lock on a file that has a place already, and shared locks agree with each
other. (Open-file-description locks would answer without locking, but on Linux only.)

A lock belongs to the open file, so a forked child that keeps running keeps its parent's records
alive; files are closed on exec, so other programs do not.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from flightkeeper.discovery.errors import RegistryUnavailable

_SUFFIX = ".json"
_TEMPORARY_SUFFIX = ".tmp"
_LOCK_NAME = ".lock"
_LOCK_WAIT_S = 2.0
_LOCK_RETRY_S = 0.005
_ROUNDS_MAX = 100
"""A writer would have to rename this often between our steps to be overlooked."""


@dataclass(frozen=True, slots=True)
class Content:
    """A living record.

    Attributes:
        stamp: tells one content of a place from another.
    """

    data: bytes
    stamp: tuple[int, int]


class RecordFile:
    """A record this process keeps alive: the open, locked file at its place."""

    def __init__(self, place: Path, data: bytes) -> None:
        """Publish a record, replacing what is at the place. Raises OSError: nothing changed."""
        self._place = place
        node_id = place.name.removesuffix(_SUFFIX)
        temporary = place.with_name(f".{node_id}.{uuid4().hex}{_TEMPORARY_SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(temporary, flags, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with os.fdopen(self._descriptor, "wb", closefd=False) as file:
                file.write(data)
            temporary.replace(place)
        except OSError:
            temporary.unlink(missing_ok=True)
            self.abandon()
            raise

    @property
    def in_place(self) -> bool:
        """Whether the file is still at its place; others may have removed it."""
        return _is_at(self._descriptor, self._place)

    def abandon(self) -> None:
        """Let the lock go: from here on the record is dead, wherever it is. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Take the record out. Idempotent."""
        if self._descriptor >= 0 and self.in_place:
            self._place.unlink(missing_ok=True)
        self.abandon()


def place_of(folder: Path, node_id: str) -> Path:
    """Where a node's record lies."""
    return folder / f"{node_id}{_SUFFIX}"


def places(folder: Path) -> list[Path]:
    """Where records lie, living and dead, in order; none when there is no such folder."""
    try:
        entries = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [e for e in entries if e.suffix == _SUFFIX and not e.name.startswith(".")]


def read_living(place: Path) -> Content | None:
    """The record at a place, or None when it is dead or missing."""
    for _ in range(_ROUNDS_MAX):
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if _is_locked(descriptor):
                status = os.fstat(descriptor)
                return Content(file.read(), (status.st_ino, status.st_mtime_ns))
            if _is_at(descriptor, place):
                return None
    raise RegistryUnavailable(f"{place} is being rewritten without pause")


@contextmanager
def registrants_turn(folder: Path) -> Iterator[None]:
    """Be the only one who looks for a free place in a folder and takes it.

    Raises:
        RegistryUnavailable: another process keeps its turn for too long. Nothing was done.
    """
    lock = folder / _LOCK_NAME
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline_s = time.monotonic() + _LOCK_WAIT_S
        while not _try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline_s:
                raise RegistryUnavailable(f"another process holds {lock}; nothing was done")
            time.sleep(_LOCK_RETRY_S)
        yield
    finally:
        os.close(descriptor)


def clean_up(folder: Path, node_id: str) -> None:
    """Remove dead records, and what dead writers of one node left half done. Needs the turn."""
    for place in places(folder):
        if read_living(place) is None:
            place.unlink(missing_ok=True)
    for leftover in folder.glob(f".*{_TEMPORARY_SUFFIX}"):
        # Only of this node: a living writer of another may be about to lock its own.
        if leftover.name.rsplit(".", 2)[0] == f".{node_id}" and read_living(leftover) is None:
            leftover.unlink(missing_ok=True)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(descriptor: int) -> bool:
    return not _try_lock(descriptor, fcntl.LOCK_SH)


def _is_at(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except FileNotFoundError:
        return False
