"""Documents all nodes share: agreed on once and for good, or replaced by compare-and-set.

An answer may be lost: what became of it is read back before anything is believed.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from flightkeeper.discovery import documents
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import OutcomeUnknown, RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.locks import LockLost
from flightkeeper.discovery.zookeeper.lock import ZooKeeperHold
from flightkeeper.discovery.zookeeper.paths import parent
from flightkeeper.discovery.zookeeper.znodes import (
    AnswerLost,
    NodeExists,
    NoNode,
    VersionChanged,
    Znodes,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Write:
    """What is to be written.

    Attributes:
        version: that the writer has seen; None = that there is none.
        guard: write only while this is held.
        own: nobody else would write these data.
    """

    data: bytes
    version: int | None
    guard: ZooKeeperHold | None = None
    own: bool = False


def agree(
    connected: Callable[[float], Znodes | None],
    path: str,
    proposal: bytes,
    remaining_s: Callable[[], float],
) -> bytes:
    """The document at a path: what the first ever proposed.

    Args:
        connected: waits so many seconds at most for a connection; None when there is none.
        path: where the document lies.
        proposal: what to put there when there is none.
        remaining_s: seconds left of the caller's deadline.

    Raises:
        RegistryUnavailable: no answer in time; the proposal may or may not have been stored.
        RegistryDenied: wrong or missing credentials.
    """
    reason = "it did not answer"
    while (left_s := remaining_s()) > 0:
        znodes = connected(left_s)
        if znodes is None:
            break
        try:
            return _read_or_propose(znodes, path, proposal)
        except RegistryDenied:
            raise
        except (AnswerLost, NoNode, NodeExists) as exc:
            reason = str(exc)  # stored or not: the next look tells
    raise RegistryUnavailable(
        f"ZooKeeper did not confirm the document {path} in time: {reason};"
        " the proposal may have been stored: ask again"
    )


def read(
    connected: Callable[[float], Znodes | None], path: str, remaining_s: Callable[[], float]
) -> Document | None:
    """The document at a path; None = there is none.

    Raises:
        RegistryUnavailable: no answer in time.
        RegistryDenied: wrong or missing credentials.
    """
    while (left_s := remaining_s()) > 0:
        znodes = connected(left_s)
        if znodes is None:
            break
        with suppress(AnswerLost):
            return _Storage(znodes, path).read()
    raise RegistryUnavailable(f"ZooKeeper did not answer in time what is in {path}")


def write(
    connected: Callable[[float], Znodes | None],
    path: str,
    change: Write,
    remaining_s: Callable[[], float],
) -> Document:
    """Replace the document at a path.

    Raises:
        LockLost: it is not held any more; nothing was written.
        DocumentChanged: somebody else was first; nothing was written.
        RegistryUnavailable: no answer in time; nothing was written.
        OutcomeUnknown: it may have been written.
        RegistryDenied: wrong or missing credentials; nothing was written.
    """
    sent = False
    while (left_s := remaining_s()) > 0:
        znodes = connected(left_s)
        if znodes is None:
            break
        storage = _Storage(znodes, path, change.guard)
        try:
            return documents.compare_and_set(
                storage, path, change.data, change.version, sent=sent, own=change.own
            )
        except AnswerLost:
            sent |= storage.sent
        except LockLost as exc:
            if not sent:
                raise
            raise OutcomeUnknown(f"{exc}; or it was, by the try before: read it") from exc
    problem = f"ZooKeeper did not answer in time for {path}"
    if sent:
        raise OutcomeUnknown(f"{problem}; it may have been written: read it")
    raise RegistryUnavailable(f"{problem}; nothing was written")


class _Storage:
    """A znode as compare-and-set sees it. Its version is the document's."""

    def __init__(self, znodes: Znodes, path: str, guard: ZooKeeperHold | None = None) -> None:
        self._znodes = znodes
        self._path = path
        self._guard = guard
        self.sent = False

    def read(self) -> Document | None:
        found = self._znodes.read(self._path)
        return None if found is None else Document(found.data, found.version)

    def create(self, data: bytes) -> bool:
        self._znodes.create_path(parent(self._path))
        return self._put(lambda: self._znodes.create(self._path, data, ephemeral=False), data, None)

    def replace(self, data: bytes, version: int) -> bool:
        return self._put(lambda: self._znodes.write(self._path, data, version), data, version)

    def _put(self, plainly: Callable[[], None], data: bytes, version: int | None) -> bool:
        if self._guard is not None:
            self._guard.check()
        self.sent = True
        try:
            if self._guard is None:
                plainly()
            else:
                self._znodes.write_guarded(self._path, data, version, self._guard.place)
        except (NodeExists, VersionChanged, NoNode):
            if self._guard is not None and self._znodes.read(self._guard.place) is None:
                raise LockLost(
                    f"the lock {self._guard.name} was lost; {self._path} was not written"
                ) from None
            return False
        return True


def _read_or_propose(znodes: Znodes, path: str, proposal: bytes) -> bytes:
    found = znodes.read(path)
    if found is None:
        znodes.create_path(parent(path))
        try:
            znodes.create(path, proposal, ephemeral=False)
        except NodeExists:
            _log.debug("another proposal for %s was first", path)
        found = znodes.read(path)
    if found is None:
        raise NoNode(f"{path} vanished while it was being agreed on")
    return found.data
