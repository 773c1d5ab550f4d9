"""The session with ZooKeeper: the only module that speaks kazoo.

Owns one kazoo client with its three threads. Every call is bounded in time and every error is
translated here. kazoo's callbacks run on threads that must not block, so ours only pass a note on.
kazoo's own recipes are not used: most of them stop silently or hang while the connection is away.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from kazoo import exceptions as kz
from kazoo.client import KazooClient, KazooState
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import WatchedEvent
from kazoo.security import ACL, Id, Permissions

from flightkeeper.discovery.errors import RegistryDenied, RegistryError, RegistryUnavailable
from flightkeeper.discovery.zookeeper.bulk_requests import Answer, MultiRead, SetWatches, batched
from flightkeeper.discovery.zookeeper.handler import Handler
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import parent
from flightkeeper.discovery.zookeeper.rights import Grant, grants
from flightkeeper.discovery.zookeeper.znodes import (
    ZNODE_BYTES_MAX,
    AnswerLost,
    Contact,
    Fired,
    NodeExists,
    NoNode,
    VersionChanged,
    Znode,
)

_PIPELINE_MAX = 256
"""Requests under way at once; more gains nothing and a burst of answers starves the pings."""

_READ_MAX = 64
"""Znodes read by one request; its answer has to come in one piece, between two pings."""
_WATCH_MAX = 1000
"""Watches set by one request, which has to be smaller than what a server accepts."""
_REQUESTS_MAX = 4

_SESSION_PER_READ = 3 / 2
"""kazoo waits for two thirds of a session for an answer."""

_RIGHTS = (
    ("read", Permissions.READ),
    ("write", Permissions.WRITE),
    ("create", Permissions.CREATE),
    ("delete", Permissions.DELETE),
    ("admin", Permissions.ADMIN),
)

_kazoo_log = logging.getLogger("flightkeeper.discovery.kazoo")
# During an outage kazoo warns at every attempt; our own log says once that the registry is away.
_kazoo_log.setLevel(logging.ERROR)


class LinkState(Enum):
    """What kazoo says of the connection."""

    CONNECTED = auto()
    SUSPENDED = auto()
    LOST = auto()


_STATES: Mapping[str, LinkState] = MappingProxyType(
    {
        KazooState.CONNECTED: LinkState.CONNECTED,
        KazooState.SUSPENDED: LinkState.SUSPENDED,
        KazooState.LOST: LinkState.LOST,
    }
)

_ERRORS: Mapping[type[Exception], type[RegistryError]] = MappingProxyType(
    {
        kz.NoNodeError: NoNode,
        kz.NodeExistsError: NodeExists,
        kz.NotEmptyError: NodeExists,
        kz.BadVersionError: VersionChanged,
        kz.NoAuthError: RegistryDenied,
        kz.AuthFailedError: RegistryDenied,
        kz.InvalidACLError: RegistryDenied,
        kz.ConnectionLoss: AnswerLost,
        kz.SessionExpiredError: AnswerLost,
        kz.SessionMovedError: AnswerLost,
        kz.ConnectionClosedError: AnswerLost,
        kz.OperationTimeoutError: AnswerLost,
        KazooTimeoutError: AnswerLost,
    }
)


class Link:
    """One kazoo client, which is one session at a time. Implements `Znodes`. Thread-safe."""

    def __init__(self, options: LinkOptions, on_state: Callable[["Link", LinkState], None]) -> None:
        """Make a client; `start` starts it.

        Args:
            options: how to reach ZooKeeper.
            on_state: told of every change on kazoo's connection thread; must only note it.
        """
        self._options = options
        self._on_state = on_state
        self._connections = 0
        self._handler = Handler(options.session_timeout_s / (2 * options.host_count), options.tls)
        self._client: Any = KazooClient(
            hosts=options.hosts,
            timeout=options.session_timeout_s,
            handler=self._handler,
            auth_data=[("digest", ":".join(options.credentials))] if options.credentials else None,
            # kazoo's own backoff grows to an hour: ephemerals would die of it.
            connection_retry={
                "max_tries": -1, "delay": 0.05, "backoff": 2, "max_delay": 1.0, "max_jitter": 0.2,
            },
            logger=_kazoo_log,
        )  # fmt: skip
        self._client.add_listener(self._state_changed)
        self._session_timeout_s = options.session_timeout_s
        self._note_session_timeout()

    def start(self) -> None:
        """Begin to connect, and to reconnect for ever; returns at once."""
        self._client.start_async()

    def close(self, timeout_s: float) -> None:
        """End the session, politely if the server answers within half the time. Idempotent."""
        stopper = threading.Thread(target=self._stop, name="zookeeper-close", daemon=True)
        stopper.start()
        stopper.join(timeout_s / 2)
        if stopper.is_alive():
            # Without its socket, kazoo's connection thread has nothing left to wait for.
            self._handler.sever()
            stopper.join(timeout_s / 2)

    def _stop(self) -> None:
        self._client.stop()
        self._client.close()

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as kazoo knows."""
        return bool(self._client.connected)

    @property
    def given_up(self) -> bool:
        """Whether kazoo stopped for good, which it does on some errors in a handshake."""
        return self._handler.given_up

    @property
    def identified(self) -> bool:
        """Whether ZooKeeper knows who this process is."""
        return self._options.identified

    @property
    def refusal(self) -> str:
        """Why the last connection could not be made; empty if that is not known."""
        return self._handler.refusal

    @property
    def session_id(self) -> int:
        """Id of the session. Raises AnswerLost while not connected."""
        client_id = self._client.client_id
        if client_id is None:
            raise AnswerLost("ZooKeeper is not connected; nothing was sent")
        return int(client_id[0])

    @property
    def contact(self) -> Contact:
        """How far the session has come. Raises AnswerLost while not connected."""
        # In this order: what was heard through a later connection is not said to be of this one.
        zxid = int(self._client.last_zxid)
        return Contact(self.session_id, self._connections, zxid)

    @property
    def session_timeout_s(self) -> float:
        """After how long a silence the server ends the session; what was asked for until then."""
        return self._session_timeout_s

    def _note_session_timeout(self) -> None:
        # kazoo keeps what the server has said in no place but the answer of this one.
        connection = self._client._connection  # noqa: SLF001
        connect = connection._connect  # noqa: SLF001

        def noted(*args: Any) -> tuple[float, float]:
            with self._handler.handshaking():
                read_ms, connect_ms = connect(*args)
            self._session_timeout_s = read_ms * _SESSION_PER_READ / 1000
            return read_ms, connect_ms

        connection._connect = noted  # noqa: SLF001

    def sync(self, path: str) -> None:
        """Let the server catch up with what was done before; reads see it then."""
        self._result(self._ready().sync_async(path))

    def exists(self, path: str, fired: Fired) -> bool:
        """Whether it exists; a watch stays either way."""
        return self._result(self._ready().exists_async(path, watch=_Watcher(fired))) is not None

    def read(self, path: str, fired: Fired | None = None) -> Znode | None:
        """The znode, with a watch on its data; None (and no watch) when there is none."""
        watch = _Watcher(fired) if fired else None
        try:
            data, stat = self._result(self._ready().get_async(path, watch=watch))
        except NoNode:
            return None
        return Znode(data or b"", stat.version, stat.mzxid, stat.ephemeralOwner, stat.czxid)

    def read_all(self, paths: Iterable[str], fired: Fired | None = None) -> Mapping[str, Znode]:
        """Those that exist, read in few requests, each with a watch on its data."""
        # What changes between reading and watching fires at once.
        since = self.contact.zxid
        found: dict[str, Znode] = {}
        requests = [MultiRead(some) for some in batched(paths, _READ_MAX)]
        for request, answers in zip(requests, self._call_all(requests), strict=True):
            found.update(_readable(request, answers))
        if fired is not None:
            self.watch_all(found, since, fired)
        return found

    def watch_all(self, paths: Iterable[str], since: int, fired: Fired) -> None:
        """Set watches on the data of znodes; those changed or gone since that zxid fire at once."""
        watch = _Watcher(fired)
        self._call_all([self._setting(some, since, watch) for some in batched(paths, _WATCH_MAX)])

    def _setting(self, paths: Sequence[str], since: int, watch: "_Watcher") -> SetWatches:
        def register() -> None:
            for path in paths:
                self._client._data_watchers[path].add(watch)  # noqa: SLF001

        return SetWatches(paths, since, register)

    def _call_all(self, requests: Iterable[MultiRead | SetWatches]) -> list[Any]:
        """The answers to requests of our own, in their order; a few are under way at once."""
        answers: list[Any] = []
        for some in batched(requests, _REQUESTS_MAX):
            client = self._ready()
            pending = [client.handler.async_result() for _ in some]
            for request, waiting in zip(some, pending, strict=True):
                client._call(request, waiting)  # noqa: SLF001
            answers += [self._result(waiting) for waiting in pending]
        return answers

    def children(self, path: str, fired: Fired | None = None) -> tuple[str, ...]:
        """Names of the children, with a watch on the list. Raises NoNode."""
        watch = _Watcher(fired) if fired else None
        return tuple(self._result(self._ready().get_children_async(path, watch=watch)))

    def children_all(
        self, paths: Iterable[str], fired: Fired | None = None
    ) -> Mapping[str, tuple[str, ...]]:
        """Names of the children of those that exist, read in one go, each with a watch."""
        watch = _Watcher(fired) if fired else None
        found: dict[str, tuple[str, ...]] = {}
        for some in batched(paths, _PIPELINE_MAX):
            client = self._ready()
            for path, answer in [(p, client.get_children_async(p, watch=watch)) for p in some]:
                with suppress(NoNode):
                    found[path] = tuple(self._result(answer))
        return found

    def grants(self, path: str) -> tuple[Grant, ...]:
        """Who may do what with a znode. Raises NoNode."""
        acls, _ = self._result(self._ready().get_acls_async(path))
        return tuple(
            Grant(acl.id.scheme, acl.id.id, frozenset(n for n, b in _RIGHTS if acl.perms & b))
            for acl in acls
        )

    def set_rights(self, path: str) -> None:
        """Give a znode the rights that it would be made with. Raises NoNode, RegistryDenied."""
        self._result(self._ready().set_acls_async(path, self._acl(path)))

    def create_path(self, path: str) -> None:
        """Make a plain znode and those above it, where missing."""
        # Asked first: creating what exists is refused by the parent's ACL before anything else.
        if path == "" or self._result(self._ready().exists_async(path)) is not None:
            return
        self.create_path(parent(path))
        with suppress(NodeExists):
            self.create(path, b"", ephemeral=False)

    def create(self, path: str, data: bytes, *, ephemeral: bool) -> None:
        """Make a znode. Raises NodeExists, NoNode."""
        _check_size(path, data)
        client, acl = self._ready(), self._acl(path)
        self._result(client.create_async(path, data, acl=acl, ephemeral=ephemeral))

    def create_sequential(self, path: str, data: bytes) -> str:
        """Make an ephemeral whose name ends in a number that grows; its path. Raises NoNode."""
        client, acl = self._ready(), self._acl(path)
        made = client.create_async(path, data, acl=acl, ephemeral=True, sequence=True)
        return str(self._result(made))

    def write(self, path: str, data: bytes, version: int) -> None:
        """Set the data of a znode. Raises NoNode, VersionChanged."""
        _check_size(path, data)
        self._result(self._ready().set_async(path, data, version=version))

    def replace(self, path: str, data: bytes, version: int) -> None:
        """Delete a znode and make an ephemeral in its place, both or neither."""
        _check_size(path, data)
        transaction = self._ready().transaction()
        transaction.delete(path, version=version)
        transaction.create(path, data, acl=self._acl(path), ephemeral=True)
        self._commit(transaction)

    def write_guarded(self, path: str, data: bytes, version: int | None, guard: str) -> None:
        """Set the data of a znode while another one exists; version None = make it."""
        _check_size(path, data)
        transaction = self._ready().transaction()
        transaction.check(guard, version=-1)
        if version is None:
            transaction.create(path, data, acl=self._acl(path))
        else:
            transaction.set_data(path, data, version=version)
        self._commit(transaction)

    def _commit(self, transaction: Any) -> None:
        # kazoo returns the errors of a transaction instead of raising them.
        for outcome in self._result(transaction.commit_async()):
            if isinstance(outcome, Exception) and not isinstance(outcome, kz.RolledBackError):
                raise _translated(outcome) from outcome

    def delete(self, path: str, version: int) -> None:
        """Delete a znode. Raises NoNode, VersionChanged."""
        self._result(self._ready().delete_async(path, version=version))

    def _acl(self, path: str) -> list[Any]:
        chroot = self._options.chroot
        # What is above the chroot, and has to be made for it, is as the chroot itself.
        below = path.removeprefix(chroot) if path.startswith(f"{chroot}/") else ""
        return [
            ACL(sum(bit for name, bit in _RIGHTS if name in one.rights), Id(one.scheme, one.who))
            for one in grants(self._options.roles, below)
        ]

    def _ready(self) -> Any:
        # kazoo queues requests while disconnected and would send them at an unknown later time.
        if not self._client.connected:
            raise AnswerLost("ZooKeeper is not connected; nothing was sent")
        return self._client

    def _result(self, pending: Any) -> Any:
        try:
            return pending.get(timeout=self._options.session_timeout_s)
        except (kz.KazooException, KazooTimeoutError) as exc:
            raise _translated(exc) from exc

    def _state_changed(self, state: str) -> None:
        # On kazoo's connection thread: before anything is heard through the next connection.
        self._connections += state != KazooState.CONNECTED
        self._on_state(self, _STATES[state])


@dataclass(frozen=True)
class _Watcher:
    """A watch callback that equals any other for the same listener, so kazoo keeps one of them."""

    fired: Fired

    def __call__(self, event: WatchedEvent) -> None:
        self.fired(event.path)


def _translated(exc: Exception) -> RegistryError:
    text = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    return _ERRORS.get(type(exc), RegistryUnavailable)(f"ZooKeeper: {text}")


def _check_size(path: str, data: bytes) -> None:
    if len(data) > ZNODE_BYTES_MAX:
        raise ValueError(f"{path}: {len(data)} bytes are over the limit of {ZNODE_BYTES_MAX}")


def _readable(request: MultiRead, answers: Sequence[Answer]) -> Mapping[str, Znode]:
    """What there is. Raises RegistryDenied, or what else the server says of one of them."""
    found = {}
    for path, answer in zip(request.paths, answers, strict=True):
        if isinstance(answer, int):
            raise _translated(kz.EXCEPTIONS[answer]())
        if answer is not None:
            found[path] = answer
    return found
