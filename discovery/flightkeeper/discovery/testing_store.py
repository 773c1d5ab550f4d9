"""What the registries in memory share: who is in, what is written, and who is told of it.

Nothing runs in the background: a call returns when every listener heard of what it changed.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from flightkeeper.discovery.documents import (
    Document,
    DocumentChanged,
    DocumentListener,
    DocumentsListener,
)
from flightkeeper.discovery.errors import DuplicateNode
from flightkeeper.discovery.presence import Presence
from flightkeeper.discovery.record_reader import RecordReader
from flightkeeper.discovery.records import Instance, encode
from flightkeeper.discovery.registry import Listener
from flightkeeper.discovery.subscription import Subscription
from flightkeeper.discovery.testing_locks import MemoryLocks
from flightkeeper.discovery.topology import Listed, Unreachable

_Key = tuple[str, str]


class Viewer(Protocol):
    """The registry that a watch belongs to: whether it sees anything, and when it looks."""

    store: "MemoryStore"
    clock: Callable[[], float]
    reachable: bool


class MemoryStore:
    """What all registries of one cluster share: claims, garbage, documents and who watches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards everything below; never held during a call
        self._claims: list[MemoryRegistration] = []
        self._garbage: dict[_Key, bytes] = {}
        self._agreed: dict[str, bytes] = {}
        self._documents: dict[str, Document] = {}
        self._watches: list[_AnyWatch] = []
        self._news: deque[Callable[[], None]] = deque()
        self._telling = False
        self.locks = MemoryLocks()

    def put(self, service: str, node_id: str, data: bytes) -> None:
        """Put a record in that no node keeps up, whatever its bytes."""
        with self._lock:
            self._garbage[service, node_id] = data
        self.tell()

    def claim(self, registration: "MemoryRegistration") -> None:
        """Let a registration stand in line for its node id; the first in line has it."""
        with self._lock:
            if registration not in self._claims and not registration.over:
                self._claims.append(registration)
        self.tell()

    def release(self, registration: "MemoryRegistration") -> None:
        """Take a registration out of the line, if it stands there."""
        with self._lock:
            if registration in self._claims:
                self._claims.remove(registration)
        self.tell()

    def first(self, name: str, proposal: bytes) -> bytes:
        """The first proposal ever made under a name."""
        with self._lock:
            return self._agreed.setdefault(name, proposal)

    def read(self, name: str) -> Document | None:
        """The document under a name."""
        with self._lock:
            return self._documents.get(name)

    def write(self, name: str, data: bytes, version: int | None) -> Document:
        """Replace the document under a name, if it has this version."""
        with self._lock:
            found = self._documents.get(name)
            if (None if found is None else found.version) != version:
                raise DocumentChanged(name, found)
            written = Document(data, 0 if version is None else version + 1)
            self._documents[name] = written
        self.tell()
        return written

    def add(self, watch: "_AnyWatch") -> None:
        """Tell a watch of its service as it is and of every change."""
        with self._lock:
            self._watches.append(watch)
        self.tell()

    def remove(self, watch: "_AnyWatch") -> None:
        """Tell a watch no more."""
        with self._lock:
            self._watches.remove(watch)

    def tell(self) -> None:
        """Tell everybody what holds now: in order, one call at a time, whoever makes it."""
        with self._lock:
            owners = self._owners()
            for registration in self._claims:
                holds = owners[registration.key] is registration
                self._news.append(registration.confirm if holds else registration.refuse)
            records = self._garbage | {key: owner.data for key, owner in owners.items()}
            state = records, self._documents
            self._news.extend(watch.news(*state) for watch in self._watches)
        while call := self._next_call():
            try:
                call()
            finally:
                with self._lock:
                    self._telling = False

    def _owners(self) -> dict[_Key, "MemoryRegistration"]:
        owners: dict[_Key, MemoryRegistration] = {}
        for registration in self._claims:
            owners.setdefault(registration.key, registration)
        return owners

    def _next_call(self) -> Callable[[], None] | None:
        with self._lock:
            if self._telling or not self._news:
                return None
            self._telling = True
            return self._news.popleft()


