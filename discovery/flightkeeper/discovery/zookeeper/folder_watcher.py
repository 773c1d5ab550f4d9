"""All shared documents below a znode, re-read where a watch fires.

A znode with data is a document; one without may have others below it. Only what is new and changed
is read again while the connection stands; after a reconnect all watches are gone and everything
is. What was not read completely is never told.
"""

import logging
from collections.abc import Callable, Mapping

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.zookeeper.znodes import Znode, Znodes

_CHECK_S = 30.0
"""The lists are read this often even when no watch fired."""
_READ_MAX = 500
"""Documents read at once; the registry's other duties come in between."""

_log = logging.getLogger(__name__)


class FolderWatcher:
    """The documents below one znode, for one listener. All calls but the watches' on one thread."""

    def __init__(
        self,
        path: str,
        name: str,
        deliver: Callable[[Mapping[str, Document]], None],
        *,
        wake: Callable[[], None],
        note: Callable[[Callable[[], None]], None],
    ) -> None:
        """Make a watcher.

        Args:
            path: of the folder.
            name: of the folder, which the documents' names begin with.
            deliver: told of the first complete read and of every change.
            wake: has the duty run soon.
            note: runs a call on the registry's thread.
        """
        self._path = path
        self._name = name
        self._deliver = deliver
        self._wake = wake
        self._note = note
        self._known: dict[str, Znode] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        self._told: Mapping[str, Document] | None = None
        self._complete = False

    def run(self, znodes: Znodes) -> float | None:
        """Read what is new, and tell the whole, if it is another one."""
        if self._complete:
            self._lists.clear()
        self._complete = False
        if not self._read(znodes):
            return 0.0
        self._complete = True
        documents = {
            self._name + path[len(self._path) :]: Document(znode.data, znode.version)
            for path, znode in self._known.items()
            if znode.data
        }
        if documents != self._told:
            self._told = documents
            self._deliver(documents)
        return _CHECK_S

    def failed(self, error: RegistryError) -> None:
        """The watches of a half-finished read cannot be trusted: read all again."""
        _log.debug("reading below %s failed: %s", self._path, error)
        self.suspended()

    def suspended(self) -> None:
        """The watches are gone with the connection; what was told last stays."""
        self._known.clear()
        self._lists.clear()
        self._complete = False

    def lost(self) -> None:
        """Nothing more than a suspended connection."""
        self.suspended()

    def _read(self, znodes: Znodes) -> bool:
        """Read, level by level, what is not known; whether all is."""
        known: dict[str, Znode] = {}
        left = _READ_MAX
        level = self._listed(znodes, [self._path])
        while level:
            unread = [path for path in level if path not in self._known]
            self._known.update(znodes.read_all(unread[:left], self._changed))
            left -= len(unread)
            if left < 0:
                return False
            found = {path: self._known[path] for path in level if path in self._known}
            known |= found
            level = self._listed(znodes, [path for path, znode in found.items() if not znode.data])
        self._known = known
        return True

    def _listed(self, znodes: Znodes, folders: list[str]) -> list[str]:
        unread = [path for path in folders if path not in self._lists]
        self._lists.update(znodes.children_all(unread, self._changed))
        for missing in set(unread) - set(self._lists):
            # The watch that stays sees it being made.
            if znodes.exists(missing, self._changed):
                self._wake()
        return [f"{path}/{name}" for path in folders for name in sorted(self._lists.get(path, ()))]

    def _changed(self, path: str) -> None:
        self._note(lambda: self._forget(path))

    def _forget(self, path: str) -> None:
        self._known.pop(path, None)
        self._lists.pop(path, None)
        self._wake()
