"""Files that DuckLake has written lately, found without reading what was there before.

Theory. A commit has to know its files, and a lake's folders may have millions of older ones. The
kernel tells of names that are made in a folder that is watched, in the order of the making and
before whoever makes one goes on (inotify). A folder is watched before it is read, and so are those
in it, so that nothing is missed; then it is not read again. Each time it is made sure that what is
watched is still the root, which may have been made anew. Whatever goes wrong meanwhile, nothing is
known any more: all folders are read, and the next time watched again.

What is written by other machines to a folder that they share is not told of, and nobody asks here.
"""

import os
import re
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import structlog
from inotify_simple import INotify, flags

_NAME = re.compile(r"ducklake-([0-9a-f]{8})-([0-9a-f]{4})-7")
"""How the names of files begin that DuckLake writes: with the time, in milliseconds, in hex."""
_REMEMBERED_S = 600.0
"""So old are the files at most whose names are remembered."""
_MADE = flags.CREATE | flags.MOVED_TO | flags.ONLYDIR

_log = structlog.get_logger(__name__)


class NewFiles:
    """Those in one folder, and in the folders within. For one thread at a time."""

    def __init__(self, root: Path, skipped: str) -> None:
        """Begin without looking.

        Args:
            root: may come later.
            skipped: name of the folders that are not looked into.
        """
        self._root = root
        self._skipped = skipped
        self._notifier: INotify | None = None
        # By the kernel's numbers of their watches.
        self._folders: dict[int, Path] = {}
        # In order.
        self._young: list[tuple[float, Path]] = []
        self._told = False

    def since(self, since_s: float) -> list[Path]:
        """What was written since a moment in Unix time.

        Raises:
            OSError: a folder cannot be read.
        """
        young_s = time.time() - _REMEMBERED_S
        try:
            self._hear(young_s)
        except OSError as exc:
            self.close()
            if not self._told:
                self._told = True
                _log.warning("folders of the lake are not watched", reason=exc.strerror)
        if self._notifier is None or since_s < young_s:
            return [path for _, path in self._read(self._root, since_s)]
        del self._young[: bisect_left(self._young, (young_s,))]
        return [path for _, path in self._young[bisect_left(self._young, (since_s,)) :]]

    def close(self) -> None:
        """Watch nothing, and know nothing, until the next time. Idempotent."""
        self._folders.clear()
        self._young.clear()
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None

    def _hear(self, young_s: float) -> None:
        """Take down what was made since the last time.

        Args:
            young_s: when the oldest file was written that is worth remembering, as Unix time.

        Raises:
            OSError: something was missed. Of watches each user has so many, and a file system may
                have none.
        """
        if sys.platform != "linux":
            return
        if self._notifier is None:
            self._notifier = INotify()
        while events := self._notifier.read(timeout=0):
            if any(mask & flags.Q_OVERFLOW for _, mask, _, _ in events):
                self.close()
                self._hear(young_s)
                return
            for wd, mask, _, name in events:
                self._take(wd, mask, name, young_s)
        with suppress(FileNotFoundError):
            if self._notifier.add_watch(self._root, _MADE) not in self._folders:
                self._remember(self._read(self._root, young_s))

    def _take(self, wd: int, mask: int, name: str, young_s: float) -> None:
        if mask & flags.IGNORED:
            self._folders.pop(wd, None)
        elif (folder := self._folders.get(wd)) is not None:
            self._remember(self._found(folder, name, young_s))

    def _remember(self, found: Iterable[tuple[float, Path]]) -> None:
        for one in found:
            place = bisect_left(self._young, one)
            # What is read may be told of as well.
            if self._young[place : place + 1] != [one]:
                self._young.insert(place, one)

    def _read(self, folder: Path, since_s: float) -> Iterator[tuple[float, Path]]:
        """The files in a folder, with their times; it is watched from now on, if anything is."""
        # Who may not look into it has written nothing there.
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            if self._notifier is not None:
                self._folders[self._notifier.add_watch(folder, _MADE)] = folder
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for name in names:
                yield from self._found(folder, name, since_s)

    def _found(self, folder: Path, name: str, since_s: float) -> Iterable[tuple[float, Path]]:
        """The file with this name, or those in the folder with it."""
        if (named := _NAME.match(name)) is not None:
            at_s = int("".join(named.groups()), 16) / 1000
            return [(at_s, folder / name)] if at_s >= since_s else ()
        if name != self._skipped and (folder / name).is_dir():
            return self._read(folder / name, since_s)
        return ()
