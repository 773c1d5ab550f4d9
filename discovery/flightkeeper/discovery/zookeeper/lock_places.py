"""Who stands in line for locks in ZooKeeper, looked up when somebody asks."""

from collections.abc import Callable
from contextlib import suppress

from flightkeeper.discovery.contention import held_in
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.locks import LockPlace
from flightkeeper.discovery.zookeeper.lock import in_line, place_of
from flightkeeper.discovery.zookeeper.znodes import NoNode, Znodes


def places(
    connected: Callable[[float], Znodes | None], folder: str, remaining_s: Callable[[], float]
) -> tuple[LockPlace, ...]:
    """The places in line for all locks in a folder, by name and position.

    Args:
        connected: waits so many seconds at most for a connection; None when there is none.
        remaining_s: seconds left of the caller's deadline.

    Raises:
        RegistryUnavailable: no answer in time.
    """
    znodes = connected(remaining_s())
    if znodes is None:
        raise RegistryUnavailable("ZooKeeper does not answer; who holds locks is not known")
    found: list[LockPlace] = []
    for name in sorted(_children(znodes, folder)):
        if remaining_s() <= 0:
            raise RegistryUnavailable("ZooKeeper was too slow to tell all locks")
        found += _line(znodes, f"{folder}/{name}", name)
    return tuple(found)


def _line(znodes: Znodes, folder: str, name: str) -> list[LockPlace]:
    names = in_line(_children(znodes, folder))
    read = znodes.read_all([f"{folder}/{each}" for each in names])
    # Some may have left just then.
    there = [(each, read[f"{folder}/{each}"]) for each in names if f"{folder}/{each}" in read]
    line = [place_of(each, znode) for each, znode in there]
    held = held_in(line)
    return [
        LockPlace(name, n, znode.czxid, line[n].claim, held[n], f"session {znode.owner:#x}")
        for n, (_, znode) in enumerate(there)
    ]


def _children(znodes: Znodes, folder: str) -> tuple[str, ...]:
    with suppress(NoNode):
        return znodes.children(folder)
    return ()
