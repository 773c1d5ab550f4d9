"""What the lake's benchmarks stand on: its catalogs, nodes that share it, and a far-away server."""

import queue
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks.contenders import Started, serving
from tests.support.postgres_server import PostgresServer, postgres_server

SQLITE = "SQLite"
POSTGRES = "PostgreSQL"
CATALOGS = (SQLITE, POSTGRES)
_CHUNK = 1 << 16
_SOCKET = ".s.PGSQL.5432"
_STATEMENT = re.compile(r"LOG: +(?:statement|execute [^:]*): (.*)")


class Lake(NamedTuple):
    """Where a lake is.

    Attributes:
        server: of its catalog; None = it is a file.
    """

    url: str
    data: Path
    server: PostgresServer | None

    @property
    def flags(self) -> tuple[str, ...]:
        """What a node is told."""
        return ("--lake", self.url, "--lake-data", str(self.data))


@contextmanager
def lake(catalog: str, home: Path) -> Iterator[Lake]:
    """A new lake whose catalog is kept by what is named so."""
    data = home / "files"
    if catalog == SQLITE:
        yield Lake(f"ducklake:sqlite:{home}/lake.sqlite", data, None)
        return
    with postgres_server() as server:
        yield Lake(server.lake, data, server)


@contextmanager
def nodes(of: Lake, count: int, home: Path) -> Iterator[tuple[str, list[Started]]]:
    """Nodes that share a lake, and the URL at which clients find them."""
    registry = f"dir://{home}/registry"
    with ExitStack() as stack:
        # The first one makes the lake; the others would wait for it.
        started = [
            stack.enter_context(serving(":memory:", "--registry", registry, *of.flags))
            for _ in range(count)
        ]
        yield f"flightsql+{registry}", started


class Log:
    """The statements that a server was sent."""

    def __init__(self, server: PostgresServer) -> None:
        """Let it write them down."""
        for setting in ("log_statement = 'all'", "log_min_error_statement = 'panic'"):
            server.run(f"ALTER SYSTEM SET {setting}")
        server.run("SELECT pg_reload_conf()")
        self._file = server.home / "log"
        self._read = 0

    def since(self) -> list[str]:
        """Those since it was asked last; of a text with several, the line that it begins with."""
        text = self._file.read_text(errors="replace")
        new, self._read = text[self._read :], len(text)
        return _STATEMENT.findall(new)


@contextmanager
def far_away(of: Lake, home: Path, delay_s: float) -> Iterator[Lake]:
    """A lake in PostgreSQL, to whose server every byte needs so long, there and back again."""
    assert of.server is not None
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(home / _SOCKET))
    listener.listen(64)
    arguments = (listener, of.server.home / _SOCKET, delay_s)
    threading.Thread(target=_accept, args=arguments, name="far", daemon=True).start()
    try:
        yield of._replace(url=f"ducklake:postgres://postgres@/postgres?host={home}")
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _accept(listener: socket.socket, server: Path, delay_s: float) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(server))
            for source, target in ((near, far), (far, near)):
                _pass_on(source, target, delay_s)


def _pass_on(source: socket.socket, target: socket.socket, delay_s: float) -> None:
    """Everything that comes, so much later and in order."""
    under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def receive() -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                under_way.put((time.monotonic() + delay_s, data))
        under_way.put((0.0, b""))

    def send() -> None:
        with suppress(OSError):
            while (item := under_way.get())[1]:
                due_s, data = item
                time.sleep(max(due_s - time.monotonic(), 0.0))
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    for work in (receive, send):
        threading.Thread(target=work, name="far", daemon=True).start()
