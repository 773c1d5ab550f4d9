"""Znodes read once and kept true by watches, through lost connections.

A watch is gone with the connection, what was read before is not: when the same session is back,
all watches are set again in a few requests, and those fire whose znode has changed meanwhile. A
cluster whose ZooKeeper was away for a moment so reads nothing again that has not changed. In
another session nothing is taken for granted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from flightkeeper.discovery.zookeeper.znodes import Contact, Znode, Znodes


class WatchedZnodes:
    """What a watcher has read. All calls but the watches' on one thread."""

    def __init__(
        self, *, wake: Callable[[], None], note: Callable[[Callable[[], None]], None]
    ) -> None:
        """Know nothing yet.

        Args:
            wake: has the watcher's duty run soon; called when something was forgotten.
            note: runs a call on the registry's thread.
        """
        self._wake = wake
        self._note = note
        self._known: dict[str, Znode] = {}
        self._as_of = Contact(0, 0, 0)

    def begin(self, znodes: Znodes) -> None:
        """Make sure, at the beginning of a run, that what is known is watched."""
        now, then = znodes.contact, self._as_of
        if now.session_id != then.session_id:
            self._known.clear()
        elif now.connection != then.connection and self._known:
            znodes.watch_all(self._known, then.zxid, self.changed)
        self._as_of = now

    def read(self, znodes: Znodes, paths: Iterable[str]) -> Mapping[str, Znode]:
        """Those of the paths that exist; only what is not known is read."""
        wanted = list(paths)
        if unknown := self.unknown(wanted):
            self._known.update(znodes.read_all(unknown, self.changed))
        now = znodes.contact
        if now.connection == self._as_of.connection:
            self._as_of = now
        return {path: self._known[path] for path in wanted if path in self._known}

    def unknown(self, paths: Iterable[str]) -> Sequence[str]:
        """Those of the paths that are still to be read."""
        return [path for path in paths if path not in self._known]

    def keep(self, paths: Iterable[str]) -> None:
        """Forget all but these."""
        kept = {path: self._known[path] for path in paths if path in self._known}
        self._known = kept

    def changed(self, path: str) -> None:
        """A watch has fired; on any thread."""
        self._note(lambda: self._forget(path))

    def _forget(self, path: str) -> None:
        self._known.pop(path, None)
        self._wake()
