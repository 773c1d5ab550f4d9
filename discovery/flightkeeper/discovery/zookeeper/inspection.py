"""A cluster's part of ZooKeeper, prepared before its first node and looked over at any time.

Owns what a safe tree is: with credentials nobody else can change anything, and nobody else reads
what is for nodes only. Judging is pure; walking asks ZooKeeper.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.session import Grant, Link, LinkOptions, LinkState
from flightkeeper.discovery.zookeeper.znodes import NoNode

_CLOSE_S = 2.0
_READ = frozenset({"read"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A znode that somebody may do too much with."""

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
    for path, access in paths.lasting().items():
        link.create_path(path, access)


def findings(link: Link, paths: Paths) -> Iterator[Finding]:
    """What others may do too much with, in all of the cluster's tree.

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
            grants = link.grants(path)
        except NoNode:
            continue  # gone meanwhile, as ephemerals go
        private = path.startswith(paths.private())
        yield from (Finding(path, text) for text in problems(grants, private=private))


def problems(grants: tuple[Grant, ...], *, private: bool) -> Iterator[str]:
    """What is wrong with a znode's rights.

    Args:
        private: it is for nodes only.
    """
    for grant in grants:
        if grant.scheme != "world":
            continue
        if changes := sorted(grant.rights - _READ):
            yield f"anybody may {', '.join(changes)}"
        if private and grant.rights & _READ:
            yield "anybody may read what is for nodes only"


def _walk(link: Link, path: str) -> Iterator[str]:
    yield path
    try:
        names = link.children(path)
    except NoNode:
        return
    for name in sorted(names):
        if path != "/" or name != "zookeeper":
            yield from _walk(link, f"{path.rstrip('/')}/{name}")
