"""A way to PostgreSQL that breaks at a word, or loses the answer to a COMMIT, for tests of that."""

import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CHUNK = 1 << 16
_SOCKET = ".s.PGSQL.5432"
_WRITING = b"ducklake_snapshot_changes VALUES"
"""In every text with which a lake's commit writes."""


class PostgresRelay:
    """Passes bytes between clients and a server, both on sockets in folders of this machine.

    Attributes:
        home: the folder of its socket.
        losing: how many answers to a COMMIT that wrote something are still to be lost. The server
            has committed then, and its client's connection ends.
        breaks_at: what a client says on a connection that ends then, before the server hears it.
        breaks: how many connections are still to end so.
    """

    def __init__(self, home: Path, server: Path) -> None:
        self.home = home
        self.losing = 0
        self.breaks_at = b""
        self.breaks = 0
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
                wrote = wrote or _WRITING in data
                if self.losing and wrote and b"COMMIT" in data:
                    self.losing -= 1
                    lost.set()
                server.sendall(data)
        _end(client, server)

    def _broke(self, data: bytes) -> bool:
        """Whether the connection ends at this."""
        if not self.breaks or self.breaks_at not in data:
            return False
        self.breaks -= 1
        return True

    def _down(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(_CHUNK)) and not lost.is_set():
                client.sendall(data)
        _end(client, server)


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
