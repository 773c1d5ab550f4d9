"""Changing a cluster's keys and its list of revoked logins: by whoever has the registry's rights.

Owns the steps of a rotation, and what it waits for between them. The rules of the ring are its own.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from flightkeeper.discovery.documents import Document, DocumentChanged
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.topology import Event, Listed
from flightkeeper.flight_server.auth import key_ring, keys, revocations
from flightkeeper.flight_server.auth.key_following import REVOKED, RING
from flightkeeper.flight_server.auth.key_ring import Ring, RingRefused
from flightkeeper.flight_server.auth.revocations import Revocation, Revocations
from flightkeeper.flight_server.config import TOKEN_LIFETIME_MAX_S
from flightkeeper.flight_server.parts import agreed_ring

_CLOCK_SKEW_S = 60.0
_TRIES_MAX = 20

_T = TypeVar("_T")


class NotSeenByAll(Exception):
    """Some node has not said in time that it has seen the next key. It stays the next one."""


@dataclass(slots=True)
class _Seen:
    """What the records of the services say, as they change."""

    listed: dict[str, tuple[Instance, ...]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def hears(self, service: str) -> Callable[[Event], None]:
        def listener(event: Event) -> None:
            if isinstance(event, Listed):
                with self.changed:
                    self.listed[service] = event.instances
                    self.changed.notify_all()

        return listener

    def missing(self, services: Iterable[str], revision: int) -> list[str]:
        """Whom to wait for; hold the condition."""
        # A name that was mistyped looks like a service without nodes.
        empty = [
            f"service {name} (no node of it is known)"
            for name in services
            if not self.listed.get(name)
        ]
        nodes = (node for found in self.listed.values() for node in found)
        return empty + [node.node_id for node in nodes if node.keys < revision]


def read_ring(registry: Registry) -> Ring:
    """The cluster's key ring; that of its first keys before the first change.

    Raises:
        MalformedRing: what is there is none.
        RegistryUnavailable: no answer in time.
    """
    return _ring(registry, registry.read_document(RING))


def change_ring(registry: Registry, change: Callable[[Ring], Ring]) -> Ring:
    """Change the ring, whoever else does so meanwhile; the ring as it is then.

    Args:
        change: may be called again, on another ring.

    Raises:
        RingRefused: by the change; nothing was changed.
        MalformedRing: what is there is no ring; nothing was changed.
        RegistryUnavailable: says whether it may have been changed.
    """

    def changed(found: Document | None) -> tuple[Ring, bytes | None]:
        before = _ring(registry, found)
        after = change(before)
        return after, None if after == before else key_ring.encode(after)

    return _change(registry, RING, changed)


def publish(
    registry: Registry, now_s: float, wanted: Callable[[Ring], bool] = lambda _ring: True
) -> Ring:
    """Publish keys to come, unless some are published already.

    Args:
        wanted: whether the ring that is there is to have some.
    """
    made = keys.generate(marked=True)
    return change_ring(
        registry,
        lambda ring: ring if ring.next or not wanted(ring) else key_ring.publish(ring, made, now_s),
    )


def promote(registry: Registry, kid: str, now_s: float, keep_s: float) -> Ring:
    """Make published keys the current ones, unless they are already."""

    def change(ring: Ring) -> Ring:
        if ring.current.keys.kid == kid:
            return ring
        if ring.next is None or ring.next.keys.kid != kid:
            raise RingRefused(f"key {kid} was taken away meanwhile; nothing was changed")
        return key_ring.promote(ring, now_s, keep_s)

    return change_ring(registry, change)


def wait_seen(
    registry: Registry,
    services: Iterable[str],
    revision: int,
    timeout_s: float,
    say: Callable[[list[str]], None] = lambda _missing: None,
) -> None:
    """Wait until every living node of some services, each with one at least, has seen a revision.

    Args:
        say: told whom it waits for, whenever that changes.

    Raises:
        NotSeenByAll: time ran out; names the nodes.
    """
    names, seen = tuple(services), _Seen()
    deadline_s = time.monotonic() + timeout_s
    with ExitStack() as stack:
        for name in names:
            stack.callback(registry.watch(name, seen.hears(name)).close)
        told: list[str] | None = None
        while True:
            with seen.changed:
                missing = seen.missing(names, revision)
                left_s = deadline_s - time.monotonic()
                if missing == told and left_s > 0:
                    seen.changed.wait(left_s)
                    continue
            if not missing:
                return
            if left_s <= 0:
                raise NotSeenByAll(", ".join(missing))
            told = missing
            say(missing)


def revoke_user(registry: Registry, name: str, before_s: float, now_s: float) -> None:
    """Revoke all logins of a user before a time; they hold on no node after two seconds.

    Raises:
        TooManyRevocations: nothing was revoked.
        MalformedRevocations: what is there is no list; nothing was revoked.
        RegistryUnavailable: says whether it may have been done.
    """
    entry = Revocation(before_s, now_s + TOKEN_LIFETIME_MAX_S + _CLOCK_SKEW_S)
    _change_revoked(registry, lambda found: found.with_user(name, entry, now_s))


def revoke_login(registry: Registry, login_id: str, now_s: float) -> None:
    """Revoke one login, and every token it was renewed to. Raises as `revoke_user`."""
    entry = Revocation(now_s, now_s + TOKEN_LIFETIME_MAX_S + _CLOCK_SKEW_S)
    _change_revoked(registry, lambda found: found.with_login(login_id, entry, now_s))


def _change_revoked(registry: Registry, change: Callable[[Revocations], Revocations]) -> None:
    def changed(found: Document | None) -> tuple[Revocations, bytes | None]:
        empty = found is None or not found.data
        before = Revocations() if empty or found is None else revocations.decode(found.data)
        after = change(before)
        return after, None if after == before else revocations.encode(after)

    _change(registry, REVOKED, changed)


def _ring(registry: Registry, found: Document | None) -> Ring:
    return agreed_ring(registry) if found is None else key_ring.decode(found.data)


def _change(
    registry: Registry,
    name: str,
    changed: Callable[[Document | None], tuple[_T, bytes | None]],
) -> _T:
    found = registry.read_document(name)
    for left in reversed(range(_TRIES_MAX)):
        after, data = changed(found)
        if data is None:
            return after
        try:
            registry.write_document(name, data, None if found is None else found.version)
        except DocumentChanged as exc:
            if not left:
                raise
            found = exc.found
        else:
            return after
    raise AssertionError
