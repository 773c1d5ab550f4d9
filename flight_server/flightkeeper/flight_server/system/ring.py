"""A memory of the newest entries that never grows past its bounds."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Ring(Generic[_T]):
    """The newest entries, bounded in number and in bytes. Thread-safe."""

    def __init__(self, entries_max: int, bytes_max: int, size: Callable[[_T], int]) -> None:
        """Remember nothing yet.

        Args:
            size: about how many bytes an entry takes; one that takes more than all may have is
                remembered alone.
        """
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._size = size
        # Guards the two below.
        self._lock = threading.Lock()
        self._entries: deque[_T] = deque()
        self._bytes = 0

    def add(self, entry: _T) -> None:
        """Remember an entry; the oldest of too many, or of too much, are forgotten."""
        size = self._size(entry)
        with self._lock:
            self._entries.append(entry)
            self._bytes += size
            while len(self._entries) > 1 and (
                len(self._entries) > self._entries_max or self._bytes > self._bytes_max
            ):
                self._bytes -= self._size(self._entries.popleft())

    def entries(self) -> tuple[_T, ...]:
        """What is remembered, the oldest first."""
        with self._lock:
            return tuple(self._entries)
