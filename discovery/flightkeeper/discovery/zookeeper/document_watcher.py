"""One shared document as it is in ZooKeeper, re-read when its watch fires."""

import logging
from collections.abc import Callable

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.zookeeper.znodes import Znode, Znodes

_CHECK_S = 30.0
"""It is read this often even when no watch fired."""

_log = logging.getLogger(__name__)


class DocumentWatcher:
    """One document, for one listener. All calls but the watch's come from one thread."""

    def __init__(
        self,
        path: str,
        deliver: Callable[[Document | None], None],
        wake: Callable[[], None],
    ) -> None:
        """Make a watcher.

        Args:
            path: where the document lies.
            deliver: told of the first read and of every change.
            wake: has the duty run soon.
        """
        self._path = path
        self._deliver = deliver
        self._wake = wake
        self._mzxid = -1

    def run(self, znodes: Znodes) -> float | None:
        """Read the document and tell it, if it is new."""
        found = self._read(znodes)
        mzxid = 0 if found is None else found.mzxid
        if mzxid != self._mzxid:
            self._mzxid = mzxid
            self._deliver(None if found is None else Document(found.data, found.version))
        return _CHECK_S

    def failed(self, error: RegistryError) -> None:
        """It is read again; until then what was told last stays."""
        _log.debug("reading %s failed: %s", self._path, error)

    def suspended(self) -> None:
        """What was told last stays."""

    def lost(self) -> None:
        """What was told last stays."""

    def _read(self, znodes: Znodes) -> Znode | None:
        """The znode, with a watch that also sees it being made."""
        while True:
            found = znodes.read(self._path, self._changed)
            if found is not None or not znodes.exists(self._path, self._changed):
                return found

    def _changed(self, _path: str) -> None:
        self._wake()
