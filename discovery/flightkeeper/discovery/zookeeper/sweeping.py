"""Takes away the folders of locks that nobody holds or wants: ZooKeeper keeps a plain one for ever.

Whoever comes to such a lock at that moment makes the folder again. Tokens do not begin anew.
"""

from collections.abc import Callable

from flightkeeper.discovery.errors import RegistryDenied, RegistryUnavailable
from flightkeeper.discovery.locks import LockKind
from flightkeeper.discovery.zookeeper.paths import Paths
from flightkeeper.discovery.zookeeper.znodes import AnswerLost, NodeExists, NoNode, Znodes

_ANY_VERSION = -1


def sweep(
    connected: Callable[[float], Znodes | None], paths: Paths, remaining_s: Callable[[], float]
) -> int:
    """Take them away; how many were found.

    Args:
        connected: waits so many seconds at most for a connection; None when there is none.
        paths: where locks are.
        remaining_s: seconds left of the caller's deadline.

    Raises:
        RegistryUnavailable: no answer in time; some may be taken away.
    """
    found = 0
    for kind in LockKind:
        znodes = connected(remaining_s())
        if znodes is None:
            raise RegistryUnavailable("ZooKeeper did not answer; locks were not swept")
        for path in _unused(znodes, paths.locks(kind)):
            if remaining_s() <= 0:
                return found
            found += _taken_away(znodes, path)
    return found


def _unused(znodes: Znodes, folder: str) -> list[str]:
    try:
        names = znodes.children(folder)
    except NoNode:
        return []
    standing = znodes.children_all([f"{folder}/{name}" for name in sorted(names)])
    return [path for path, contenders in standing.items() if not contenders]


def _taken_away(znodes: Znodes, path: str) -> bool:
    try:
        znodes.delete(path, _ANY_VERSION)
    except (NoNode, NodeExists, RegistryDenied):
        # Somebody else was faster, or stands in line meanwhile, or it is not ours.
        return False
    except AnswerLost:
        # It is done, or is done the next time.
        return True
    return True
