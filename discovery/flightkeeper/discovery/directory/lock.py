"""A lock in a directory: the kernel's own, which ends with the process that has it.

The file stays when the lock is let go, because it keeps the last token.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LockLost

_RETRY_S = 0.01
_TOKEN_BYTES_MAX = 20


class DirectoryHold:
    """A lock that is held until it is released. Thread-safe."""

    def __init__(self, name: str, descriptor: int, token: int) -> None:
        self.name = name
        self.token = token
        self._descriptor = descriptor
        self._over = threading.Event()
        self._lock = threading.Lock()  # guards the one below
        self._closed = False

    @property
    def lost(self) -> bool:
        """Whether it was stopped or released; nothing else ends it while the process lives."""
        return self._over.is_set()

    @property
    def released(self) -> bool:
        """Whether it was let go."""
        return self._closed

    def check(self) -> None:
        """Ask before each step that only a holder may take."""
        if self.lost:
            raise LockLost(f"the lock {self.name} was let go; take it again")

    def wait_lost(self, timeout_s: float) -> bool:
        """Wait until it is over, or so long; whether it is."""
        return self._over.wait(timeout_s)

    def stop(self) -> None:
        """Tell who works under it that it is over; it is not let go yet."""
        self._over.set()

    def release(self) -> None:
        """Let it go. Idempotent."""
        self._over.set()
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            # Also for children that have the file open since a fork.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        """It itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let it go."""
        self.release()


def take(place: Path, name: str, remaining_s: Callable[[], float]) -> DirectoryHold | None:
    """Take the lock at a place; None if others had it all the time.

    Raises:
        OSError: the directory cannot be used; it is not held.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _locked(descriptor):
            if remaining_s() <= 0:
                os.close(descriptor)
                return None
            time.sleep(_RETRY_S)
        token = _next_token(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return DirectoryHold(name, descriptor, token)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _next_token(descriptor: int) -> int:
    """One more than the last; it is on the disk before anybody acts on it."""
    last = os.pread(descriptor, _TOKEN_BYTES_MAX, 0) or b"0"
    if not last.isdigit():
        raise RegistryUnavailable("the lock's file holds no token: it was not written by a lock")
    token = int(last) + 1
    os.pwrite(descriptor, b"%d" % token, 0)
    os.fsync(descriptor)
    return token
