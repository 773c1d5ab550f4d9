"""All shared documents below a folder of a directory, looked at again and again.

Theory. A document is written as a new file that is renamed into its place, which changes the time
of its folder. So folders are looked at, and files only where the time of theirs is another one.
The clock of such times stands still for some milliseconds: a time that is as young may be that of
a later change as well.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flightkeeper.discovery.directory import documents
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable

_SETTLED_NS = 100_000_000
_Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Folder:
    """What is known of a folder: its time when it was read (0 = read it again), and what is in."""

    changed_ns: int = 0
    files: dict[str, tuple[_Stamp, Document]] = field(default_factory=dict)
    folders: "dict[str, _Folder]" = field(default_factory=dict)


class FolderWatcher:
    """The documents below one folder, for one listener. For one thread."""

    def __init__(
        self,
        place: Path,
        name: str,
        deliver: Callable[[Mapping[str, Document]], None],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Make a watcher.

        Args:
            place: of the folder.
            name: of the folder, which the documents' names begin with.
            deliver: told of the first look and of every change.
            clock_ns: the clock of files' times.
        """
        self._place = place
        self._name = name
        self._deliver = deliver
        self._clock_ns = clock_ns
        self._root = _Folder()
        self._told: Mapping[str, Document] | None = None
        self._problems: list[str] = []

    def look(self) -> None:
        """Read what is new, and tell the whole, if it is another one.

        Raises:
            OSError: the directory cannot be read.
            RegistryUnavailable: some file is no document; the others were told.
        """
        self._problems = []
        self._read(self._place, self._root)
        found = dict(_documents(self._name, self._root))
        if found != self._told:
            self._told = found
            self._deliver(found)
        if self._problems:
            raise RegistryUnavailable(self._problems[0])

    def lose(self) -> None:
        """The directory cannot be read; what was told last stays."""

    def _read(self, place: Path, known: _Folder) -> None:
        try:
            changed_ns = place.stat().st_mtime_ns
            if changed_ns != known.changed_ns:
                self._list(place, known)
                settled = self._clock_ns() - changed_ns > _SETTLED_NS and not self._problems
                known.changed_ns = changed_ns if settled else 0
        except FileNotFoundError:
            known.files, known.folders, known.changed_ns = {}, {}, 0
        for name, folder in known.folders.items():
            self._read(place / name, folder)

    def _list(self, place: Path, known: _Folder) -> None:
        entries = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
        folders = {entry.name for entry in entries if entry.is_dir()}
        known.folders = {name: known.folders.get(name, _Folder()) for name in sorted(folders)}
        read = ((e.name, self._file(e, known)) for e in entries if e.name not in folders)
        known.files = {name: found for name, found in read if found is not None}

    def _file(self, place: Path, known: _Folder) -> tuple[_Stamp, Document] | None:
        before = known.files.get(place.name)
        try:
            status = place.stat()
            stamp = status.st_ino, status.st_mtime_ns, status.st_size
            if before is not None and before[0] == stamp:
                return before
            found = documents.read(place)
        except FileNotFoundError:
            return None
        except RegistryUnavailable as exc:
            self._problems.append(str(exc))
            return before
        return None if found is None else (stamp, found)


def _documents(name: str, folder: _Folder) -> Iterator[tuple[str, Document]]:
    for file, (_, document) in folder.files.items():
        if document.data:
            yield f"{name}/{file}", document
    for inner, below in folder.folders.items():
        yield from _documents(f"{name}/{inner}", below)
