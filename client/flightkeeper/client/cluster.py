"""What a cluster agrees on, for Python programs: its locks, leaders and tables.

>>> from flightkeeper.client import open_cluster
>>> with open_cluster("dir:///srv/registry") as cluster, cluster.lock("etl", timeout_s=30) as hold:
...     hold.check()

Owns the registry that it opens, and the leaders that stand in it.
"""

import getpass
import socket
import threading
from types import TracebackType
from typing import Self

from flightkeeper.discovery.catalog.catalog import Catalog
from flightkeeper.discovery.contention import EXCLUSIVE, SHARED, Claim
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.leading import Leading, Work
from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.reference_tables import ReferenceTables
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls

_WAIT_S = 10.0


class Cluster:
    """A cluster's registry, until it is closed. Thread-safe.

    Attributes:
        registry: where all of it is kept; its documents take a hold of a lock as their guard.
        catalog: tables, views and macros that are defined once for all nodes.
        reference_tables: small Arrow tables that all nodes have.
    """

    def __init__(self, registry: Registry) -> None:
        """Own an open registry."""
        self.registry = registry
        self.catalog = Catalog(registry, _user())
        self.reference_tables = ReferenceTables(registry)
        self._lock = threading.Lock()  # guards the two below
        self._leading: list[Leading] = []
        self._closed = False

    def lock(self, name: str, timeout_s: float = _WAIT_S, *, shared: bool = False) -> Hold:
        """Take a lock; wait for it in line, so many seconds at most.

        Leave its `with` block, or `release` it, to let it go. Ask `hold.check()` before each step
        that only a holder may take, and give `hold.token` to what is guarded, so that it can refuse
        who comes too late.

        Args:
            name: any; without slashes.
            timeout_s: seconds.
            shared: together with others who say so, as a reader among readers. Who does not is the
                writer, alone; no reader passes one that waits.

        Raises:
            LockTimeout: others held it, or the registry did not answer; it is not held.
            RegistryError: it cannot be had at all; it is not held.
        """
        return self.registry.lock(name, timeout_s, claim=SHARED if shared else EXCLUSIVE)

    def semaphore(self, name: str, limit: int, timeout_s: float = _WAIT_S) -> Hold:
        """Take one of so many permits; as `lock` does, which is a semaphore of one permit.

        Which one is `hold.permit`; of each permit the tokens only grow.

        Args:
            name: a lock's. Who takes it with another limit waits until all of these are gone.
            limit: how many hold it at a time; 1 to 256.
            timeout_s: seconds.

        Raises:
            ValueError: that is no limit.
            LockTimeout: it is not held.
            RegistryError: it cannot be had at all; it is not held.
        """
        return self.registry.lock(name, timeout_s, claim=Claim(permits=limit))

    def lead(self, duty: str, work: Work) -> Leading:
        """Stand for a duty from now on: of all who do, one runs its work at a time.

        Args:
            duty: its name; without slashes.
            work: called in a thread of its own with the hold whenever this one leads. It asks
                `hold.check()` before each step and returns when `hold.lost`; when it returns before
                or fails, the duty is taken up again.

        Returns: what to `close` to stand for it no more.

        Raises:
            RegistryUnavailable: the cluster is closed.
        """
        with self._lock:
            if self._closed:
                raise RegistryUnavailable("the cluster is closed; nobody stands for the duty")
            leading = Leading(self.registry, duty, work)
            self._leading.append(leading)
        return leading

    def close(self) -> None:
        """Stop leading, let go of all locks, end all threads. Idempotent, bounded."""
        with self._lock:
            self._closed = True
        for leading in self._leading:
            leading.close()
        self.registry.close()

    def __enter__(self) -> Self:
        """It itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _user() -> str:
    """Who runs this program, for histories."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()  # in a container


def open_cluster(
    url: str,
    *,
    credentials: tuple[str, str] | None = None,
    session_timeout_s: float = 10.0,
    tls: RegistryTls | None = None,
) -> Cluster:
    """Open what a cluster agrees on; returns at once, also while ZooKeeper is down.

    Args:
        url: of its registry: `zk://h1:2181,h2:2181/chroot`, `zks://` over TLS, or
            `dir:///absolute/path`.
        credentials: user and password for ZooKeeper's digest scheme.
        session_timeout_s: how long ZooKeeper keeps the locks of a process that went silent; work
            under them has to stop after two thirds of it.
        tls: certificates for `zks://`; by default those that the variables
            FLIGHTKEEPER_REGISTRY_TLS_CA, _CERT and _KEY name.

    Raises:
        InvalidRegistryUrl: names the part that is wrong.
    """
    registry = open_registry(
        url,
        credentials=credentials,
        session_timeout_s=session_timeout_s,
        tls=tls or RegistryTls.from_environment(),
        acl=Roles.from_environment(),
    )
    return Cluster(registry)
