"""A lock in a directory: the kernel's own, which ends with the process that has it.

The file stays when the lock is let go, because it keeps the last token.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LastingHold

_RETRY_S = 0.01
_TOKEN_BYTES_MAX = 20


def take(place: Path, name: str, remaining_s: Callable[[], float]) -> LastingHold | None:
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
    return LastingHold(name, token, lambda: _let_go(descriptor))


def _let_go(descriptor: int) -> None:
    # Also for children that have the file open since a fork.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


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
