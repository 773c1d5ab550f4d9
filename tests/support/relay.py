"""A way to a server that counts what passes, for tests of what is really on the wire."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Relay:
    """Passes bytes between clients and one server.

    Attributes:
        location: where clients connect.
        received: bytes that came from the server so far.
        sever_at: at how many of them all connections end, once; None = never.
        severed: how often that has happened.
    """

    def __init__(self, location: str) -> None:
        parts = urlsplit(location)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self.location = f"{parts.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = 0
        self.sever_at: int | None = None
        self.severed = 0
        self._open = threading.Event()
        self._open.set()
        self._counting = threading.Lock()  # guards the three numbers
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def cut(self) -> None:
        """Keep what comes, and let nobody know."""
        self._open.clear()

    def heal(self) -> None:
        """Pass on what was kept, and what comes."""
        self._open.set()

    def lead_to(self, location: str) -> None:
        """Lead to another server from now on, as an address does that moves."""
        parts = urlsplit(location)
        self._server = (parts.hostname, parts.port)
        self.sever()

    def sever(self) -> None:
        """End the connections there are; others can be made."""
        for opened in self._sockets[1:]:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End all connections, and take no more."""
        self._open.set()
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=target, args=arguments, name="relay", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:
                    client.close()
                    continue
                self._sockets += [client, server]
                self._start(self._up, client, server)
                self._start(self._down, server, client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                self._open.wait()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_CHUNK):
                self._open.wait()
                client.sendall(self._passed(data))
            client.shutdown(socket.SHUT_WR)

    def _passed(self, data: bytes) -> bytes:
        """What of it comes through."""
        with self._counting:
            before, self.received = self.received, self.received + len(data)
            if self.sever_at is None or self.received < self.sever_at:
                return data
            passed = data[: max(self.sever_at - before, 0)]
            self.sever_at = None
            self.severed += 1
        self.sever()
        return passed


@contextmanager
def relaying(location: str) -> Iterator[Relay]:
    """A relay to this server, closed at the end of the block."""
    relay = Relay(location)
    try:
        yield relay
    finally:
        relay.close()
