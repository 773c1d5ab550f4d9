"""The locks of the registry in memory that tests use."""

import threading

from flightkeeper.discovery.locks import LastingHold


class MemoryLocks:
    """All locks of a store. Thread-safe."""

    def __init__(self) -> None:
        self._free = threading.Condition()  # guards the two below
        self._held: set[str] = set()
        self._token = 0

    def take(self, key: str, timeout_s: float) -> LastingHold | None:
        """Take a lock; None if others had it for so long."""
        with self._free:
            if not self._free.wait_for(lambda: key not in self._held, timeout_s):
                return None
            self._token += 1
            self._held.add(key)
            return LastingHold(key.partition("/")[2], self._token, lambda: self._let_go(key))

    def _let_go(self, key: str) -> None:
        with self._free:
            self._held.remove(key)
            self._free.notify_all()
