"""Whether the nodes of a service have followed the catalog up to a revision.

Opens a watch of the service's records for as long as somebody waits, and no longer: each change of
the catalog changes every record.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.topology import Event, Listed

_LOOK_S = 0.1
"""How often it looks whether the caller went away."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the nodes say.

    Attributes:
        behind: ids of nodes that have not said that they have the revision; None = the registry
            did not say which nodes there are.
        unable: ids of nodes that cannot make the object, with the reason.
    """

    behind: tuple[str, ...] | None
    unable: tuple[tuple[str, str], ...] = ()


def outcome(instances: Sequence[Instance], revision: int, name: str) -> Outcome:
    """What the records say of a revision and an object. Nodes that leave do not count."""
    staying = [i for i in instances if i.state is not NodeState.DRAINING]
    behind = tuple(i.node_id for i in staying if i.catalog < revision)
    unable = tuple(
        (i.node_id, reason)
        for i in staying
        if i.catalog >= revision
        for named, reason in i.catalog_problems
        if named.lower() == name.lower()
    )
    return Outcome(behind, unable)


class _Listening:
    """The last list of nodes, and a signal for a new one."""

    def __init__(self) -> None:
        self.instances: tuple[Instance, ...] | None = None
        self.news = threading.Event()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Listed):
            self.instances = event.instances
            self.news.set()

    def outcome(self, revision: int, name: str) -> Outcome:
        """What was said so far."""
        found = self.instances
        return Outcome(None) if found is None else outcome(found, revision, name)


def wait(
    registry: Registry,
    service: str,
    revision: int,
    name: str,
    *,
    gone: Callable[[], bool],
    timeout_s: float,
) -> Outcome:
    """Wait until every node of a service has a revision, or so long.

    Args:
        name: of the object that changed.
        gone: whether nobody wants to know any more.
    """
    ends_s = time.monotonic() + timeout_s
    heard = _Listening()
    with closing(registry.watch(service, heard)):
        while True:
            found = heard.outcome(revision, name)
            if found.behind == () or gone() or time.monotonic() >= ends_s:
                return found
            heard.news.wait(_LOOK_S)
            heard.news.clear()
