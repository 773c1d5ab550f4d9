"""The pool: a few channels per incarnation of a node, lent to one call at a time or to several.

Owns every channel from opening to closing. One HTTP/2 connection reads all its streams on one
thread (measured: 8 streams, 190 MB/s over one, 1000 MB/s over four), so calls spread over up to
`CHANNELS_MAX` connections. A channel whose connection broke is not lent again: it would sit in
gRPC's backoff while a fresh one connects at once. Knows nothing of health or plans.
"""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol, TypeAlias

from flightkeeper.client.loads import Loads
from flightkeeper.client.transport import Channel
from flightkeeper.discovery.records import Instance

CHANNELS_MAX = 4
"""Connections to one node."""
HEARTBEAT_S = 3.0
"""How long the calls on a channel may go without a heartbeat; below gRPC's keepalive time."""

Key: TypeAlias = tuple[str, str, str]
"""Node id, location, incarnation."""


class OpenChannel(Protocol):
    """Makes a channel to a node; connects nothing yet."""

    def __call__(self, instance: Instance) -> Channel:
        """The channel."""


def key_of(instance: Instance) -> Key:
    """What the channels of one life of a node are filed under."""
    return instance.node_id, instance.location, instance.incarnation


@dataclass(slots=True, eq=False)
class _Slot:
    """A channel and who uses it; guarded by the pool's lock."""

    channel: Channel
    beaten_s: float
    leases: int = 0
    retired: bool = False


class Lease:
    """A channel lent to one call. `release` is idempotent.

    Attributes:
        counted: it counts in the node's load.
        soon: runs a call at the pool's next round; for finalizers, which must take no lock.
    """

    def __init__(
        self,
        instance: Instance,
        slot: _Slot,
        give_back: Callable[["Lease"], None],
        soon: Callable[[Callable[[], None]], None],
        *,
        counted: bool = True,
    ) -> None:
        self.instance = instance
        self.counted = counted
        self.soon = soon
        self.channel = slot.channel
        self.broken = False
        self.slot = slot
        self._give_back: Callable[[Lease], None] | None = give_back

    def release(self) -> None:
        """Give the channel back; for good, if the call found it `broken`."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back(self)


class Pool:
    """Channels by incarnation. Thread-safe."""

    def __init__(
        self, open_channel: OpenChannel, loads: Loads, clock_s: Callable[[], float]
    ) -> None:
        self._open_channel = open_channel
        self._loads = loads
        self._clock_s = clock_s
        # Guards the slots and `_closed`; channels are opened and closed outside.
        self._lock = threading.Lock()
        self._slots: dict[Key, list[_Slot]] = {}
        self._closed = False
        # The one queue whose put may interrupt itself, as a finalizer does.
        self._put_off: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def lease(self, instance: Instance, *, counted: bool = True) -> Lease:
        """Lend a channel to a node: an idle one, a new one, or the least used.

        Args:
            counted: what it is for is work of the node's, and counts in its load.
        """
        slot = self._borrow(instance) or self._add(instance)
        if counted:
            self._loads.entered(instance.node_id)
        return Lease(instance, slot, self._give_back, self._put_off.put, counted=counted)

    def due_for_heartbeat(self) -> list[tuple[Instance, Channel]]:
        """Channels with calls on them that had no heartbeat lately; they count as beaten now."""
        now_s = self._clock_s()
        due: list[tuple[Instance, Channel]] = []
        with self._lock:
            for (node_id, location, incarnation), slots in self._slots.items():
                for slot in slots:
                    if slot.leases and now_s - slot.beaten_s >= HEARTBEAT_S:
                        slot.beaten_s = now_s
                        due.append((Instance("", node_id, location, incarnation), slot.channel))
        return due

    def retain(self, keys: Collection[Key]) -> None:
        """A round: run what finalizers put off, then close the channels of other incarnations.

        Each channel is closed when its last call has ended.
        """
        while not self._put_off.empty():
            self._put_off.get()()
        with self._lock:
            gone = [key for key in self._slots if key not in keys]
            idle = [slot for key in gone for slot in self._retire(self._slots.pop(key))]
        _close(idle)

    def close(self) -> None:
        """Close every channel, each when its last call has ended. Idempotent."""
        with self._lock:
            self._closed = True
        self.retain(())

    def _borrow(self, instance: Instance) -> _Slot | None:
        with self._lock:
            slots = self._slots.get(key_of(instance), ())
            slot = min(slots, key=lambda slot: slot.leases, default=None)
            if slot is None or (slot.leases and len(slots) < CHANNELS_MAX):
                return None
            return self._lend(slot)

    def _add(self, instance: Instance) -> _Slot:
        fresh = _Slot(self._open_channel(instance), self._clock_s())
        with self._lock:
            slots = self._slots.setdefault(key_of(instance), [])
            # Others may have added channels meanwhile.
            full = len(slots) >= CHANNELS_MAX
            chosen = min(slots, key=lambda slot: slot.leases) if full else fresh
            if self._closed:
                fresh.retired = True
            elif not full:
                slots.append(fresh)
            self._lend(chosen)
        if chosen is not fresh:
            _close([fresh])
        return chosen

    def _lend(self, slot: _Slot) -> _Slot:
        """Hold the lock."""
        if not slot.leases:
            slot.beaten_s = self._clock_s()
        slot.leases += 1
        return slot

    def _give_back(self, lease: Lease) -> None:
        if lease.counted:
            self._loads.left(lease.instance.node_id)
        slot = lease.slot
        with self._lock:
            slot.leases -= 1
            if lease.broken and not slot.retired:
                slots = self._slots.get(key_of(lease.instance), [])
                slots[:] = [other for other in slots if other is not slot]
                slot.retired = True
            idle = [slot] if slot.retired and not slot.leases else []
        _close(idle)

    @staticmethod
    def _retire(slots: list[_Slot]) -> list[_Slot]:
        """Hold the lock. Returns those nobody uses."""
        for slot in slots:
            slot.retired = True
        return [slot for slot in slots if not slot.leases]


def _close(slots: list[_Slot]) -> None:
    for slot in slots:
        slot.channel.close()
