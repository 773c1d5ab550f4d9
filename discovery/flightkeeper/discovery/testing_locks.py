"""The locks of the registry in memory that tests use."""

import threading
from typing import Self

from flightkeeper.discovery.locks import LockLost


class MemoryHold:
    """A lock that is held until it is released."""

    def __init__(self, key: str, token: int, locks: "MemoryLocks") -> None:
        self.name = key.partition("/")[2]
        self.key = key
        self.token = token
        self._locks = locks
        self._over = threading.Event()

    @property
    def lost(self) -> bool:
        """Whether it was stopped or released."""
        return self._over.is_set()

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
        self._locks.let_go(self)

    def __enter__(self) -> Self:
        """It itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Let it go."""
        self.release()


class MemoryLocks:
    """All locks of a store. Thread-safe."""

    def __init__(self) -> None:
        self._free = threading.Condition()  # guards the two below
        self._holds: dict[str, MemoryHold] = {}
        self._token = 0

    def take(self, key: str, timeout_s: float) -> MemoryHold | None:
        """Take a lock; None if others had it for so long."""
        with self._free:
            if not self._free.wait_for(lambda: key not in self._holds, timeout_s):
                return None
            self._token += 1
            hold = self._holds[key] = MemoryHold(key, self._token, self)
            return hold

    def let_go(self, hold: MemoryHold) -> None:
        """Let a lock go, if this one still has it."""
        with self._free:
            if self._holds.get(hold.key) is hold:
                del self._holds[hold.key]
            self._free.notify_all()
