"""What the ZooKeeper backend asks of a session, in its own words: values, errors, a Protocol.

Knows nothing of kazoo, so that what decides can be read and tested without it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from flightkeeper.discovery.errors import RegistryError, RegistryUnavailable

ZNODE_BYTES_MAX = 256 * 1024
"""Far below the server's 1 MiB, past which it drops the connection instead of answering."""


class NoNode(RegistryError):
    """The znode, or its parent, does not exist. Nothing was done."""


class NodeExists(RegistryError):
    """The znode exists already. Nothing was done."""


class VersionChanged(RegistryError):
    """The znode is not what it was when it was read. Nothing was done."""


class AnswerLost(RegistryUnavailable):
    """The connection broke or the time ran out: done or not done, only reading back tells."""


@dataclass(frozen=True, slots=True)
class Znode:
    """A znode as read.

    Attributes:
        version: of its data, for conditional writes.
        mzxid: the transaction that wrote the data; tells one content from another for ever.
        owner: id of the session that holds it; 0 when it is not ephemeral.
        czxid: the transaction that made it; no znode made later has a smaller one.
    """

    data: bytes
    version: int
    mzxid: int
    owner: int
    czxid: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """How far a session has come.

    Attributes:
        connection: counts connections; watches live as long as one.
        zxid: the last transaction of which it has heard in an answer; the watches that were set
            before and that this or an earlier transaction fires have fired.
    """

    session_id: int
    connection: int
    zxid: int


Fired = Callable[[str], None]
"""Called once with the path when what was read has changed; must only note it."""


class Znodes(Protocol):
    """The operations, each bounded in time. All raise `AnswerLost` and `RegistryDenied`."""

    @property
    def session_id(self) -> int:
        """Id of the session as of the last contact; 0 before the first."""

    @property
    def contact(self) -> Contact:
        """How far the session has come."""

    @property
    def session_timeout_s(self) -> float:
        """After how long a silence the server ends the session, as it has said."""

    def sync(self, path: str) -> None:
        """Let the server catch up with what was done before; reads see it then."""

    def exists(self, path: str, fired: Fired) -> bool:
        """Whether it exists; a watch stays either way."""

    def read(self, path: str, fired: Fired | None = None) -> Znode | None:
        """The znode, with a watch on its data; None (and no watch) when there is none."""

    def read_all(self, paths: Iterable[str], fired: Fired | None = None) -> Mapping[str, Znode]:
        """Those that exist, read in few requests, each with a watch on its data."""

    def watch_all(self, paths: Iterable[str], since: int, fired: Fired) -> None:
        """Set watches on the data of znodes; those changed or gone since that zxid fire at once."""

    def children(self, path: str, fired: Fired | None = None) -> tuple[str, ...]:
        """Names of the children, with a watch on the list. Raises NoNode."""

    def children_all(
        self, paths: Iterable[str], fired: Fired | None = None
    ) -> Mapping[str, tuple[str, ...]]:
        """Names of the children of those that exist, read in one go, each with a watch."""

    def create_path(self, path: str) -> None:
        """Make a plain znode and those above it, where missing."""

    def create(self, path: str, data: bytes, *, ephemeral: bool) -> None:
        """Make a znode. Raises NodeExists, NoNode."""

    def create_sequential(self, path: str, data: bytes) -> str:
        """Make an ephemeral whose name ends in a number that grows; its path. Raises NoNode."""

    def write(self, path: str, data: bytes, version: int) -> None:
        """Set the data of a znode. Raises NoNode, VersionChanged."""

    def replace(self, path: str, data: bytes, version: int) -> None:
        """Delete a znode and make an ephemeral in its place, both or neither.

        Raises NoNode, VersionChanged.
        """

    def write_guarded(self, path: str, data: bytes, version: int | None, guard: str) -> None:
        """Set the data of a znode while another one exists; version None = make it.

        Raises NoNode (also for the guard), VersionChanged, NodeExists.
        """

    def delete(self, path: str, version: int) -> None:
        """Delete a znode; version -1 = whatever it has.

        Raises NoNode, VersionChanged, NodeExists (below it).
        """
