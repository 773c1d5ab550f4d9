"""What a piece of a call's work holds, until all of it is given back together.

Owns that it is given back once, and that nobody is stopped who came after.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.placement import Place
from flightkeeper.flight_server.system.running import Running


class Once:
    """Runs actions once. The lock is for those who must not act after they ran."""

    def __init__(self, *actions: Callable[[], None]) -> None:
        """`actions` run in this order."""
        self.lock = threading.Lock()
        self.done = False
        self._actions = actions

    def __call__(self) -> None:
        """Run them, unless they ran."""
        with self.lock:
            if self.done:
                return
            self.done = True
        for action in self._actions:
            action()


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot and a connection for a piece of a call's work, until it is released."""

    place: Place
    release: Once
    running: Running

    @property
    def connection(self) -> Connection:
        """What the work is done on."""
        return self.place.connection


def stopper(connection: Connection, release: Once) -> Callable[[], None]:
    """Interrupts what the connection does for this thread, the call's own.

    Nothing once it was given back: threads and connections serve one call after another.
    """
    thread = threading.get_ident()

    def stop() -> None:
        with release.lock:
            if not release.done:
                connection.interrupt(thread)

    return stop
