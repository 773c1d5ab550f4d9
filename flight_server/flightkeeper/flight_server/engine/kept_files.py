"""The files that a commit adds to a lake, kept until it is known what has become of it.

Theory. When the catalog's server goes away before it has answered a COMMIT, DuckLake takes that for
a failure and deletes the files it has written. But the server may have committed, and its tables
were broken for everybody. So each of the files has a second name (a hard link) while its commit is
under way, and gets the first one back if there was no answer: it is in the lake then, or an orphan,
which the upkeep takes away in its time.

Owns those names, in a folder of their own beside the lake's. Of an object store it knows nothing,
which has no such names.
"""

import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from flightkeeper.flight_server.engine.new_files import NewFiles

FOLDER = ".kept"
_log = structlog.get_logger(__name__)


class KeptFiles:
    """Keeps the files of a lake in local or shared folders. Thread-safe."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder of all files of the lake."""
        self._root = root
        # Guards the three below.
        self._lock = threading.Lock()
        self._new = NewFiles(root, FOLDER)
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
                with suppress(FileExistsError), self._trying():
                    os.link(link, path)

        try:
            yield put_back
        finally:
            for link in links.values():
                with self._trying():
                    link.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave nothing behind."""
        with self._lock:
            home, self._home = self._home, None
            self._new.close()
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)

    def _linked(self, since_s: float) -> dict[Path, Path]:
        written, links = list[Path](), dict[Path, Path]()
        with self._trying(), self._lock:
            # Commits wait for each other here when all folders have to be read, which is rare.
            written = self._new.since(since_s)
        for path in written:
            with self._trying():
                if (link := self._given_second_name(path)) is not None:
                    links[path] = link
        return links

    def _given_second_name(self, path: Path) -> Path | None:
        """What a file is called as well from now on; None if it is gone.

        Raises:
            OSError: it cannot be called anything else.
        """
        for _ in range(2):
            link = self._second_name(path)
            try:
                os.link(path, link)
            except FileNotFoundError:
                if not path.exists():
                    return None  # a commit that failed, of whichever node, takes its files away
                with self._lock:
                    self._home = None  # somebody has taken the folder of the names away
            else:
                return link
        return None

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """An error is told of, the first time, and ends nothing else: commits go on."""
        try:
            yield
        except OSError as exc:
            if not self._told:
                self._told = True
                _log.warning("files of commits cannot be kept", reason=exc.strerror)

    def _second_name(self, path: Path) -> Path:
        """One that no other commit gives it."""
        with self._lock:
            if self._home is None:
                (self._root / FOLDER).mkdir(exist_ok=True)
                self._home = Path(tempfile.mkdtemp(dir=self._root / FOLDER))
            return self._home / f"{next(self._numbers)}-{path.name}"
