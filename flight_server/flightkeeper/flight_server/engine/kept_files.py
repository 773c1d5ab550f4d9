"""The files that a commit adds to a lake, kept until it is known what has become of it.

Theory. When the catalog's server goes away before it has answered a COMMIT, DuckLake takes that for
a failure and deletes the files it has written. But the server may have committed, and its tables
were broken for everybody. So each of the files has a second name (a hard link) while its commit is
under way, and gets the first one back if there was no answer: it is in the lake then, or an orphan,
which the upkeep takes away in its time.

Owns those names, in a folder of their own beside the lake's, and the search for new files: of a
folder that has not changed nothing is read again. Of an object store it knows nothing, which has no
such names.
"""

import itertools
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

FOLDER = ".kept"
_NAME = re.compile(r"ducklake-([0-9a-f]{8})-([0-9a-f]{4})-7")
"""How the names of files begin that DuckLake writes: with the time, in milliseconds, in hex."""
_SLACK_S = 10.0
"""So coarse, or so far off, may the times of folders be."""
_REMEMBERED_S = 600.0
"""So old are the files at most whose names are remembered."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found in a folder.

    Attributes:
        at_s: when that began, as Unix time.
        names: of the files that were young then, each with the time in it.
    """

    at_s: float
    names: tuple[tuple[float, str], ...]


class KeptFiles:
    """Keeps the files of a lake in local or shared folders. Thread-safe."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder of all files of the lake."""
        self._root = root
        # Guards the three below.
        self._lock = threading.Lock()
        self._looked: dict[Path, _Looked] = {root: _Looked(0.0, ())}
        self._home: Path | None = None
        self._numbers = itertools.count()
        self._told = False

    @contextmanager
    def during(self, since_s: float) -> Iterator[Callable[[], None]]:
        """What was written since a moment in Unix time is kept, for as long as this lasts.

        Returns: what puts back in its place whatever of that is gone.
        """
        links = self._linked(since_s - 1.0)

        def put_back() -> None:
            for path, link in links.items():
                with suppress(FileExistsError):
                    os.link(link, path)

        try:
            yield put_back
        finally:
            for link in links.values():
                link.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave nothing behind."""
        with self._lock:
            home, self._home = self._home, None
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)

    def _linked(self, since_s: float) -> dict[Path, Path]:
        links: dict[Path, Path] = {}
        try:
            for path in self._written(since_s):
                link = self._second_name(path)
                # A commit that failed, of whichever node, takes its files away.
                with suppress(FileNotFoundError):
                    os.link(path, link)
                    links[path] = link
        except OSError as exc:
            if not self._told:
                self._told = True
                _log.warning("files of commits cannot be kept", reason=exc.strerror)
        return links

    def _second_name(self, path: Path) -> Path:
        """One that no other commit gives it."""
        with self._lock:
            if self._home is None:
                (self._root / FOLDER).mkdir(exist_ok=True)
                self._home = Path(tempfile.mkdtemp(dir=self._root / FOLDER))
            return self._home / f"{next(self._numbers)}-{path.name}"

    def _written(self, since_s: float) -> list[Path]:
        with self._lock:
            left, found = list(self._looked), []
            while left:
                folder = left.pop()
                looked, inside = self._look(folder, since_s)
                left += inside
                found += [folder / name for at_s, name in looked.names if at_s >= since_s]
            return found

    def _look(self, folder: Path, since_s: float) -> tuple[_Looked, list[Path]]:
        """What is in a folder, and the folders in it that are new."""
        known = self._looked.get(folder, _Looked(0.0, ()))
        now_s, names, inside = time.time(), [], []
        try:
            is_same = folder.stat().st_mtime < known.at_s - _SLACK_S
            if is_same and since_s > known.at_s - _REMEMBERED_S:
                return known, []
            entries = list(_entries(folder))
        except FileNotFoundError:
            self._looked.pop(folder, None)
            return _Looked(0.0, ()), []
        young_s = min(since_s, now_s - _REMEMBERED_S)
        for entry in entries:
            at_s = _time_of(entry.name)
            if at_s is not None:
                names += [(at_s, entry.name)] if at_s >= young_s else []
            elif entry.name != FOLDER and entry.is_dir():
                inside.append(folder / entry.name)
        looked = self._looked[folder] = _Looked(now_s, tuple(names))
        return looked, [each for each in inside if each not in self._looked]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        yield from found


def _time_of(name: str) -> float | None:
    """When a file was begun, as Unix time; None if it is none of DuckLake's."""
    found = _NAME.match(name)
    return int("".join(found.groups()), 16) / 1000 if found else None
