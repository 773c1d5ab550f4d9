"""Replaces the cluster's keys when they have an age, and drops those that are over.

Every step is decided anew of the ring as it is, where it is compared and set: a leader that was
frozen meanwhile changes nothing that another one has changed since.
"""

from collections.abc import Callable
from enum import StrEnum

from flightkeeper.discovery.locks import Hold
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server.auth import key_changes, key_ring
from flightkeeper.flight_server.auth.key_changes import NotSeenByAll
from flightkeeper.flight_server.auth.key_ring import MalformedRing, Ring, RingRefused
from flightkeeper.flight_server.cluster.upkeep.reports import Note, Reports
from flightkeeper.flight_server.config import TOKEN_LIFETIME_MAX_S
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.system.events import What

SUBJECT = "keys"
_KEEP_S = TOKEN_LIFETIME_MAX_S + 60.0
"""How long the keys before verify on: no login lives longer, by clocks that differ a little."""
_SEEN_WITHIN_S = 3.0
"""How long one step waits for the nodes; the next one goes on."""


class Step(StrEnum):
    """What is next for a ring."""

    NOTHING = "nothing"
    PRUNE = "prune"
    PUBLISH = "publish"
    PROMOTE = "promote"


def due(ring: Ring, now_s: float, every_s: float) -> Step:
    """What is next for a ring.

    Args:
        now_s: Unix time.
        every_s: the age at which keys are replaced, in seconds; 0 = never.
    """
    if key_ring.prune(ring, now_s) is not ring:
        return Step.PRUNE
    if not every_s:
        return Step.NOTHING
    if ring.next is not None:
        return Step.PROMOTE
    newest_s = max(generation.created_s for generation in ring.generations)
    return Step.PUBLISH if now_s - newest_s >= every_s else Step.NOTHING


class KeyAge:
    """The duty's step. One thread's."""

    def __init__(
        self,
        registry: Registry,
        service: str,
        every_s: Callable[[], float],
        wall_s: Callable[[], float],
        note: Note,
    ) -> None:
        """Look after the keys of a registry.

        Args:
            service: whose nodes have to know the next keys before they are signed with.
            every_s: the age at which keys are replaced, asked anew at each step.
            wall_s: Unix time.
        """
        self._registry = registry
        self._service = service
        self._every_s = every_s
        self._wall_s = wall_s
        self._note = note
        self._reports = Reports(What.DUTY_HINDERED, note)

    def step(self, hold: Hold) -> None:
        """Do what is next.

        Raises:
            RegistryError: it was not finished.
        """
        try:
            self._do(hold)
        except NotSeenByAll as exc:
            self._reports.found({SUBJECT: f"the next key is not known yet to {exc}"})
        except (MalformedRing, RingRefused, StartFailed) as exc:
            self._reports.found({SUBJECT: f"they cannot be rotated: {exc}"})
        else:
            self._reports.found({})

    def _do(self, hold: Hold) -> None:
        now_s, every_s = self._wall_s(), self._every_s()
        ring = key_changes.read_ring(self._registry)
        step = due(ring, now_s, every_s)
        hold.check()
        if step is Step.PRUNE:
            ring = key_changes.change_ring(
                self._registry, lambda found: key_ring.prune(found, now_s)
            )
        elif step is Step.PUBLISH:
            ring = key_changes.publish(
                self._registry, now_s, lambda found: due(found, now_s, every_s) is Step.PUBLISH
            )
        if every_s and ring.next is not None:
            self._promote(hold, ring.next.keys.kid, ring.revision)

    def _promote(self, hold: Hold, kid: str, revision: int) -> None:
        key_changes.wait_seen(self._registry, [self._service], revision, _SEEN_WITHIN_S)
        hold.check()
        after = key_changes.promote(self._registry, kid, self._wall_s(), _KEEP_S)
        self._note(What.KEYS_ROTATED, kid, f"revision {after.revision}")
