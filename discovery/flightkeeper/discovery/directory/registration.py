"""A node's record file, put back when somebody removes it."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from flightkeeper.discovery.directory.record_files import (
    RecordFile,
    clean_up,
    place_of,
    read_living,
    registrants_turn,
)
from flightkeeper.discovery.errors import DuplicateNode
from flightkeeper.discovery.presence import Presence
from flightkeeper.discovery.records import Instance, encode

_log = logging.getLogger(__name__)


class DirectoryRegistration:
    """One node's registration. `keep_up` and `retire` run on the registry's thread only."""

    def __init__(self, folder: Path, instance: Instance, wake: Callable[[], None]) -> None:
        """Make a registration; the first `keep_up` publishes it.

        Args:
            folder: of the service's records.
            instance: what is published.
            wake: has `keep_up` called soon.
        """
        self._folder = folder
        self._lock = threading.Lock()  # guards the instance
        self._instance = instance
        self._wake = wake
        self._presence = Presence()
        self._withdrawing = False
        self._file: RecordFile | None = None
        self._published = b""

    @property
    def active(self) -> bool:
        """Whether the record is known to be in the registry under this incarnation."""
        return self._presence.active

    @property
    def over(self) -> bool:
        """Whether it was withdrawn."""
        return self._presence.withdrawn

    def wait(self, timeout_s: float) -> bool:
        """Wait until the record is in the registry; False when time ran out."""
        return self._presence.wait(timeout_s)

    def update(self, instance: Instance) -> None:
        """Replace the record; returns when asked, not when done."""
        with self._lock:
            self._instance = instance.succeeding(self._instance)
        self._wake()

    def withdraw(self, timeout_s: float = 2.0) -> None:
        """Take the record out. Idempotent."""
        self._withdrawing = True
        self._wake()
        self._presence.wait_withdrawn(timeout_s)

    def keep_up(self) -> None:
        """Make the file what it should be.

        Raises:
            OSError: the directory cannot be used; nothing was changed.
            RegistryUnavailable: another process is in the way.
        """
        if self._withdrawing:
            self.retire()
            return
        with self._lock:
            instance = self._instance
        data = encode(instance)
        if self._file is None or not self._file.in_place:
            self._claim(instance, data)
            return
        if data != self._published:
            self._publish(instance, data)
        self._presence.confirm()

    def doubt(self) -> None:
        """The directory cannot be used; claim nothing."""
        if self._presence.active:
            self._presence.doubt()

    def retire(self) -> None:
        """Take the record out for good."""
        if self._file is not None:
            self._file.remove()
            self._file = None
        self._presence.finish()

    def _claim(self, instance: Instance, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with registrants_turn(self._folder):
            if read_living(place_of(self._folder, instance.node_id)) is not None:
                text = (
                    f"node {instance.node_id!r} of service {instance.service!r} is registered by"
                    f" another living node in {self._folder}; this one was not registered:"
                    " give it another node id"
                )
                self._presence.refuse(DuplicateNode(text))
                return
            clean_up(self._folder, instance.node_id)
            self._publish(instance, data)

    def _publish(self, instance: Instance, data: bytes) -> None:
        before, self._file = self._file, RecordFile(place_of(self._folder, instance.node_id), data)
        self._published = data
        if before is not None:
            before.abandon()
        self._presence.confirm()
