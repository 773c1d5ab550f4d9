"""What happened to a node, as far as it is remembered.

Owns the names of events. Whoever lets something happen takes it down with `record`, in one line.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from flightkeeper.flight_server.system.ring import Ring

EVENTS_MAX = 2000
_BYTES_MAX = 4 * 1024 * 1024
_ENTRY_BYTES = 200
_DETAIL_CHARACTERS_MAX = 500


class What(StrEnum):
    """Kinds of events."""

    STARTED = "started"
    REGISTERED = "registered"
    REGISTRY_LOST = "registry lost"
    REGISTRY_BACK = "registry back"
    NODE_JOINED = "node joined"
    NODE_LEFT = "node left"
    SETTINGS_CHANGED = "settings changed"
    SETTINGS_REFUSED = "settings refused"
    DRAINING = "draining"
    ENGINE_FAILED = "engine failed"
    STATEMENT_KILLED = "statement killed"
    SESSION_KILLED = "session killed"
    IDLE_ENDED = "idle ended"
    KEYS_ROTATED = "keys rotated"
    PARTITIONS_DISCOVERED = "partitions discovered"
    CATALOG_MENDED = "catalog mended"
    LAKE_KEPT = "lake put in order"
    DUTY_HINDERED = "duty hindered"


class Event(NamedTuple):
    """Something that happened.

    Attributes:
        at_s: Unix time in seconds.
        subject: what it happened to; empty for the node itself.
    """

    at_s: float
    what: What
    subject: str
    detail: str


class Events:
    """The newest events of a node. Thread-safe."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """`now_s` is Unix time."""
        self._now_s = now_s
        self._ring: Ring[Event] = Ring(EVENTS_MAX, _BYTES_MAX, _size)

    def record(self, what: What, subject: str = "", detail: str = "") -> None:
        """Something happened just now."""
        self._ring.add(Event(self._now_s(), what, subject, detail[:_DETAIL_CHARACTERS_MAX]))

    def all(self) -> tuple[Event, ...]:
        """What is remembered, the oldest first."""
        return self._ring.entries()


def _size(event: Event) -> int:
    return _ENTRY_BYTES + 4 * (len(event.subject) + len(event.detail))
