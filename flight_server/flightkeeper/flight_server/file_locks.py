"""Locks on files, for processes of one machine; the kernel opens them at their death."""

import time
from contextlib import ExitStack
from fcntl import LOCK_NB, flock
from pathlib import Path

_PAUSE_S = 0.001


def taken(held: ExitStack, path: Path, how: int, until_s: float = 0.0) -> bool:
    """Take a lock until the end of what it is held by; whether it was free in time.

    Args:
        how: LOCK_SH or LOCK_EX.
        until_s: by the monotonic clock; of one that has passed it is tried once.

    Raises:
        OSError: the file cannot be opened or locked.
    """
    file = held.enter_context(path.open("a"))
    while True:
        try:
            flock(file, how | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until_s:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True
