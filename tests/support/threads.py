"""Threads of a test that work until told to stop."""

import threading
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_END_S = 120.0


class Threads:
    """Threads that work until told to stop."""

    def __init__(self, count: int) -> None:
        self.stopped = threading.Event()
        # Guards what was told to the threads.
        self.lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self.work, args=(number,), name=f"work-{number}")
            for number in range(count)
        ]

    @contextmanager
    def working(self) -> Iterator[Self]:
        """They work for as long as the context is open; what they began is waited for."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self.stopped.set()
            for thread in self._threads:
                thread.join(_END_S)
            stuck = [thread.name for thread in self._threads if thread.is_alive()]
            assert not stuck, f"never ended: {stuck}"

    @abstractmethod
    def work(self, number: int) -> None:
        """What a thread does until it is stopped."""
