"""A service's records as they are in ZooKeeper, re-read when a watch fires.

Only new and changed records are read again, also after a lost connection. A list that was not read
completely is never told.
"""

import logging
from collections.abc import Callable, Mapping

from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.record_reader import RecordReader
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Event, Listed, Unreachable
from flightkeeper.discovery.zookeeper.watched_znodes import WatchedZnodes
from flightkeeper.discovery.zookeeper.znodes import NoNode, Znode, Znodes

_CHECK_S = 30.0
"""The list is read this often even when no watch fired."""

_log = logging.getLogger(__name__)


class ServiceWatcher:
    """One service, for one listener. All calls but the watch's come from one thread."""

    def __init__(
        self,
        path: str,
        deliver: Callable[[Event], None],
        *,
        wake: Callable[[], None],
        note: Callable[[Callable[[], None]], None],
        clock: Callable[[], float],
    ) -> None:
        """Make a watcher.

        Args:
            path: the parent of the service's records.
            deliver: told of every complete read and every loss.
            wake: has the duty run soon.
            note: runs a call on the registry's thread.
            clock: monotonic seconds.
        """
        self.path = path
        self._deliver = deliver
        self._wake = wake
        self._clock = clock
        self._znodes = WatchedZnodes(wake=wake, note=note)
        self._reader = RecordReader()
        self._reachable = True

    def run(self, znodes: Znodes) -> float | None:
        """Read what is new and tell the whole."""
        at_s = self._clock()
        self._znodes.begin(znodes)
        paths = [f"{self.path}/{name}" for name in self._names(znodes)]
        # A record that vanished between the two reads is not in it: it is gone.
        found = self._znodes.read(znodes, paths)
        self._znodes.keep(found)
        self._reachable = True
        self._deliver(Listed(tuple(self._instances(found)), at_s))
        return _CHECK_S

    def failed(self, error: RegistryError) -> None:
        """What was told last stays, and is read again soon."""
        _log.debug("reading %s failed: %s", self.path, error)

    def suspended(self) -> None:
        """The watches are gone with the connection; the listener's view grows old."""
        if self._reachable:
            self._reachable = False
            self._deliver(Unreachable(self._clock()))

    def lost(self) -> None:
        """Nothing more than a suspended connection: the last list stays."""
        self.suspended()

    def _names(self, znodes: Znodes) -> tuple[str, ...]:
        """The records' names in order; the watch that stays survives a missing parent."""
        while True:
            try:
                return tuple(sorted(znodes.children(self.path, self._list_changed)))
            except NoNode:
                if not znodes.exists(self.path, self._list_changed):
                    return ()

    def _instances(self, found: Mapping[str, Znode]) -> list[Instance]:
        self._reader.forget_all_but(found)
        decoded = [self._decode(path, znode) for path, znode in found.items()]
        return [instance for instance in decoded if instance is not None]

    def _decode(self, path: str, znode: Znode) -> Instance | None:
        return self._reader.read(path, path.rpartition("/")[2], znode.data, znode.mzxid)

    def _list_changed(self, _path: str) -> None:
        self._wake()
