"""A way to PostgreSQL that breaks at a word, or loses or holds up commits, for tests of that."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

_CHUNK = 1 << 16
_LOOK_S = 0.05
_SOCKET = ".s.PGSQL.5432"
_WRITING = b"ducklake_snapshot_changes VALUES"
"""In every text with which a lake's commit writes."""


class Point(Enum):
    """Where a commit can be held up."""

    BEFORE = auto()
    """The server has got nothing of it."""
    AFTER = auto()
    """The server has committed, and its client does not know."""


class PostgresRelay:
    """Passes bytes between clients and a server, both on sockets in folders of this machine.

    Attributes:
        home: the folder of its socket.
        losing: how many answers to a COMMIT that wrote something are still to be lost. The server
            has committed then, and its client's connection ends.
        cutting: how many connections are still to be cut instead of passing on such a COMMIT.
        held: one has stopped there.
        away: nobody is let in meanwhile.
        breaks_at: what a client says on a connection that ends then, before the server hears it.
        breaks: how many connections are still to end so.
        spared: how many times that is still to be let through first.
    """

    def __init__(self, home: Path, server: Path) -> None:
        self.home = home
        self.losing = 0
        self.cutting = 0
        self.held = threading.Event()
        self.away = False
        self._holding: Point | None = None
        self._released = threading.Event()
        self.breaks_at = b""
        self.breaks = 0
        self.spared = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home / _SOCKET))
        self._listener.listen()
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        """End all connections, and take no more."""
        _end(*self._sockets)
        for thread in self._threads:
            thread.join(10)
        for each in self._sockets:
            each.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="postgres-relay")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.away:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                server.connect(str(self._server / _SOCKET))
                lost = threading.Event()
                self._start(self._up, client, server, lost)
                self._start(self._down, client, server, lost)

    def _up(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        wrote = False
        with suppress(OSError):
            while (data := client.recv(_CHUNK)) and not self._broke(data):
                if _WRITING in data:
                    wrote = True
                    self._pass(Point.BEFORE, client)
                if wrote and b"COMMIT" in data:
                    wrote = False
                    if self.cutting:
                        self.cutting -= 1
                        break
                    if self.losing or self._holding is Point.AFTER:
                        self.losing = max(0, self.losing - 1)
                        lost.set()
                server.sendall(data)
        _end(client, server)

    def _broke(self, data: bytes) -> bool:
        """Whether the connection ends at this."""
        if not self.breaks or self.breaks_at not in data:
            return False
        if self.spared:
            self.spared -= 1
            return False
        self.breaks -= 1
        return True

    def _down(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                if lost.is_set() and self._holding is not Point.AFTER:
                    break
                if lost.is_set():
                    lost.clear()
                    self._pass(Point.AFTER, client)
                client.sendall(data)
        _end(client, server)

    def _pass(self, point: Point, client: socket.socket) -> None:
        """Go on, unless this is where to stop.

        Raises:
            OSError: its client died meanwhile.
        """
        if self._holding is not point:
            return
        self._holding = None
        self.held.set()
        while not self._released.wait(_LOOK_S):
            if _gone(client):
                raise ConnectionAbortedError

    @contextmanager
    def holding(self, point: Point) -> Iterator[None]:
        """Hold up the next commit there: until the end of the block, or until its client dies."""
        self.held.clear()
        self._released.clear()
        self._holding = point
        try:
            yield
        finally:
            self._holding = None
            self._released.set()


def _gone(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing_commits(server: Path) -> Iterator[PostgresRelay]:
    """A relay to the server whose socket is in this folder, closed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="flightkeeper-relay-") as folder:
        relay = PostgresRelay(Path(folder), server)
        try:
            yield relay
        finally:
            relay.close()
