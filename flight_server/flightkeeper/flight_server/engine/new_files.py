"""Files that DuckLake has written lately, found without reading what was there before.

Theory. A commit has to know its files, and a lake's folders may have millions of older ones. The
kernel tells of names that are made in a folder that is watched, in the order of the making and
before whoever makes one goes on (inotify). A folder is watched before it is read, and so are those
in it, so that nothing is missed; then it is not read again. Where nothing can be watched all
folders are read each time.

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

    def __init__(self, root: Path, beside: str) -> None:
        """Begin without looking.

        Args:
            beside: what a folder is called that has none of them.
        """
        self._root = root
        self._beside = beside
        self._can_watch = sys.platform == "linux"
        self._notifier: INotify | None = None
        self._folders: dict[int, Path] = {}
        # In order.
        self._young: list[tuple[float, Path]] = []

    def since(self, since_s: float) -> list[Path]:
        """What was written since a moment in Unix time.

        Raises:
            OSError: a folder cannot be read.
        """
        young_s = time.time() - _REMEMBERED_S
        self._hear(young_s)
        if self._notifier is None or since_s < young_s:
            return [path for _, path in self._read(self._root, since_s)]
        del self._young[: bisect_left(self._young, (young_s,))]
        return [path for _, path in self._young[bisect_left(self._young, (since_s,)) :]]

    def close(self) -> None:
        """Watch nothing any more. Idempotent."""
        self._can_watch = False
        self._folders.clear()
        if self._notifier is not None:
            self._notifier.close()
            self._notifier = None

    def _hear(self, young_s: float) -> None:
        """Take down what was made since the last time.

        Args:
            young_s: when the oldest file was written that is worth remembering, as Unix time.
        """
        if self._can_watch and self._notifier is None:
            try:
                self._notifier = INotify()
            except OSError as exc:
                self._give_up(exc)
        while self._notifier is not None and (events := self._notifier.read(timeout=0)):
            for wd, mask, _, name in events:
                self._take(wd, mask, name, young_s)
        if self._notifier is not None and not self._folders:
            # The first time, or there was no root until now.
            self._remember(self._read(self._root, young_s))

    def _take(self, wd: int, mask: int, name: str, young_s: float) -> None:
        if mask & flags.Q_OVERFLOW:
            self._remember(self._read(self._root, young_s))
        elif mask & flags.IGNORED:
            self._folders.pop(wd, None)
        elif (folder := self._folders.get(wd)) is not None:
            self._remember(self._found(folder, name, young_s, is_folder=bool(mask & flags.ISDIR)))

    def _remember(self, found: Iterable[tuple[float, Path]]) -> None:
        for one in found:
            place = bisect_left(self._young, one)
            # What is read may be told of as well.
            if self._young[place : place + 1] != [one]:
                self._young.insert(place, one)

    def _read(self, folder: Path, since_s: float) -> Iterator[tuple[float, Path]]:
        """The files in a folder, with their times; it is watched from now on."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self._watch(folder)
            with os.scandir(folder) as entries:
                inside = [(entry.name, entry.is_dir()) for entry in entries]
            for name, is_folder in inside:
                yield from self._found(folder, name, since_s, is_folder=is_folder)

    def _found(
        self, folder: Path, name: str, since_s: float, *, is_folder: bool
    ) -> Iterable[tuple[float, Path]]:
        """The file, or those within."""
        if is_folder:
            return self._read(folder / name, since_s) if name != self._beside else ()
        named = _NAME.match(name)
        if named is None or (at_s := int("".join(named.groups()), 16) / 1000) < since_s:
            return ()
        return [(at_s, folder / name)]

    def _watch(self, folder: Path) -> None:
        if self._notifier is None:
            return
        try:
            self._folders[self._notifier.add_watch(folder, _MADE)] = folder
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as exc:
            self._give_up(exc)

    def _give_up(self, error: OSError) -> None:
        """Watch nothing: of watches each user has so many, and a file system may have none."""
        _log.warning("all folders of the lake are read at each commit", reason=error.strerror)
        self.close()
