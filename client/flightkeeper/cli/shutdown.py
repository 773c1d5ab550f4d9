"""From signals to an orderly end: the first asks to drain, the second stops at once.

Owns the SIGTERM and SIGINT handlers of the process and the thread that acts on them. A handler
only notes that it was called: it may interrupt any line of the main thread, locks held or not.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_LOOK_S = 0.25

_T = TypeVar("_T")


def next_event(events: "queue.SimpleQueue[_T]") -> _T:
    """The next event; the main thread waits for it here, however long, and signals are heard.

    Python runs handlers on the main thread only. A signal that the kernel gave to another thread,
    or that came just before the wait, does not end the wait; so it never lasts long.
    """
    while True:
        try:
            return events.get(timeout=_LOOK_S)
        except queue.Empty:
            continue


class Shutdown:
    """Calls `drain` on the first request and `stop` on the second, on a thread of its own.

    After the second signal they have their default effect again, so that a third one ends a
    process whose `stop` hangs.
    """

    def __init__(self, drain: Callable[[], None], stop: Callable[[], None]) -> None:
        self._steps = (drain, stop)
        # SimpleQueue.put is reentrant: safe in a signal handler that interrupts a put.
        self._requests: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._signals = 0
        self._thread = threading.Thread(target=self._act, name="shutdown", daemon=True)

    def install(self) -> None:
        """Take over SIGTERM and SIGINT; main thread only."""
        self._thread.start()
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def request(self) -> None:
        """Ask for the next step, as a signal does. Thread-safe, returns at once."""
        self._requests.put(None)

    def watch_stdin(self) -> None:
        """Ask for a drain when stdin ends: the process that holds its other end is gone."""
        threading.Thread(target=self._read_stdin, name="stdin-watch", daemon=True).start()

    def _read_stdin(self) -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        self.request()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.request()
        self._signals += 1
        if self._signals == len(self._steps):
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)

    def _act(self) -> None:
        for step in self._steps:
            self._requests.get()
            step()
