"""All shared documents below a znode, re-read where a watch fires.

A znode with data is a document; one without may have others below it. Only what is new and changed
is read again, also after a lost connection. What was not read completely is never told.
"""

import logging
from collections.abc import Callable, Mapping

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.zookeeper.watched_znodes import WatchedZnodes
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
        self._znodes = WatchedZnodes(wake=self._hear, note=note)
        self._note = note
        self._lists: dict[str, tuple[str, ...]] = {}
        self._told: Mapping[str, Document] | None = None
        self._news = False
        self._made: dict[str, tuple[Znode, str, Document]] = {}

    def run(self, znodes: Znodes) -> float | None:
        """Read what is new, and tell the whole, if it is another one."""
        if not self._news:
            self._lists.clear()
        # Whatever fires from now on asks for another run.
        self._news = False
        self._znodes.begin(znodes)
        found = self._read(znodes)
        if found is None:
            self._news = True
            return 0.0
        documents = self._documents(found)
        if documents != self._told:
            self._told = documents
            self._deliver(documents)
        return _CHECK_S

    def failed(self, error: RegistryError) -> None:
        """The lists' watches of a half-finished read cannot be trusted: read them again."""
        _log.debug("reading below %s failed: %s", self._path, error)
        self._lists.clear()

    def suspended(self) -> None:
        """The watches are gone with the connection; what was told last stays."""
        self._lists.clear()

    def lost(self) -> None:
        """Nothing more than a suspended connection."""
        self.suspended()

    def _documents(self, found: Mapping[str, Znode]) -> Mapping[str, Document]:
        """By name; one that did not change is the very object that it was, which compares fast."""
        made, self._made = self._made, {}
        for path, znode in found.items():
            if znode.data:
                known = made.get(path)
                if known is None or known[0] is not znode:
                    name = self._name + path[len(self._path) :]
                    known = znode, name, Document(znode.data, znode.version)
                self._made[path] = known
        return {name: document for _, name, document in self._made.values()}

    def _read(self, znodes: Znodes) -> dict[str, Znode] | None:
        """Everything, level by level, reading what is not known; None = there is more to read."""
        found: dict[str, Znode] = {}
        left = _READ_MAX
        level = self._listed(znodes, [self._path])
        while level:
            unread = self._znodes.unknown(level)
            if len(unread) > left:
                self._znodes.read(znodes, unread[:left])
                return None
            left -= len(unread)
            there = self._znodes.read(znodes, level)
            found |= there
            level = self._listed(znodes, [path for path, znode in there.items() if not znode.data])
        self._znodes.keep(found)
        return found

    def _listed(self, znodes: Znodes, folders: list[str]) -> list[str]:
        unread = [path for path in folders if path not in self._lists]
        if unread:
            listed = znodes.children_all(unread, self._changed)
            for path, names in listed.items():
                self._lists[path] = tuple(f"{path}/{name}" for name in sorted(names))
        for missing in set(unread) - set(self._lists):
            # The watch that stays sees it being made.
            if znodes.exists(missing, self._changed):
                self._hear()
        return [path for folder in folders for path in self._lists.get(folder, ())]

    def _changed(self, path: str) -> None:
        self._note(lambda: self._forget(path))

    def _forget(self, path: str) -> None:
        self._lists.pop(path, None)
        self._hear()

    def _hear(self) -> None:
        self._news = True
        self._wake()
