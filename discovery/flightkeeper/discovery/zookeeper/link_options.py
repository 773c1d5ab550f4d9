"""How to reach ZooKeeper, and as whom: what a session is made of, without kazoo."""

from dataclasses import dataclass, field

from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.tls import RegistryTls
from flightkeeper.discovery.zookeeper.rights import OPEN, OWN


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to reach ZooKeeper.

    Attributes:
        hosts: `h1:2181,[::1]:2182`, without a chroot: our paths carry it.
        host_count: how many they are.
        credentials: (user, password) of the digest scheme.
        tls: how to make sure who answers; None = in the clear.
        chroot: above all that is ours, "" or "/a/b".
        acl: who has which role; None = who asks is node and admin, if ZooKeeper knows who it is.
    """

    hosts: str
    host_count: int
    session_timeout_s: float
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    tls: RegistryTls | None = None
    chroot: str = ""
    acl: Roles | None = None

    @property
    def identified(self) -> bool:
        """Whether ZooKeeper knows who this process is."""
        return self.credentials is not None or (self.tls is not None and self.tls.cert is not None)

    @property
    def roles(self) -> Roles:
        """Who has which role."""
        return self.acl or (OWN if self.identified else OPEN)
