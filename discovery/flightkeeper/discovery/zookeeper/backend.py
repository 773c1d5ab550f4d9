"""The registry on ZooKeeper: one worker thread, one session, and the duties kept up over it.

Owns the worker, the link (and its candidate) and the list of duties; the duties run on the worker
only. Decides nothing itself: `supervision` judges the connection, the duties judge their znodes.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flightkeeper.discovery.contention import EXCLUSIVE, Claim
from flightkeeper.discovery.documents import (
    Document,
    DocumentListener,
    DocumentsListener,
    check_size,
    is_private,
)
from flightkeeper.discovery.errors import (
    DuplicateNode,
    InvalidName,
    RegistryError,
    RegistryUnavailable,
)
from flightkeeper.discovery.locks import Hold, LockKind, LockPlace, LockTimeout
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Listener, Registration, Watch
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.subscription import Subscription
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.urls import RegistryUrl
from flightkeeper.discovery.worker import Worker
from flightkeeper.discovery.zookeeper import documents
from flightkeeper.discovery.zookeeper.connection import Connection
from flightkeeper.discovery.zookeeper.document_watcher import DocumentWatcher
from flightkeeper.discovery.zookeeper.folder_watcher import FolderWatcher
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.liveness import accepts_connections
from flightkeeper.discovery.zookeeper.lock import Contender, ZooKeeperHold
from flightkeeper.discovery.zookeeper.lock_places import places
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.registration import SPREAD_S, ZooKeeperRegistration
from flightkeeper.discovery.zookeeper.session import LinkState
from flightkeeper.discovery.zookeeper.supervision import Limits
from flightkeeper.discovery.zookeeper.sweeping import sweep
from flightkeeper.discovery.zookeeper.watcher import ServiceWatcher
from flightkeeper.discovery.zookeeper.znodes import Znodes

_RETRY_MIN_S = 0.1
_RETRY_MAX_S = 2.0
_TICK_S = 0.25
_CLOSE_S = 2.0

_log = logging.getLogger(__name__)


class Duty(Protocol):
    """Something that must be so in ZooKeeper, or known from it.

    A duty is run again from the start whenever it may no longer hold: after every reconnect, when
    one of its watches fired, and after a while without either. It looks at what is there and does
    the rest; so an answer that was lost needs no care of its own. All calls come from one thread.
    """

    def run(self, znodes: Znodes) -> float | None:
        """Make it so; seconds until it is to be checked anyway, None when it is over.

        Raises:
            RegistryError: it could not be finished; it will be run again.
        """

    def failed(self, error: RegistryError) -> None:
        """The last run did not finish."""

    def suspended(self) -> None:
        """The connection is gone, the session may stand."""

    def lost(self) -> None:
        """The session is gone, or may be."""


@dataclass(slots=True)
class _Plan:
    """When a duty runs next, and how long to wait after its next failure."""

    due_s: float
    retry_s: float = _RETRY_MIN_S


class ZooKeeperRegistry:
    """A `Registry` on ZooKeeper."""

    def __init__(
        self,
        options: LinkOptions,
        paths: Paths,
        *,
        limits: Limits | None = None,
        probe: Callable[[str], bool] = accepts_connections,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = lambda: random.uniform(0, SPREAD_S),  # noqa: S311 - no secret
    ) -> None:
        """Open the registry and begin to connect; does not wait.

        Args:
            options: how to reach ZooKeeper.
            paths: where our znodes lie.
            limits: when the session counts as lost; by default after the third of its time-out
                that is left when kazoo notices a silent server.
            probe: whether something accepts connections at a location; bounded.
            clock: monotonic seconds.
            spread: seconds to wait before a record that was lost is put back.
        """
        self._spread = spread
        self._paths = paths
        self._probe = probe
        self._clock = clock
        self._open_to_all = not options.identified
        self._plans: dict[Duty, _Plan] = {}
        self._lock = threading.Lock()  # guards the three below
        self._registrations: dict[str, ZooKeeperRegistration] = {}
        self._holds: list[ZooKeeperHold] = []
        self._closed = False
        self._worker = Worker("registry-zookeeper", self._tick)
        self._connection = Connection(
            options,
            limits or Limits(lost_after_s=options.session_timeout_s / 3),
            note=self._worker.post,
            changed=self._connection_changed,
            clock=clock,
        )
        self._worker.start()

    def register(self, instance: Instance) -> Registration:
        """Put a node's record in and keep it there."""
        made: ZooKeeperRegistration = ZooKeeperRegistration(
            self._paths,
            instance,
            probe=self._probe,
            wake=lambda: self._wake(made),
            clock=self._clock,
            spread=self._spread,
        )
        with self._lock:
            if self._closed:
                raise RegistryUnavailable("the registry is closed; nothing was done")
            other = self._registrations.get(made.path)
            taken = other is not None and not other.over
            if not taken:
                self._registrations[made.path] = made
        if taken:
            made.refuse(DuplicateNode(f"node {instance.node_id!r} is registered by this process"))
        else:
            self._worker.post(lambda: self._add(made))
        return made

    def watch(self, service: str, listener: Listener) -> Watch:
        """Tell a listener of every complete read and every loss."""
        subscription = Subscription(listener, lambda _: self._worker.post(forget))
        watcher: ServiceWatcher = ServiceWatcher(
            self._paths.service(service),
            subscription.deliver,
            wake=lambda: self._wake(watcher),
            note=self._worker.post,
            clock=self._clock,
        )

        def forget() -> None:
            self._plans.pop(watcher, None)

        self._worker.post(lambda: self._add(watcher))
        return subscription

    def agree(self, name: str, proposal: bytes, timeout_s: float = 10.0) -> bytes:
        """The document all nodes hold under this name."""
        if self._open_to_all:
            self._open_to_all = False
            _log.warning("no ZooKeeper credentials: whoever reaches it can read what nodes share")
        return documents.agree(
            self._connection.wait_connected,
            self._paths.key(name),
            proposal,
            self._within(timeout_s),
        )

    def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
        """The document as it is; None = there is none."""
        path = self._paths.document(name)
        return documents.read(self._connection.wait_connected, path, self._within(timeout_s))

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
        """Replace a document, if it is still what the writer has seen."""
        path = self._paths.document(name)
        check_size(name, data)
        assert guard is None or isinstance(guard, ZooKeeperHold)
        connected, left_s = self._connection.wait_connected, self._within(timeout_s)
        if guard is not None:
            guard.check()
        if guard is not None and is_private(name):
            raise InvalidName(f"the document {name} is private and cannot be written under a lock")
        change = documents.Write(data, version, guard, own=own)
        return documents.write(connected, path, change, left_s)

    def watch_document(self, name: str, listener: DocumentListener) -> Watch:
        """Tell a listener of a document as it is, and of every change."""
        subscription = Subscription(listener, lambda _: self._worker.post(forget))
        watcher: DocumentWatcher = DocumentWatcher(
            self._paths.document(name), subscription.deliver, lambda: self._wake(watcher)
        )

        def forget() -> None:
            self._plans.pop(watcher, None)

        self._worker.post(lambda: self._add(watcher))
        return subscription

    def watch_documents(self, folder: str, listener: DocumentsListener) -> Watch:
        """Tell a listener of all documents below a folder, and of every change."""
        subscription = Subscription(listener, lambda _: self._worker.post(forget))
        watcher: FolderWatcher = FolderWatcher(
            self._paths.document(folder, folder=True),
            folder,
            subscription.deliver,
            wake=lambda: self._wake(watcher),
            note=self._worker.post,
        )

        def forget() -> None:
            self._plans.pop(watcher, None)

        self._worker.post(lambda: self._add(watcher))
        return subscription

    def lock(
        self,
        name: str,
        timeout_s: float = 10.0,
        *,
        kind: LockKind = LockKind.LOCK,
        claim: Claim = EXCLUSIVE,
        check: Callable[[], None] = lambda: None,
    ) -> ZooKeeperHold:
        """Take a lock that one holder has at a time; wait for it so long."""
        folder = self._paths.lock(kind, name)
        hold = ZooKeeperHold(name, claim, leave=lambda: self._wake(contender), clock=_since_boot_s)
        contender: Contender = Contender(
            hold, folder, wake=lambda: self._wake(contender), clock=_since_boot_s
        )
        with self._lock:
            if self._closed:
                raise RegistryUnavailable("the registry is closed; nothing was done")
            self._holds = [other for other in self._holds if not other.gone] + [hold]
        self._worker.post(lambda: self._add(contender))
        try:
            if hold.wait_held(timeout_s, check):
                return hold
        except BaseException:
            hold.release()
            raise
        hold.release()
        if hold.refusal is not None:
            raise hold.refusal
        if self._closed:
            raise RegistryUnavailable("the registry was closed; the lock is not held")
        raise LockTimeout(
            f"the lock {name} was not to be had within {timeout_s} s: others held it, or "
            "ZooKeeper did not answer; it is not held"
        )

    def lock_places(self, kind: LockKind, timeout_s: float = 10.0) -> tuple[LockPlace, ...]:
        """Who stands in line for the locks of a kind."""
        folder, left_s = self._paths.locks(kind), self._within(timeout_s)
        return places(self._connection.wait_connected, folder, left_s)

    def sweep(self, timeout_s: float = 10.0) -> int:
        """Take away what is left of locks that nobody holds or wants; how many were found."""
        return sweep(self._connection.wait_connected, self._paths, self._within(timeout_s))

    def close(self) -> None:
        """End the session, which takes its records out, and the threads. Idempotent, bounded."""
        with self._lock:
            first, self._closed = not self._closed, True
        if not first:
            return
        # Before the session ends and another one gets them.
        for hold in self._holds:
            hold.end()
        # The worker may wait for an answer, which fails as soon as the session is closed.
        self._worker.stop(0.2)
        self._connection.close(_CLOSE_S)
        if not self._worker.stop(_CLOSE_S):
            _log.warning("a registry listener does not return; its thread is left to it")
        for registration in self._registrations.values():
            registration.ended()
        for hold in self._holds:
            hold.end(gone=True)

    def _within(self, timeout_s: float) -> Callable[[], float]:
        """How many seconds are left of so many, from now on."""
        deadline_s = self._clock() + timeout_s
        return lambda: deadline_s - self._clock()

    def _add(self, duty: Duty) -> None:
        self._plans[duty] = _Plan(self._clock())

    def _wake(self, duty: Duty) -> None:
        self._worker.post(lambda: self._make_due(duty))

    def _make_due(self, duty: Duty) -> None:
        if plan := self._plans.get(duty):
            plan.due_s = self._clock()

    def _connection_changed(self, state: LinkState) -> None:
        for duty, plan in list(self._plans.items()):
            match state:
                case LinkState.CONNECTED:
                    plan.due_s = self._clock()
                case LinkState.SUSPENDED:
                    duty.suspended()
                case LinkState.LOST:
                    duty.lost()

    def _tick(self) -> float:
        self._connection.supervise()
        if not self._connection.connected:
            return _TICK_S
        now_s = self._clock()
        for duty in [duty for duty, plan in self._plans.items() if plan.due_s <= now_s]:
            self._run(duty)
        now_s = self._clock()
        return min((plan.due_s - now_s for plan in self._plans.values()), default=_TICK_S * 4)

    def _run(self, duty: Duty) -> None:
        plan = self._plans[duty]
        try:
            rest_s = duty.run(self._connection.link)
        except RegistryError as exc:
            _log.info("the registry is not as it should be yet: %s", exc)
            duty.failed(exc)
            plan.due_s = self._clock() + plan.retry_s
            plan.retry_s = min(plan.retry_s * 2, _RETRY_MAX_S)
            return
        if rest_s is None:
            del self._plans[duty]
            return
        plan.due_s, plan.retry_s = self._clock() + rest_s, _RETRY_MIN_S


def _since_boot_s() -> float:
    """A clock that goes on while the machine sleeps, where there is one: sessions end meanwhile."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def open_backend(
    url: RegistryUrl,
    *,
    credentials: tuple[str, str] | None,
    session_timeout_s: float,
    tls: RegistryTls | None,
    acl: Roles | None,
) -> ZooKeeperRegistry:
    """Open the registry of a `zk://` or `zks://` URL; does not wait for a connection."""
    secured = (tls or RegistryTls()) if url.secure else None
    options = LinkOptions(
        url.host_list, len(url.hosts), session_timeout_s, credentials, secured, url.path, acl
    )
    return ZooKeeperRegistry(options, Paths(url.path))
