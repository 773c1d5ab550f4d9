"""The registry in a directory: one thread that keeps records up and looks for changes.

For the nodes of one machine: locks of other machines are not seen, so not on a network file
system. Who may read and write the directory decides who may see and join the cluster.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.directory import documents, lock
from flightkeeper.discovery.directory.document_watcher import DocumentFileWatcher
from flightkeeper.discovery.directory.folder_watcher import FolderWatcher
from flightkeeper.discovery.directory.registration import DirectoryRegistration
from flightkeeper.discovery.directory.watcher import DirectoryWatcher
from flightkeeper.discovery.documents import (
    Document,
    DocumentListener,
    DocumentsListener,
    check_document_name,
    check_size,
)
from flightkeeper.discovery.errors import (
    InvalidRegistryUrl,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
)
from flightkeeper.discovery.locks import Hold, LastingHold, LockKind, LockPlace, LockTimeout
from flightkeeper.discovery.names import check_name
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Listener, Registration, Watch
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.subscription import Subscription
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.urls import RegistryUrl
from flightkeeper.discovery.worker import Worker

_LOOK_S = 0.2
_CALL_S = 5.0
_CLOSE_S = 2.0

_T = TypeVar("_T")
_Watcher = DirectoryWatcher | DocumentFileWatcher | FolderWatcher

_log = logging.getLogger(__name__)


class DirectoryRegistry:
    """A `Registry` in a directory."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the registry; the directory is made by the first node.

        Args:
            root: the directory.
            clock: monotonic seconds.
        """
        self._root = root
        self._clock = clock
        self._registrations: list[DirectoryRegistration] = []
        self._holds_lock = threading.Lock()  # guards the two below
        self._holds: list[LastingHold] = []
        self._closed = False
        self._watchers: dict[Subscription[Any], _Watcher] = {}
        self._complaint = ""
        self._worker = Worker("registry-directory", self._tick)
        self._worker.start()

    def register(self, instance: Instance) -> Registration:
        """Put a node's record in and keep it there."""
        folder = self._folder(instance.service)
        check_name("node id", instance.node_id)
        made = DirectoryRegistration(folder, instance, self._wake)
        self._run(lambda: self._begin(made), f"register node {instance.node_id!r}")
        return made

    def watch(self, service: str, listener: Listener) -> Watch:
        """Tell a listener of every change and every loss."""
        subscription = Subscription(listener, self._forget)
        watcher = DirectoryWatcher(self._folder(service), subscription.deliver, self._clock)
        self._worker.post(lambda: self._watchers.update({subscription: watcher}))
        return subscription

    def agree(self, name: str, proposal: bytes, timeout_s: float = 10.0) -> bytes:
        """The document all nodes hold under this name."""
        place = self._root / "keys" / check_name("document", name)
        return self._run(lambda: documents.agree(place, proposal), f"agree on {name!r}", timeout_s)

    def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
        """The document as it is; None = there is none."""
        place = self._place(name)
        return self._run(lambda: documents.read(place), f"read {name!r}", timeout_s)

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
        place = self._place(name)
        check_size(name, data)
        check = guard.check if guard is not None else lambda: None
        return self._run(
            lambda: documents.write(place, name, data, version, check),
            f"write {name!r}",
            timeout_s,
            slow=OutcomeUnknown,
        )

    def watch_document(self, name: str, listener: DocumentListener) -> Watch:
        """Tell a listener of a document as it is, and of every change."""
        subscription = Subscription(listener, self._forget)
        watcher = DocumentFileWatcher(self._place(name), subscription.deliver)
        self._worker.post(lambda: self._watchers.update({subscription: watcher}))
        return subscription

    def watch_documents(self, folder: str, listener: DocumentsListener) -> Watch:
        """Tell a listener of all documents below a folder, and of every change."""
        subscription = Subscription(listener, self._forget)
        watcher = FolderWatcher(self._place(folder, folder=True), folder, subscription.deliver)
        self._worker.post(lambda: self._watchers.update({subscription: watcher}))
        return subscription

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
        folder = self._root / kind / check_name("lock", name)
        deadline_s = self._clock() + timeout_s

        def remaining_s() -> float:
            check()
            self._check_open()
            return deadline_s - self._clock()

        try:
            hold = lock.take(folder, name, claim, remaining_s)
        except OSError as exc:
            text = f"the registry {self._root} cannot take a lock; it is not held: {exc}"
            raise RegistryUnavailable(text) from exc
        if hold is None:
            raise LockTimeout(
                f"the lock {name} was not to be had within {timeout_s} s: others held it; it is "
                "not held"
            )
        with self._holds_lock:
            self._holds = [other for other in self._holds if not other.released] + [hold]
            closed = self._closed
        if closed:
            hold.release()
        self._check_open()
        return hold

    def lock_places(self, kind: LockKind, timeout_s: float = 10.0) -> tuple[LockPlace, ...]:
        """Who stands in line for the locks of a kind."""
        return self._run(lambda: lock.places(self._root / kind), f"list its {kind}", timeout_s)

    def sweep(self, timeout_s: float = 10.0) -> int:
        """Take away what is left of locks that nobody holds or wants; how many were found."""
        folders = [self._root / kind for kind in LockKind]
        return self._run(lambda: sum(map(lock.sweep, folders)), "sweep locks", timeout_s)

    def close(self) -> None:
        """Take the records out and end the thread. Idempotent, bounded."""
        with self._holds_lock:
            self._closed = True
            for hold in self._holds:
                hold.release()
        self._worker.post(self._retire_all)
        if not self._worker.stop(_CLOSE_S):
            _log.warning("a registry listener does not return; its thread is left to it")

    def _check_open(self) -> None:
        if self._closed:
            raise RegistryUnavailable("the registry is closed; the lock is not held")

    def _folder(self, service: str) -> Path:
        return self._root / "services" / check_name("service", service)

    def _place(self, name: str, *, folder: bool = False) -> Path:
        return self._root.joinpath(*check_document_name(name, folder=folder))

    def _begin(self, made: DirectoryRegistration) -> None:
        made.keep_up()
        self._registrations.append(made)

    def _forget(self, subscription: Subscription[Any]) -> None:
        def forget() -> None:
            self._watchers.pop(subscription, None)

        self._worker.post(forget)

    def _wake(self) -> None:
        self._worker.post(lambda: None)

    def _retire_all(self) -> None:
        for registration in self._registrations:
            registration.retire()
        self._registrations.clear()

    def _tick(self) -> float:
        problems = [*self._keep_up(), *self._look()]
        complaint = problems[0] if problems else ""
        if complaint and complaint != self._complaint:
            _log.warning("the registry cannot be used; trying again: %s", complaint)
        self._complaint = complaint
        return _LOOK_S

    def _keep_up(self) -> Iterator[str]:
        for registration in self._registrations:
            try:
                registration.keep_up()
            except (OSError, RegistryError) as exc:
                registration.doubt()
                yield str(exc)
        self._registrations = [r for r in self._registrations if not r.over]

    def _look(self) -> Iterator[str]:
        for watcher in list(self._watchers.values()):
            try:
                watcher.look()
            except (OSError, RegistryError) as exc:
                watcher.lose()
                yield str(exc)

    def _run(
        self,
        call: Callable[[], _T],
        purpose: str,
        timeout_s: float = _CALL_S,
        *,
        slow: type[RegistryUnavailable] = RegistryUnavailable,
    ) -> _T:
        try:
            return self._worker.run(call, timeout_s)
        except TimeoutError as exc:
            text = f"the registry {self._root} was too slow to {purpose}, or is closed: ask again"
            raise slow(text) from exc
        except OSError as exc:
            text = f"the registry {self._root} cannot {purpose}; nothing was done: {exc}"
            raise RegistryUnavailable(text) from exc


def open_backend(
    url: RegistryUrl,
    *,
    credentials: tuple[str, str] | None,  # noqa: ARG001 - the directory's permissions decide
    session_timeout_s: float,  # noqa: ARG001 - a lock is let go at death, not after a time
    tls: RegistryTls | None,  # noqa: ARG001 - nothing leaves this machine
    acl: Roles | None,  # noqa: ARG001 - the directory's permissions decide
) -> DirectoryRegistry:
    """Open the registry of a `dir://` URL.

    Raises:
        InvalidRegistryUrl: the path exists and is not a directory.
    """
    root = Path(url.path)
    if root.exists() and not root.is_dir():
        raise InvalidRegistryUrl(str(url), "path", f"{root} is not a directory")
    return DirectoryRegistry(root)
