"""Where everything lies in ZooKeeper: the only module that spells a znode's path.

<chroot>/services/<service>/<node-id>   ephemeral, a node's record
<chroot>/keys/<name>                    an agreed document, for nodes only
<chroot>/keys/<folder>/<name>           a shared document, for nodes only
<chroot>/locks/<name>/<mark>-<claim>-<number>
                                        ephemeral, who has or wants a lock; leaders/<duty> as well
<chroot>/<part>/<part>/…                a shared document, under the parts of its name
"""

from dataclasses import dataclass

from flightkeeper.discovery.documents import check_document_name
from flightkeeper.discovery.locks import LockKind
from flightkeeper.discovery.names import check_name


@dataclass(frozen=True, slots=True)
class Paths:
    """The paths under one chroot ("" or "/a/b")."""

    chroot: str

    def service(self, service: str) -> str:
        """The parent of a service's records."""
        return f"{self.chroot}/services/{check_name('service', service)}"

    def node(self, service: str, node_id: str) -> str:
        """A node's record."""
        return f"{self.service(service)}/{check_name('node id', node_id)}"

    def lasting(self) -> tuple[str, ...]:
        """What every cluster has, those above before those below."""
        shared = ("settings", "catalog", "partitions", "tables", "log", "keys")
        return (self.chroot, *(f"{self.chroot}/{n}" for n in ("services", *shared, *LockKind)))

    def key(self, name: str) -> str:
        """An agreed document."""
        return f"{self.chroot}/keys/{check_name('document', name)}"

    def locks(self, kind: LockKind) -> str:
        """The parent of all locks of a kind."""
        return f"{self.chroot}/{kind}"

    def lock(self, kind: LockKind, name: str) -> str:
        """The parent of a lock's contenders."""
        return f"{self.locks(kind)}/{check_name('lock', name)}"

    def document(self, name: str, *, folder: bool = False) -> str:
        """A shared document, or a folder of such."""
        return "/".join((self.chroot, *check_document_name(name, folder=folder)))


def parent(path: str) -> str:
    """The znode above; "" above the first level."""
    return path.rpartition("/")[0]
