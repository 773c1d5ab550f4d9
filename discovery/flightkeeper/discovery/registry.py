"""The registry as the rest of the project sees it: Protocols, its URL, and `open_registry`.

Two backends implement `Registry` and pass one conformance suite: `zookeeper/` (`zk://`, over TLS
`zks://`), and `directory/` (`dir://`) for the nodes of one machine. Neither is imported before its
URL is opened.
"""

import queue
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.documents import Document, DocumentListener, DocumentsListener
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import Hold, LockKind, LockPlace
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.topology import Event
from flightkeeper.discovery.urls import RegistryUrl, parse_registry_url

Listener = Callable[[Event], None]
"""Called from one thread of the backend, in order; must return quickly and never raise."""


class Registration(Protocol):
    """A node's presence in the registry, kept up until it is withdrawn."""

    @property
    def active(self) -> bool:
        """Whether the record is known to be in the registry under this incarnation."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until the record is in the registry; False when time ran out.

        Raises:
            DuplicateNode: another living node holds this node id. The registration goes on
                trying until it is withdrawn, and takes the id over once it is free.
        """

    def update(self, instance: Instance) -> None:
        """Replace the record (same node id and incarnation); returns when asked, not when done."""

    def withdraw(self, timeout_s: float = 2.0) -> None:
        """Take the record out and stop keeping it up. Idempotent, bounded, never raises."""


class Watch(Protocol):
    """A listener's subscription."""

    def close(self) -> None:
        """Stop calling the listener: no call runs or follows after this returned. Idempotent."""


class Membership(Protocol):
    """Who is there, for those who look. Thread-safe."""

    def watch(self, service: str, listener: Listener) -> Watch:
        """Tell a listener of every complete read (`Listed`) and every loss of the registry.

        The first `Listed` follows as soon as the registry answers.
        """

    def close(self) -> None:
        """Withdraw what is registered here, end all watches and threads. Idempotent, bounded."""


class Registry(Membership, Protocol):
    """Membership and agreement for the nodes of a cluster. Thread-safe."""

    def register(self, instance: Instance) -> Registration:
        """Put a node's record in and keep it there through outages, expiry and restarts.

        Returns at once; `Registration.wait` tells when it is done.

        Raises:
            InvalidName: the service or the node id cannot be kept; nothing was done.
            RegistryUnavailable: the registry can be seen never to work, such as a directory
                that cannot be written; nothing was done.
        """

    def agree(self, name: str, proposal: bytes, timeout_s: float = 10.0) -> bytes:
        """The document all nodes hold under this name: the first proposal ever made, for good.

        Readable by nodes only, as far as the backend can enforce it.

        Raises:
            RegistryUnavailable: no answer in time.
        """

    def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
        """The document as it is; None = there is none.

        Args:
            name: its parts with slashes between them, such as `settings/cluster`. Documents below
                `keys/` are for nodes only, as far as the backend can enforce it.

        Raises:
            InvalidName: a part of the name cannot be used.
            RegistryUnavailable: no answer in time.
        """

    def write_document(
        self,
        name: str,
        data: bytes,
        version: int | None,
        timeout_s: float = 10.0,
        *,
        guard: Hold | None = None,
        own: bool = False,
    ) -> Document:
        """Replace a document, if it is still what the writer has seen.

        Args:
            version: of the document as it was read; None = there was none.
            guard: a hold of this registry; write only while it is held, for sure.
            own: nobody else would write these data, because they hold a mark of this write. Only
                then can it be told what became of it when an answer is lost.

        Returns: the document as it is now.

        Raises:
            DocumentChanged: somebody else was first; nothing was written.
            DocumentTooBig: nothing was written.
            LockLost: the guard is not held any more; nothing was written.
            InvalidName: a part of the name cannot be used; nothing was written.
            RegistryUnavailable: no answer in time; nothing was written.
            OutcomeUnknown: it may have been written.
        """

    def watch_document(self, name: str, listener: DocumentListener) -> Watch:
        """Tell a listener of a document as it is, and of every change.

        While the registry is away the listener is told nothing.
        """

    def watch_documents(self, folder: str, listener: DocumentsListener) -> Watch:
        """Tell a listener of all documents below a folder, and of every change.

        A document has no others below it. While the registry is away, or a read of all of them is
        not complete, the listener is told nothing.

        Args:
            folder: first parts of the documents' names, such as `tables`.
        """

    def lock(
        self,
        name: str,
        timeout_s: float = 10.0,
        *,
        kind: LockKind = LockKind.LOCK,
        claim: Claim = EXCLUSIVE,
        check: Callable[[], None] = lambda: None,
    ) -> Hold:
        """Take a lock that one holder has at a time, over all processes; wait for it so long.

        Args:
            claim: how it is to be held, if others may hold it at the same time.
            check: asked many times a second while it waits; what it raises ends the wait.

        Raises:
            InvalidName: the name cannot be used; it is not held.
            LockTimeout: others held it, or the registry did not answer; it is not held.
            RegistryUnavailable: the registry was closed, or cannot be used; it is not held.
        """

    def lock_places(self, kind: LockKind, timeout_s: float = 10.0) -> tuple[LockPlace, ...]:
        """Who stands in line for the locks of a kind, by name and position.

        Raises:
            RegistryUnavailable: no answer in time.
        """

    def sweep(self, timeout_s: float = 10.0) -> int:
        """Take away what is left of locks that nobody holds or wants; how many were found.

        May run anywhere and at any time; once in a while by one process is enough.

        Raises:
            RegistryUnavailable: no answer in time; some may be taken away.
        """


