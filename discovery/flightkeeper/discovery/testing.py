"""A registry in memory for tests: the conformance suite that holds for the real ones holds for it.

Several `MemoryRegistry` on one `MemoryStore` are several processes on one registry. Nothing runs
in the background: a call returns when every listener heard of what it changed, and faults are
injected by name.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.documents import (
    Document,
    DocumentListener,
    DocumentsListener,
    check_document_name,
    check_size,
)
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import Hold, LastingHold, LockKind, LockPlace, LockTimeout
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Listener
from flightkeeper.discovery.subscription import Subscription
from flightkeeper.discovery.testing_store import (
    MemoryDocumentsWatch,
    MemoryDocumentWatch,
    MemoryRegistration,
    MemoryStore,
    MemoryWatch,
)
from flightkeeper.discovery.topology import Event


class MemoryRegistry:
    """A `Registry` in memory, with faults to inject."""

    def __init__(
        self, store: MemoryStore | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open a registry.

        Args:
            store: shared with other registries; one of its own by default.
            clock: the seconds of its events.
        """
        self.store = store or MemoryStore()
        self.clock = clock
        self.reachable = True
        self._closed = False
        self._registrations: list[MemoryRegistration] = []
        self._subscriptions: list[Subscription[Any]] = []
        self._holds: list[LastingHold] = []

    def register(self, instance: Instance) -> MemoryRegistration:
        """Put a node's record in."""
        self._check_open()
        check_name("service", instance.service)
        check_name("node id", instance.node_id)
        registration = MemoryRegistration(self.store, instance)
        self._registrations.append(registration)
        if self.reachable:
            self.store.claim(registration)
        return registration

    def watch(self, service: str, listener: Listener) -> Subscription[Event]:
        """Tell a listener of every change and every loss."""
        watch = MemoryWatch(check_name("service", service), listener, self)
        self._subscriptions.append(watch.subscription)
        self.store.add(watch)
        return watch.subscription

    def agree(self, name: str, proposal: bytes, timeout_s: float = 10.0) -> bytes:
        """The first proposal ever made under a name."""
        check_name("document", name)
        self._check_answers(timeout_s)
        return self.store.first(name, proposal)

    def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
        """The document as it is; None = there is none."""
        self._check_answers(timeout_s)
        return self.store.read("/".join(check_document_name(name)))

    def write_document(
        self,
        name: str,
        data: bytes,
        version: int | None,
        timeout_s: float = 10.0,
        *,
        guard: Hold | None = None,
        own: bool = False,  # noqa: ARG002 - no answer is lost here
    ) -> Document:
        """Replace a document, if it is still what the writer has seen."""
        check_document_name(name)
        check_size(name, data)
        self._check_answers(timeout_s)
        if guard is not None:
            guard.check()
        return self.store.write(name, data, version)

    def watch_document(
        self, name: str, listener: DocumentListener
    ) -> Subscription[Document | None]:
        """Tell a listener of a document as it is, and of every change."""
        check_document_name(name)
        watch = MemoryDocumentWatch(name, listener, self)
        self._subscriptions.append(watch.subscription)
        self.store.add(watch)
        return watch.subscription

    def watch_documents(
        self, folder: str, listener: DocumentsListener
    ) -> Subscription[Mapping[str, Document]]:
        """Tell a listener of all documents below a folder, and of every change."""
        check_document_name(folder, folder=True)
        watch = MemoryDocumentsWatch(folder, listener, self)
        self._subscriptions.append(watch.subscription)
        self.store.add(watch)
        return watch.subscription

    def lock(
        self,
        name: str,
        timeout_s: float = 10.0,
        *,
        kind: LockKind = LockKind.LOCK,
        claim: Claim = EXCLUSIVE,
        check: Callable[[], None] = lambda: None,
    ) -> LastingHold:
        """Take a lock that one holder has at a time; wait for it so long."""
        self._check_open()
        key = f"{kind}/{check_name('lock', name)}"
        deadline_s = time.monotonic() + timeout_s

        def remaining_s() -> float:
            check()
            self._check_open()
            return deadline_s - time.monotonic()

        hold = self.store.locks.take(key, remaining_s, claim) if self.reachable else None
        if hold is None:
            raise LockTimeout(f"the lock {name} was not to be had in {timeout_s} s; it is not held")
        self._holds.append(hold)
        return hold

    def lock_places(self, kind: LockKind, timeout_s: float = 10.0) -> tuple[LockPlace, ...]:
        """Who stands in line for the locks of a kind."""
        self._check_answers(timeout_s)
        return self.store.locks.places(kind)

    def sweep(self, timeout_s: float = 10.0) -> int:
        """Nothing is left of a lock that was let go."""
        self._check_answers(timeout_s)
        return 0

    def close(self) -> None:
        """Take the records out and end the watches. Idempotent."""
        self._closed = True
        for registration in self._registrations:
            registration.withdraw()
        for subscription in self._subscriptions:
            subscription.close()
        for hold in self._holds:
            hold.release()
        self._registrations, self._subscriptions = [], []

    def drop(self, node_id: str) -> None:
        """Let a node of this registry vanish, as if its process had been killed."""
        for registration in self._registrations:
            if registration.key[1] == node_id:
                registration.withdraw()

    def go_unreachable(self) -> None:
        """Stop answering this process; what it registered stays in, as within a session."""
        self.reachable = False
        self.store.tell()

    def come_back(self) -> None:
        """Answer this process again; what was registered meanwhile goes in now."""
        self.reachable = True
        for registration in self._registrations:
            self.store.claim(registration)
        self.store.tell()

    def _check_answers(self, timeout_s: float) -> None:
        self._check_open()
        if not self.reachable:
            raise RegistryUnavailable(f"no answer within {timeout_s} s; nothing was written")

    def _check_open(self) -> None:
        if self._closed:
            raise RegistryUnavailable("the registry is closed; nothing was done")
