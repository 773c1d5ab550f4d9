"""Whether a text names what a lake is kept in: its file, its server, its folder.

By the names alone, and for files by what is on the disk. A server that is known by several
addresses is not found under another one.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from flightkeeper.flight_server.lake.location import Backend, Location

_KINDS = re.compile(r"(?:ducklake:|sqlite:|postgres:(?!//)|postgresql:(?!//)|file:)*")
_SERVER = re.compile(r"postgres(?:ql)?://")
_PARAMETER = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)")
_SCHEME = re.compile(r"[a-z0-9]{2,}://", re.IGNORECASE)
_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")
"""What SQLite and the lake's lock keep beside the file."""
_HERE = {"", "localhost", "127.0.0.1", "::1"}
_PORT = "5432"


class Places:
    """What a lake is kept in. Thread-safe.

    Args:
        data: the folder or bucket of its files.
    """

    def __init__(self, location: Location, data: str) -> None:
        self._location = location
        self._data = _folder(data)

    @property
    def file_name(self) -> str:
        """Of the lake's catalog without its folder; empty if it is no file."""
        return Path(self._location.path).name

    def has_catalog(self, text: str) -> bool:
        """Whether a text names the lake's catalog, as ATTACH would understand it."""
        bare = text[len(_KINDS.match(text)[0]) :]  # type: ignore[index]  # it matches anything
        if self._location.backend is Backend.POSTGRES:
            return _server(bare) == _address(dict(self._location.server))
        return self._is_file(bare.partition("?")[0])

    def has_file(self, text: str) -> bool:
        """Whether a text names the lake's catalog or something in its folder, to be written to."""
        return self.has_catalog(text) or _folder(text).startswith(self._data)

    def is_below(self, text: str) -> bool:
        """Whether the lake's folder or file lies in the folder that a text names."""
        folder = _folder(text)
        own = _folder(self._location.path) if self._location.path else ""
        return self._data.startswith(folder) or own.startswith(folder)

    def _is_file(self, text: str) -> bool:
        own = os.path.realpath(self._location.path)
        path = os.path.realpath(_one_slash(text))
        if path in {own + beside for beside in _BESIDE}:
            return True
        with suppress(OSError):
            return Path(path).samefile(own)
        return False


def _one_slash(path: str) -> str:
    return re.sub(r"^/+", "/", path)


def _folder(text: str) -> str:
    """A place as it is compared: with a slash at its end, and without links in it."""
    if _SCHEME.match(text) and not text.lower().startswith("file://"):
        return text.rstrip("/") + "/"
    bare = text[len("file:") :] if text.lower().startswith("file:") else text
    return os.path.realpath(_one_slash(bare)).rstrip("/") + "/"


def _server(text: str) -> tuple[str, str, str] | None:
    """The address in a connection string."""
    if not _SERVER.match(text):
        found = {key: value.strip("'") for key, value in _PARAMETER.findall(text)}
        return _address(found) if found else None
    try:
        parts = urlsplit(text)
        told = {
            "host": parts.hostname or "",
            "port": str(parts.port or ""),
            "user": unquote(parts.username or ""),
            "dbname": unquote(parts.path.removeprefix("/")),
        }
    except ValueError:
        return None
    known = {key: value for key, value in told.items() if value}
    return _address(known | dict(parse_qsl(parts.query)))


def _address(told: Mapping[str, str]) -> tuple[str, str, str]:
    """Host, port and database, with what libpq takes for those that are not told."""
    host = told.get("host", told.get("hostaddr", ""))
    database = told.get("dbname", told.get("user", ""))
    return "" if host in _HERE else host.rstrip("/"), told.get("port", _PORT), database
