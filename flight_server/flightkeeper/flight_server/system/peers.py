"""The other nodes of the service, and asking all of them at once.

Owns the watch of the registry, a connection to each node, and the threads that ask. A node that
does not answer in time is told as that; it costs the others nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Membership, Watch
from flightkeeper.discovery.topology import Event, Listed, Topology

WITHIN_S = 1.0
_THREADS_MAX = 32


class NoAnswer(Exception):
    """A node did not answer; the text says why, for a person."""


class Link(Protocol):
    """A way to one node. Thread-safe."""

    def ask(self, request: bytes, principal: str, timeout_s: float) -> Sequence[bytes]:
        """What it answers to a signed request.

        Raises:
            NoAnswer: within this time it did not, or it refused.
        """

    def close(self) -> None:
        """Give up what it holds. Idempotent."""


Connect = Callable[[Instance], Link]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a node answered.

    Attributes:
        instance: its record.
        answers: None = it did not answer.
        problem: why; empty if it did.
        took_s: how long it took.
    """

    instance: Instance
    answers: Sequence[bytes] | None
    problem: str
    took_s: float


class Peers:
    """The other nodes of a service. Thread-safe; `close` ends its threads."""

    def __init__(self, connect: Connect, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nobody yet.

        Args:
            connect: makes the way to a node; it must not wait.
            clock: monotonic seconds.
        """
        self._connect = connect
        self._clock = clock
        # Guards all below.
        self._lock = threading.Lock()
        self._own = ""
        self._topology = Topology()
        self._links: dict[tuple[str, str], Link] = {}
        self._watch: Watch | None = None
        self._pool = ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="flightkeeper-peers")

    def follow(
        self,
        membership: Membership,
        own: Instance,
        changed: Callable[[Topology, Topology], None] = lambda _before, _after: None,
    ) -> None:
        """Keep up with who is there from now on. Once.

        Args:
            own: the record of the node that asks; it does not ask itself.
            changed: told what was known before, and what is since, on the registry's thread.
        """
        self._own = own.node_id

        def listen(event: Event) -> None:
            with self._lock:
                before = self._topology
                self._topology = after = before.apply(event)
                gone = self._unneeded() if isinstance(event, Listed) else []
            for link in gone:
                link.close()
            if after is not before:
                changed(before, after)

        self._watch = membership.watch(own.service, listen)

    @property
    def others(self) -> tuple[Instance, ...]:
        """The other nodes, as far as the registry has told, by their ids."""
        members = self._topology.members.values()
        return tuple(m.instance for m in members if m.instance.node_id != self._own)

    def ask(
        self, request: bytes, principal: str, timeout_s: float = WITHIN_S
    ) -> Mapping[str, Reply]:
        """Ask all other nodes at once, and wait no longer than this for any of them.

        Args:
            request: signed.
            principal: on whose behalf.

        Returns: a reply for each, by node id.
        """
        asked = {}
        # The node may end just then, and asks nobody any more.
        with suppress(RuntimeError):
            for other in self.others:
                asked[self._pool.submit(self._asked, other, request, principal, timeout_s)] = other
        wait(asked, timeout_s)
        replies = {}
        for future, other in asked.items():
            # One that has not begun by now is not worth beginning.
            late = future.cancel() or not future.done()
            reply = _late(other, timeout_s) if late else future.result()
            replies[other.node_id] = reply
        return replies

    def close(self) -> None:
        """Ask nobody any more. Idempotent, bounded by what is asked just then."""
        if self._watch is not None:
            self._watch.close()
        self._pool.shutdown(cancel_futures=True)
        with self._lock:
            links, self._links = list(self._links.values()), {}
        for link in links:
            link.close()

    def _asked(self, other: Instance, request: bytes, principal: str, timeout_s: float) -> Reply:
        begin_s = self._clock()
        answers: Sequence[bytes] | None = None
        problem = ""
        try:
            answers = self._link(other).ask(request, principal, timeout_s)
        except NoAnswer as exc:
            problem = str(exc)
        return Reply(other, answers, problem, self._clock() - begin_s)

    def _link(self, other: Instance) -> Link:
        key = (other.node_id, other.incarnation)
        with self._lock:
            link = self._links.get(key)
            if link is None:
                link = self._links[key] = self._connect(other)
            return link

    def _unneeded(self) -> list[Link]:
        """Links to lives that are over, no longer kept. Hold the lock when calling this."""
        members = self._topology.members.values()
        living = {(m.instance.node_id, m.instance.incarnation) for m in members}
        gone = [key for key in self._links if key not in living]
        return [self._links.pop(key) for key in gone]


def _late(other: Instance, timeout_s: float) -> Reply:
    return Reply(other, None, f"no answer within {timeout_s:g} s", timeout_s)
