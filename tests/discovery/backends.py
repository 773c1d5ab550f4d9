"""The registries under test, each with what a test does around them."""

import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from kazoo.client import KazooClient

from flightkeeper.discovery.directory.record_files import RecordFile
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from tests.support.zookeeper_server import ZooKeeperServer

SESSION_S = 2.0


class Backend(Protocol):
    """One registry that several processes share.

    Attributes:
        url: to open it from another process.
        ghost_s: how long the record of a killed process may stay.
    """

    url: str
    ghost_s: float

    def open(self) -> Registry:
        """Open it as one more process would; the test's end closes it."""

    def put_garbage(self, service: str, node_id: str, data: bytes) -> None:
        """Put a record in that no registry wrote."""


class MemoryBackend:
    """The fake."""

    url = ""
    ghost_s = 0.0

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._store = MemoryStore()

    def open(self) -> Registry:
        return self._stack.enter_context(closing(MemoryRegistry(self._store)))

    def put_garbage(self, service: str, node_id: str, data: bytes) -> None:
        self._store.put(service, node_id, data)


class DirectoryBackend:
    """`dir://`."""

    ghost_s = 1.0

    def __init__(self, stack: ExitStack, root: Path) -> None:
        self._stack = stack
        self._root = root
        self.url = f"dir://{root}"

    def open(self) -> Registry:
        return self._stack.enter_context(closing(open_registry(self.url)))

    def put_garbage(self, service: str, node_id: str, data: bytes) -> None:
        folder = self._root / "services" / service
        folder.mkdir(parents=True, exist_ok=True)
        self._stack.callback(RecordFile(folder / f"{node_id}.json", data).remove)


class ZooKeeperBackend:
    """`zk://`, in a chroot of its own."""

    ghost_s = SESSION_S + 2.0

    def __init__(self, stack: ExitStack, server: ZooKeeperServer) -> None:
        self._stack = stack
        self._server = server
        self._chroot = f"/test-{uuid4().hex}"
        self.url = server.url + self._chroot

    def open(self) -> Registry:
        return self._stack.enter_context(closing(open_registry(self.url, session_timeout_s=2.0)))

    def put_garbage(self, service: str, node_id: str, data: bytes) -> None:
        client = KazooClient(self._server.hosts)
        client.start()
        path = f"{self._chroot}/services/{service}/{node_id}"
        client.create(path, data, makepath=True)
        client.stop()
        client.close()


def instance(incarnation: str, node_id: str = "n1", location: str | None = None) -> Instance:
    """A record of the service "analytics"; by default nothing listens at its location."""
    return Instance("analytics", node_id, location or "grpc://127.0.0.1:1", incarnation)


def listening(stack: ExitStack) -> str:
    """A location that accepts connections, as that of a living node."""
    server = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
    return f"grpc://127.0.0.1:{server.getsockname()[1]}"
