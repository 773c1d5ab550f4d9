"""Znodes in memory, with what others do between two operations; `test_znodes` verifies it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.zookeeper.paths import parent
from flightkeeper.discovery.zookeeper.znodes import (
    Contact,
    Fired,
    NodeExists,
    NoNode,
    VersionChanged,
    Znode,
)


class FakeZnodes:
    """A tree of znodes as one session sees it.

    Attributes:
        session_id: of the session; assign another to expire it.
        before: by operation, what happens before it is done, first come, first served: a call,
            or an error that is raised instead of doing it.
        lose_answer: by operation, errors raised after it was done.
        done: the operations so far.
    """

    def __init__(self) -> None:
        self.session_id = 1
        self.before: dict[str, list[Callable[[], None] | RegistryError]] = {}
        self.lose_answer: dict[str, list[RegistryError]] = {}
        self.done: list[str] = []
        self._tree: dict[str, Znode] = {}
        self._zxid = 0
        self._connections = 0
        self._numbers: dict[str, int] = {}
        self.session_timeout_s = 10.0
        self._data_watches: dict[str, set[Fired]] = {}
        self._list_watches: dict[str, set[Fired]] = {}

    def put(self, path: str, data: bytes, owner: int = 0) -> None:
        """Another session creates or replaces a znode."""
        self._tree.pop(path, None)
        self._set(path, Znode(data, 0, 0, owner, self._zxid + 1))
        self._fire(self._data_watches, path)
        self._fire(self._list_watches, parent(path))

    def expire(self) -> None:
        """End the session, its ephemerals and its watches, and begin another."""
        for path in self.owned_by(self.session_id):
            del self._tree[path]
        self.disconnect()
        self.session_id += 1

    def disconnect(self) -> None:
        """Lose the connection, and all watches with it."""
        self._data_watches.clear()
        self._list_watches.clear()
        self._connections += 1

    @property
    def contact(self) -> Contact:
        return Contact(self.session_id, self._connections, self._zxid)

    def owned_by(self, session_id: int) -> list[str]:
        """The ephemerals of a session."""
        return [path for path, znode in self._tree.items() if znode.owner == session_id]

    def at(self, path: str) -> Znode | None:
        """What is there, unnoticed."""
        return self._tree.get(path)

    def sync(self, path: str) -> None:
        del path
        self._begin("sync")

    def exists(self, path: str, fired: Fired) -> bool:
        self._begin("exists")
        self._data_watches.setdefault(path, set()).add(fired)
        return path in self._tree

    def read(self, path: str, fired: Fired | None = None) -> Znode | None:
        self._begin("read")
        return self._read([path], fired).get(path)

    def read_all(self, paths: Iterable[str], fired: Fired | None = None) -> Mapping[str, Znode]:
        wanted = list(paths)
        self._begin(f"read_all {len(wanted)}", "read_all")
        return self._read(wanted, fired)

    def watch_all(self, paths: Iterable[str], since: int, fired: Fired) -> None:
        wanted = list(paths)
        self._begin(f"watch_all {len(wanted)}", "watch_all")
        for path in wanted:
            znode = self._tree.get(path)
            if znode is None or znode.mzxid > since:
                fired(path)
            else:
                self._data_watches.setdefault(path, set()).add(fired)

    def children(self, path: str, fired: Fired | None = None) -> tuple[str, ...]:
        self._begin("children")
        if path not in self._tree:
            raise NoNode(path)
        if fired is not None:
            self._list_watches.setdefault(path, set()).add(fired)
        return tuple(p.rpartition("/")[2] for p in self._tree if parent(p) == path)

    def children_all(
        self, paths: Iterable[str], fired: Fired | None = None
    ) -> Mapping[str, tuple[str, ...]]:
        wanted = list(paths)
        self._begin(f"children_all {len(wanted)}", "children_all")
        return {path: self.children(path, fired) for path in wanted if path in self._tree}

    def create_sequential(self, path: str, data: bytes) -> str:
        self._begin("create_sequential")
        folder = parent(path)
        if folder not in self._tree:
            raise NoNode(path)
        self._numbers[folder] = self._numbers.get(folder, -1) + 1
        made = f"{path}{self._numbers[folder]:010}"
        self.put(made, data, self.session_id)
        self._end("create_sequential")
        return made

    def write_guarded(self, path: str, data: bytes, version: int | None, guard: str) -> None:
        self._begin("write_guarded")
        if guard not in self._tree:
            raise NoNode(guard)
        if version is None:
            self._end("write_guarded")
            return self.create(path, data, ephemeral=False)
        old = self._expect(path, version)
        self._set(path, replace(old, data=data, version=version + 1))
        self._fire(self._data_watches, path)
        return self._end("write_guarded")

    def create_path(self, path: str) -> None:
        self._begin("create_path")
        while path and path not in self._tree:
            self.put(path, b"")
            path = parent(path)

    def create(self, path: str, data: bytes, *, ephemeral: bool) -> None:
        self._begin("create")
        if parent(path) not in self._tree:
            raise NoNode(path)
        if path in self._tree:
            raise NodeExists(path)
        self.put(path, data, self.session_id if ephemeral else 0)
        self._end("create")

    def write(self, path: str, data: bytes, version: int) -> None:
        self._begin("write")
        old = self._expect(path, version)
        self._set(path, replace(old, data=data, version=old.version + 1))
        self._fire(self._data_watches, path)
        self._end("write")

    def replace(self, path: str, data: bytes, version: int) -> None:
        self._begin("replace")
        self._expect(path, version)
        self.put(path, data, self.session_id)

    def delete(self, path: str, version: int) -> None:
        self._begin("delete")
        self._expect(path, version)
        self.remove(path)

    def remove(self, path: str) -> None:
        """Another session deletes a znode and what is below."""
        for each in [p for p in self._tree if p == path or p.startswith(path + "/")]:
            del self._tree[each]
            self._fire(self._data_watches, each)
            self._fire(self._list_watches, each)
        self._fire(self._list_watches, parent(path))

    def _read(self, paths: list[str], fired: Fired | None) -> dict[str, Znode]:
        found = {path: self._tree[path] for path in paths if path in self._tree}
        if fired:
            for path in found:
                self._data_watches.setdefault(path, set()).add(fired)
        return found

    def _begin(self, operation: str, kind: str = "") -> None:
        self.done.append(operation)
        if waiting := self.before.get(kind or operation):
            first = waiting.pop(0)
            if isinstance(first, RegistryError):
                raise first
            first()

    def _end(self, operation: str) -> None:
        if waiting := self.lose_answer.get(operation):
            raise waiting.pop(0)

    def _expect(self, path: str, version: int) -> Znode:
        if path not in self._tree:
            raise NoNode(path)
        if version not in (-1, self._tree[path].version):
            raise VersionChanged(path)
        return self._tree[path]

    def _set(self, path: str, znode: Znode) -> None:
        self._zxid += 1
        self._tree[path] = replace(znode, mzxid=self._zxid)

    def _fire(self, watches: dict[str, set[Fired]], path: str) -> None:
        for fired in watches.pop(path, ()):
            fired(path)