class Opener(Protocol):
    """A backend module's `open_backend`."""

    def __call__(
        self,
        url: RegistryUrl,
        *,
        credentials: tuple[str, str] | None,
        session_timeout_s: float,
        tls: RegistryTls | None,
        acl: Roles | None,
    ) -> Registry:
        """Open the registry; a network is not waited for."""


_BACKENDS: Mapping[str, str] = MappingProxyType(
    {
        "zk": "flightkeeper.discovery.zookeeper.backend",
        "zks": "flightkeeper.discovery.zookeeper.backend",
        "dir": "flightkeeper.discovery.directory.backend",
    }
)


def open_registry(
    url: str,
    *,
    credentials: tuple[str, str] | None = None,
    session_timeout_s: float = 10.0,
    tls: RegistryTls | None = None,
    acl: Roles | None = None,
) -> Registry:
    """Open a registry; returns at once, also while ZooKeeper is down.

    Args:
        url: `zk://h1:2181,h2:2181/chroot`, `zks://` for ZooKeeper over TLS, or
            `dir:///absolute/path`.
        credentials: user and password for ZooKeeper's digest scheme; `dir://` has none, the
            permissions of the directory decide.
        session_timeout_s: how long ZooKeeper keeps the record of a node that went silent.
        tls: certificates for `zks://`; by default the system's authorities, and none of its own.
        acl: who has which role in ZooKeeper; by default who asks is node and admin, and anybody
            may read what is not for nodes only.

    Raises:
        InvalidRegistryUrl: names the part that is wrong; a `dir://` path that exists and is not
            a directory is a wrong path.
    """
    parsed = parse_registry_url(url)
    # Imported by name so that a client of dir:// never loads kazoo.
    opener: Opener = import_module(_BACKENDS[parsed.scheme]).open_backend
    return opener(
        parsed, credentials=credentials, session_timeout_s=session_timeout_s, tls=tls, acl=acl
    )


def read_documents(registry: Registry, folder: str, timeout_s: float) -> Mapping[str, Document]:
    """All documents below a folder as they are, by their names; empty ones are left out.

    Raises:
        RegistryUnavailable: no answer in time.
    """
    told: queue.SimpleQueue[Mapping[str, Document]] = queue.SimpleQueue()
    watch = registry.watch_documents(folder, told.put)
    try:
        return told.get(timeout=timeout_s)
    except queue.Empty as exc:
        raise RegistryUnavailable(f"no answer within {timeout_s} s what is in {folder}") from exc
    finally:
        watch.close()
