"""Where a lake is: its catalog, in SQLite or PostgreSQL, and its files. Pure.

ducklake:sqlite:/var/lib/flightkeeper/lake.sqlite
ducklake:postgres://user@host:5432/database
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, unquote, urlsplit

_PREFIX = "ducklake:"
_FILES = ".files"
_LOCAL = "file:"
"""How a folder's URL begins, as DuckDB takes it."""
_CONNECTION = frozenset({"sslmode", "sslrootcert", "host", "connect_timeout"})
"""What may stand in the query of a PostgreSQL URL; `host` is the folder of a socket there."""


class Backend(Enum):
    """What keeps the lake's catalog."""

    SQLITE = "sqlite"
    """A file, for nodes of one machine."""
    POSTGRES = "postgres"


class InvalidLakeUrl(ValueError):
    """A text that names no lake; says what one looks like."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a lake is.

    Attributes:
        path: of SQLite's file; empty with PostgreSQL.
        server: parameters of a connection to PostgreSQL, by their names in libpq.
        data: folder or bucket of the files; empty = where the catalog says they are.
    """

    backend: Backend
    path: str = ""
    server: tuple[tuple[str, str], ...] = ()
    data: str = ""

    def __str__(self) -> str:
        """It as a person may see it."""
        if self.backend is Backend.SQLITE:
            return f"{_PREFIX}sqlite:{self.path}"
        told = dict(self.server)
        host = f"{told.get('host', '')}:{told['port']}" if "port" in told else told.get("host", "")
        return f"{_PREFIX}postgres://{host}/{told.get('dbname', '')}"


def folder(path: str) -> Path | None:
    """Where files are if that is in folders; None if it is in an object store."""
    if path.startswith(_LOCAL):
        return Path(urlsplit(path).path)
    return None if "://" in path else Path(path)


def parse(url: str, data: str = "") -> Location:
    """The lake that a URL names.

    Args:
        data: where its files are to be; by default beside SQLite's file, or where its catalog says.

    Raises:
        InvalidLakeUrl: it names none, or holds a password.
    """
    kind, _, rest = url.removeprefix(_PREFIX).partition(":")
    if not url.startswith(_PREFIX) or not rest:
        raise InvalidLakeUrl(
            "a lake is ducklake:sqlite:PATH or ducklake:postgres://user@host:port/database"
        )
    if kind == Backend.SQLITE.value:
        return Location(Backend.SQLITE, rest, data=data or str(PurePosixPath(rest)) + _FILES)
    if kind in {Backend.POSTGRES.value, "postgresql"}:
        return Location(Backend.POSTGRES, server=_server(f"{kind}:{rest}"), data=data)
    raise InvalidLakeUrl(f"a lake's catalog is in sqlite or postgres, not in {kind!r}")


def _server(url: str) -> tuple[tuple[str, str], ...]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidLakeUrl("the port of a lake's server is no number") from None
    if parts.password is not None:
        raise InvalidLakeUrl(
            "a lake's URL is shown in logs and lists of processes: give the password as "
            "lake_password, best by FLIGHTKEEPER_LAKE_PASSWORD_FILE"
        )
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise InvalidLakeUrl("say which database of the server has the lake: postgres://host/NAME")
    told = dict(parse_qsl(parts.query))
    if unknown := told.keys() - _CONNECTION:
        raise InvalidLakeUrl(f"a lake's server has no parameter {', '.join(sorted(unknown))}")
    known = {
        "host": parts.hostname or "",
        "port": "" if port is None else str(port),
        "user": unquote(parts.username or ""),
        "dbname": database,
    }
    return tuple(sorted(({k: v for k, v in known.items() if v} | told).items()))
