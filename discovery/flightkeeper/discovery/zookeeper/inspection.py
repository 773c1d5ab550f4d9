"""A cluster's part of ZooKeeper, prepared before its first node and looked over at any time.

Owns the walk; what each znode's rights have to be is said in `rights`.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flightkeeper.discovery.errors import RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.roles import Roles
from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.rights import OWN, differences
from flightkeeper.discovery.zookeeper.session import Link, LinkState
from flightkeeper.discovery.zookeeper.znodes import NoNode

_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A znode that somebody may do too much, or too little, with."""

    path: str
    problem: str


@contextmanager
def connected(options: LinkOptions, timeout_s: float) -> Iterator[Link]:
    """A session for as long as it is needed.

    Raises:
        RegistryUnavailable: no answer in time.
    """
    there = threading.Event()
    link = Link(options, lambda _, state: there.set() if state is LinkState.CONNECTED else None)
    link.start()
    try:
        if not there.wait(timeout_s):
            raise RegistryUnavailable(
                f"ZooKeeper at {options.hosts} did not answer within {timeout_s} s: "
                + (link.refusal or "are the addresses right, and is it running?")
            )
        yield link
    finally:
        link.close(_CLOSE_S)


def prepare(link: Link, paths: Paths) -> None:
    """Make what every cluster has, where it is missing, with the rights it needs. Idempotent.

    Raises:
        RegistryDenied: the credentials do not allow it; says which znode.
        RegistryUnavailable: no answer.
    """
    for path in paths.lasting():
        link.create_path(path)


def findings(link: Link, paths: Paths, acl: Roles | None = None) -> Iterator[Finding]:
    """What is wrong with the rights in all of the cluster's tree.

    Args:
        acl: who has which role; None = only what anybody may do is judged.

    Raises:
        NoNode: there is no such tree.
        RegistryDenied: the credentials do not allow to look.
        RegistryUnavailable: no answer.
    """
    root = paths.chroot or "/"
    try:
        link.grants(root)
    except NoNode as exc:
        raise NoNode(f"{root} does not exist: `flightkeeper zookeeper init` makes it") from exc
    for path in _walk(link, root):
        try:
            found = link.grants(path)
        except NoNode:
            continue  # gone meanwhile, as ephemerals go
        below = path.removeprefix(root).rstrip("/") if paths.chroot else path.rstrip("/")
        yield from (Finding(path, text) for text in differences(acl or OWN, below, found))


def repair(link: Link, found: Iterable[Finding]) -> Iterator[str]:
    """Give znodes the rights that they would be made with; the paths of those it was done for.

    Raises:
        RegistryDenied: the credentials do not allow it; says which znode.
        RegistryUnavailable: no answer.
    """
    for path in dict.fromkeys(finding.path for finding in found):
        try:
            link.set_rights(path)
        except NoNode:
            continue  # gone meanwhile
        except RegistryDenied as exc:
            raise RegistryDenied(f"{path}: {exc}") from exc
        yield path


def _walk(link: Link, path: str) -> Iterator[str]:
    yield path
    try:
        names = link.children(path)
    except NoNode:
        return
    for name in sorted(names):
        if path != "/" or name != "zookeeper":
            yield from _walk(link, f"{path.rstrip('/')}/{name}")