class MemoryWatch:
    """One listener of one service."""

    def __init__(self, service: str, listener: Listener, registry: "Viewer") -> None:
        self._service = service
        self._registry = registry
        self._reader = RecordReader()
        self._told: Listed | Unreachable | None = None
        self.subscription = Subscription(listener, lambda _: registry.store.remove(self))

    def news(
        self,
        records: Mapping[_Key, bytes],
        documents: Mapping[str, Document],  # noqa: ARG002 - for the other kind of watch
    ) -> Callable[[], None]:
        """The call that tells the listener these records."""
        mine = {node: data for (service, node), data in records.items() if service == self._service}
        return lambda: self._tell(mine)

    def _tell(self, records: Mapping[str, bytes]) -> None:
        event = self._event(records)
        if event is not None:
            self._told = event
            self.subscription.deliver(event)

    def _event(self, records: Mapping[str, bytes]) -> Listed | Unreachable | None:
        at_s = self._registry.clock()
        if not self._registry.reachable:
            return Unreachable(at_s) if isinstance(self._told, Listed) else None
        read = [self._read(node, records[node]) for node in sorted(records)]
        instances = tuple(instance for instance in read if instance is not None)
        if isinstance(self._told, Listed) and self._told.instances == instances:
            return None
        return Listed(instances, at_s)

    def _read(self, node: str, data: bytes) -> Instance | None:
        return self._reader.read(f"{self._service}/{node}", node, data, data)


class MemoryDocumentWatch:
    """One listener of one document."""

    def __init__(self, name: str, listener: DocumentListener, registry: "Viewer") -> None:
        self._name = name
        self._registry = registry
        self._told: list[Document | None] = []
        self.subscription = Subscription(listener, lambda _: registry.store.remove(self))

    def news(
        self,
        records: Mapping[_Key, bytes],  # noqa: ARG002 - for the other kind of watch
        documents: Mapping[str, Document],
    ) -> Callable[[], None]:
        """The call that tells the listener this document."""
        found = documents.get(self._name)
        return lambda: self._tell(found)

    def _tell(self, found: Document | None) -> None:
        if self._registry.reachable and self._told != [found]:
            self._told = [found]
            self.subscription.deliver(found)


class MemoryDocumentsWatch:
    """One listener of the documents below a folder."""

    def __init__(self, folder: str, listener: DocumentsListener, registry: "Viewer") -> None:
        self._folder = folder + "/"
        self._registry = registry
        self._told: list[Mapping[str, Document]] = []
        self.subscription = Subscription(listener, lambda _: registry.store.remove(self))

    def news(
        self,
        records: Mapping[_Key, bytes],  # noqa: ARG002 - for the other kind of watch
        documents: Mapping[str, Document],
    ) -> Callable[[], None]:
        """The call that tells the listener these documents."""
        mine = {n: d for n, d in documents.items() if n.startswith(self._folder) and d.data}
        return lambda: self._tell(mine)

    def _tell(self, found: Mapping[str, Document]) -> None:
        if self._registry.reachable and self._told != [found]:
            self._told = [found]
            self.subscription.deliver(found)


_AnyWatch = MemoryWatch | MemoryDocumentWatch | MemoryDocumentsWatch


class MemoryRegistration:
    """One node's registration."""

    def __init__(self, store: MemoryStore, instance: Instance) -> None:
        self._store = store
        self._instance = instance
        self._presence = Presence()

    @property
    def key(self) -> _Key:
        """What it stands in line for."""
        return self._instance.service, self._instance.node_id

    @property
    def over(self) -> bool:
        """Whether it was withdrawn."""
        return self._presence.withdrawn

    @property
    def data(self) -> bytes:
        """The record."""
        return encode(self._instance)

    @property
    def active(self) -> bool:
        """Whether the record is in."""
        return self._presence.active

    def wait(self, timeout_s: float) -> bool:
        """Wait until the record is in."""
        return self._presence.wait(timeout_s)

    def update(self, instance: Instance) -> None:
        """Replace the record."""
        self._instance = instance.succeeding(self._instance)
        self._store.tell()

    def withdraw(self, timeout_s: float = 2.0) -> None:  # noqa: ARG002 - it takes no time
        """Take the record out."""
        self._presence.finish()
        self._store.release(self)

    def confirm(self) -> None:
        """It has the node id."""
        self._presence.confirm()

    def refuse(self) -> None:
        """Another has the node id."""
        text = f"node {self._instance.node_id!r} is registered by another living node"
        self._presence.refuse(DuplicateNode(text))
