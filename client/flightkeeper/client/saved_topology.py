"""The saved topology: the last good list of nodes, on disk, for a start without the registry.

Owns one file per client URL in the cache directory (0600, replaced atomically). What is read from
it is a hint like everything the registry says: nodes are believed when they answer. A file that
somebody else may have written is not read, for it could lead to other addresses. Knows nothing of
when to save or to load; the router does. A cache that cannot be written costs a warning only.
"""

import hashlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flightkeeper.discovery.errors import MalformedRecord
from flightkeeper.discovery.records import Instance, decode, encode

FORMAT = 1
SIZE_MAX = 16 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file held.

    Attributes:
        saved_at_s: Unix time of the save, in seconds.
    """

    instances: tuple[Instance, ...]
    saved_at_s: float


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Where a user's caches live: `$XDG_CACHE_HOME/flightkeeper`, else `~/.cache/flightkeeper`."""
    # Spec: XDG Base Directory, "If an implementation encounters a relative path […] it should
    # consider the path invalid and ignore it."
    configured = Path(environment.get("XDG_CACHE_HOME", ""))
    base = configured if configured.is_absolute() else Path.home() / ".cache"
    return base / "flightkeeper"


class SavedTopology:
    """The file of one client URL."""

    def __init__(self, directory: Path, url: str) -> None:
        self.path = directory / f"topology-{hashlib.sha256(url.encode()).hexdigest()[:24]}.json"
        self._url = url

    def save(self, instances: Iterable[Instance], now_s: float) -> bool:
        """Replace the file; False when it cannot be written.

        Args:
            now_s: Unix time in seconds.
        """
        records = [json.loads(encode(instance)) for instance in instances]
        document = {"format": FORMAT, "url": self._url, "saved_at_s": now_s, "records": records}
        try:
            self._replace(json.dumps(document, indent=1).encode())
        except OSError as exc:
            _log.warning("the list of nodes was not saved for a start without registry: %s", exc)
            return False
        return True

    def load(self) -> Saved | None:
        """What was saved last, or None; records that cannot be read are left out."""
        try:
            document = json.loads(_read_own(self.path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as exc:
            _log.warning("the saved list of nodes is left alone: %s", exc)
            return None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            return None
        records, saved_at_s = document.get("records"), document.get("saved_at_s")
        if not isinstance(records, list) or not isinstance(saved_at_s, int | float):
            return None
        if document.get("url") != self._url:
            return None
        return Saved(tuple(_readable(records)), float(saved_at_s))

    def _replace(self, data: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp creates the file for its owner only.
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(self.path)
        except OSError:
            with suppress(OSError):
                Path(name).unlink()
            raise


def _read_own(path: Path) -> bytes:
    """A file's bytes, if only we can have written it.

    Raises:
        OSError: there is none, or it is a link, no plain file, or others may write it.
    """
    # Opening must neither follow a link nor wait for the other end of a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > SIZE_MAX:
            raise OSError(f"{path} is no plain file of up to {SIZE_MAX} bytes")
        if seen.st_uid != os.geteuid() or seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{path} belongs to somebody else, or others may write it")
        return file.read(SIZE_MAX)


def _readable(records: list[object]) -> Iterable[Instance]:
    for record in records:
        with suppress(MalformedRecord):
            yield decode(json.dumps(record).encode())
