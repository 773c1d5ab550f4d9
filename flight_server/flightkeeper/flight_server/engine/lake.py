"""A lake in the engine: attached, with what is ours in its catalog, and asked about itself.

Owns the names of the lake's catalogs. What may go wrong between nodes, and is tried again, is told
from errors here; who tries again is `lake/writes`.
"""

import math
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from fcntl import LOCK_EX
from pathlib import Path

import duckdb

from flightkeeper.flight_server.engine import commit_failures, opening
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.file_lists import FileLists
from flightkeeper.flight_server.engine.kept_files import KeptFiles
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import (
    EngineFailed,
    InvalidArgument,
    LakeUnreachable,
    NodeError,
    StartFailed,
)
from flightkeeper.flight_server.file_locks import taken
from flightkeeper.flight_server.lake import column_statistics, ledger
from flightkeeper.flight_server.lake.location import Backend, Location, folder
from flightkeeper.flightsql.headers import Reason

CATALOG = "lake"
"""Under this name statements find it, and without a name: it is where names are looked up."""
METADATA = f"__ducklake_metadata_{CATALOG}"
"""The catalog of the lake's own tables, which DuckDB attaches beside it."""
OURS = (ledger, column_statistics)
"""What has its own tables and triggers there."""

_SERVER = "flightkeeper_lake"
"""The name of the secret with the server's address, and of the server where it is attached."""
_EXTENSIONS = {Backend.SQLITE: "sqlite_scanner", Backend.POSTGRES: "postgres_scanner"}
_OPTIONS = {
    # Many read while one writes.
    Backend.SQLITE: "META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 5000",
    Backend.POSTGRES: f"META_SECRET '{_SERVER}'",
}
_FILES_ALONE = "DATA_INLINING_ROW_LIMIT 0"
"""Keeps the rows of small changes out of the catalog."""
_PATIENCE_S = 10.0
"""How long who starts waits for who writes to a lake that is there."""
WRITING = 0x666C696768746B70
"""The key of the advisory lock of who writes, in PostgreSQL: "flightkp"."""
UPKEEP = WRITING + 1
"""That of who puts the lake in order."""
_LOST = re.compile(
    r"Failed to commit|Failed to execute query|server closed the connection|terminating connection|"
    r"Unable to connect|connection to server|no connection to the server|Failed to prepare",
    re.IGNORECASE,
)
"""How errors read when the catalog's server went away, perhaps after it had committed."""
_MAY_NOT = re.compile(r"ERROR: +(?:permission denied|must be owner).*")
"""How they read when it has answered that the role may not."""

_FOUND = f"SELECT text, row_count FROM {METADATA}.{ledger.TABLE} WHERE key = $key"  # noqa: S608
# Asked before each change. Functions without their place are looked for in the lake first, for
# which it asks its catalog half a dozen times.
_SEARCH_PATH = "SELECT value FROM system.main.duckdb_settings() WHERE name = 'search_path'"
_COLUMNS = "SELECT name FROM system.main.pragma_table_info($name)"
_DATABASES = "SELECT database_name FROM system.main.duckdb_databases()"
_LAST_CHANGE = f"""
    SELECT snapshot_id, author FROM {METADATA}.ducklake_snapshot_changes
    ORDER BY snapshot_id DESC LIMIT 1"""  # noqa: S608 - ours
_DATA_PATH = f"SELECT data_path FROM system.main.ducklake_settings('{CATALOG}')"  # noqa: S608 - ours
_LOCK = """
    SELECT pg_advisory_xact_lock({key})::text
    FROM (SELECT set_config('lock_timeout', '{within_ms}', true) AS told OFFSET 0) AS first
    WHERE told IS NOT NULL"""
_NOT_IN_TIME = "canceling statement due to lock timeout"
_IS_MADE = "SELECT to_regclass('ducklake_metadata') IS NOT NULL AS made"
_MADE_WITH = "SELECT value FROM ducklake_metadata WHERE key = 'data_path'"
_VERSIONS = f"""
    SELECT snapshot_id, epoch_us(snapshot_time), author, changes, commit_extra_info, commit_message
    FROM {CATALOG}.snapshots() ORDER BY snapshot_id DESC LIMIT $count"""  # noqa: S608 - ours
_TABLE_NAMES = f"""
    SELECT table_id, arg_max(s.schema_name || '.' || t.table_name, t.begin_snapshot)
    FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
    GROUP BY table_id"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class LakeOptions:
    """How to attach a lake.

    Attributes:
        password: of PostgreSQL's user, or None.
        read_only: make nothing that is missing, and write nothing.
    """

    location: Location
    password: str | None = field(default=None, repr=False)
    read_only: bool = False


def attach(root: duckdb.DuckDBPyConnection, options: LakeOptions) -> str:
    """Attach a lake, and make what is missing of it; the name it got when it was made.

    Raises:
        LakeUnreachable: the catalog's server does not answer.
        StartFailed: says what to change, without a password.
    """
    where = options.location
    if options.read_only and where.backend is Backend.SQLITE and not Path(where.path).exists():
        raise StartFailed(f"there is no lake {where}: make it with `flightkeeper lake init`")
    opening.load(root, (_EXTENSIONS[where.backend], "ducklake"))
    try:
        with _alone(root, options):
            root.execute(_attaching(root, options))
            if not options.read_only:
                _complete(root, where)
            return _name(root)
    except (duckdb.Error, sqlite3.Error, OSError) as exc:
        told = " ".join(str(exc).split())
        if options.password and options.password in told:
            told = type(exc).__name__
        raise _not_attached(where, told) from None


def _not_attached(where: Location, told: str) -> StartFailed:
    said = f"the lake {where} cannot be attached: "
    if (refused := _MAY_NOT.search(told)) is not None:
        # Without the question before it, which is long.
        return StartFailed(
            f"{said}{refused.group()}. If Flightkeeper is newer than the lake, its owner has to "
            "run `flightkeeper lake init`, and then deploy/lake-roles.sql"
        )
    said += told
    return LakeUnreachable(said) if _LOST.search(told) else StartFailed(said)


def _attaching(root: duckdb.DuckDBPyConnection, options: LakeOptions) -> str:
    where = options.location
    target = f"sqlite:{where.path}" if where.backend is Backend.SQLITE else "postgres:"
    told = [_OPTIONS[where.backend]]
    if has_rows_in_files(where.backend, where.data or _made_with(root)):
        told.append(_FILES_ALONE)
    if where.data:
        told.append(f"DATA_PATH {literal(where.data)}")
    if options.read_only:
        told.append("READ_ONLY")
    return f"ATTACH {literal(f'ducklake:{target}')} AS {CATALOG} ({', '.join(told)})"


def _made_with(root: duckdb.DuckDBPyConnection) -> str:
    """Where the files of the lake in PostgreSQL are, as its catalog says; empty without one."""
    ((made,),) = root.execute(_asking(_SERVER, _IS_MADE)).fetchall()
    found = root.execute(_asking(_SERVER, _MADE_WITH)).fetchall() if made else []
    return str(found[0][0]) if found else ""


def has_rows_in_files(backend: Backend, path: str) -> bool:
    """Whether also small changes of a lake go into files, not into its catalog.

    In SQLite, because it is asked for files and for such rows at two moments: who reads while
    others flush them would miss some. In PostgreSQL beside folders, because an engine whose
    connection ends while it reads such rows has failed for good. Not beside an object store, where
    the files of a commit may be lost if the server does not answer it.

    Args:
        path: where its files are.
    """
    return backend is Backend.SQLITE or folder(path) is not None


@contextmanager
def _alone(root: duckdb.DuckDBPyConnection, options: LakeOptions) -> Iterator[None]:
    """Nodes that start at once make one lake."""
    where = options.location
    if where.backend is Backend.SQLITE:
        Path(where.path).parent.mkdir(parents=True, exist_ok=True)
        # Those who write poll for it; and who is frozen with it keeps nobody from what is there.
        patience_s = _PATIENCE_S if Path(where.path).exists() else math.inf
        with ExitStack() as held:
            taken(held, lock_file(where), LOCK_EX, time.monotonic() + patience_s)
            yield
        return
    _make_secret(root, options)
    try:
        root.execute(f"ATTACH '' AS {_SERVER} (TYPE postgres, SECRET {_SERVER})")
        with _locked(root):
            yield
    finally:
        # What is attached keeps what it needs, and nobody can attach it again by the secret.
        root.execute(f"DROP SECRET {_SERVER}")


@contextmanager
def _locked(root: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor = root.cursor()
    try:
        cursor.execute("BEGIN")
        cursor.execute(_asking(_SERVER, f"SELECT pg_advisory_xact_lock({WRITING})")).fetchall()
        yield
        cursor.execute("COMMIT")
    finally:
        cursor.close()
        with suppress(duckdb.Error):
            root.execute(f"DETACH {_SERVER}")


def _make_secret(root: duckdb.DuckDBPyConnection, options: LakeOptions) -> None:
    told = dict(options.location.server)
    if options.password is not None:
        told["password"] = options.password
    names = {"dbname": "DATABASE"}
    listed = ", ".join(f"{names.get(k, k.upper())} {literal(v)}" for k, v in told.items())
    root.execute(f"CREATE OR REPLACE SECRET {_SERVER} (TYPE postgres, {listed})")


def _complete(root: duckdb.DuckDBPyConnection, where: Location) -> None:
    """Make what is ours in the catalog, as far as it is not there or is an older node's."""
    if where.backend is Backend.SQLITE:
        for ours in OURS:
            _complete_sqlite(root, where, ours.SQLITE_MADE, ours.SQLITE)
        return
    for ours in OURS:
        if not root.execute(_asking(METADATA, ours.POSTGRES_MADE)).fetchall():
            root.execute(f"CALL postgres_execute('{METADATA}', {literal(ours.POSTGRES)})")


def _complete_sqlite(
    root: duckdb.DuckDBPyConnection, where: Location, made: str, making: str
) -> None:
    # A file that is closed loses all locks of its process. So whoever makes something opens the
    # file, and nobody who comes when others of this process may be reading.
    asked = f"FROM system.main.sqlite_query({literal(METADATA)}, {literal(made)})"
    if not root.execute(asked).fetchall():
        with closing(sqlite3.connect(where.path)) as catalog:
            catalog.executescript(making)


def _name(root: duckdb.DuckDBPyConnection) -> str:
    # All of it: what is left to be fetched keeps its transaction open as long as the node runs,
    # and SQLite's log would grow with each change.
    told = root.execute(_FOUND, {"key": ledger.NAME}).fetchall()
    if not told:
        raise StartFailed(
            "the lake has no ledger: start a node without --read-only, which makes it"
        )
    return str(told[0][0])


def lock_file(where: Location) -> Path:
    """The file that whoever writes to a lake of SQLite locks."""
    return Path(f"{where.path}.lock")


def file_lists(options: LakeOptions | None) -> FileLists | None:
    """The lock of who reads which files a lake has, if there is one that needs it."""
    if options is None or options.location.backend is not Backend.SQLITE:
        return None
    return FileLists(Path(options.location.path))


def kept_files(root: duckdb.DuckDBPyConnection, options: LakeOptions | None) -> KeptFiles | None:
    """What keeps the files of commits, if they may go unanswered and the files have two names."""
    if options is None or options.location.backend is Backend.SQLITE or options.read_only:
        return None
    ((path,),) = root.execute(_DATA_PATH).fetchall()
    there = folder(str(path))
    return None if there is None else KeptFiles(there)


def upkeep_file(where: Location) -> Path:
    """The file that whoever puts a lake of SQLite in order locks."""
    return Path(f"{where.path}.upkeep")


def _asking(catalog: str, question: str) -> str:
    # With its place: without, the function would be looked for in the lake first.
    return f"FROM system.main.postgres_query({literal(catalog)}, {literal(question)})"


def data_path(connection: Connection) -> str:
    """The folder or bucket of the lake's files."""
    ((path,),) = connection.rows(_DATA_PATH)
    return str(path)


def last_change(connection: Connection) -> tuple[int, str]:
    """The newest version, and who made it."""
    ((number, author),) = connection.rows(_LAST_CHANGE)
    return int(number), str(author or "")


def versions(
    connection: Connection, count_max: int
) -> list[tuple[int, int, str, dict[str, list[str]], str, str]]:
    """The newest versions, the newest first.

    Returns: of each its number, its time in Unix microseconds, its author, what it changed by the
        kind of change, what its commit carries, and its message.
    """
    found = connection.rows(_VERSIONS, {"count": count_max})
    return [(*row[:3], dict(row[3] or {}), *row[4:]) for row in found]


def table_names(connection: Connection) -> dict[str, str]:
    """The names that tables have now or had last, by their ids as text."""
    return {str(number): str(name) for number, name in connection.rows(_TABLE_NAMES)}


def try_lock(connection: Connection, key: int, within_s: float) -> bool:
    """Take a lock of PostgreSQL for the open transaction; whether it was free in time.

    If not, the transaction can only be rolled back.

    Raises:
        NodeError: PostgreSQL does not answer.
    """
    # The server waits, and lets those who do in one after the other.
    within_ms = max(1, round(within_s * 1000))
    try:
        connection.rows(_asking(METADATA, _LOCK.format(within_ms=within_ms, key=key)))
    except NodeError as exc:
        if _NOT_IN_TIME not in str(exc):
            raise
        return False
    return True


def looked_up_in(connection: Connection) -> bool:
    """Whether names without a catalog are those of the lake."""
    if connection.plain:
        return True
    rows = connection.rows(_SEARCH_PATH)
    return any(str(path).lower().startswith(f"{CATALOG}.") for (path,) in rows)


def is_catalog(connection: Connection, name: str) -> bool:
    """Whether a name before a dot, lower case, is that of a catalog, so that it means no schema."""
    return any(str(known).lower() == name for (known,) in connection.rows(_DATABASES))


def hides(connection: Connection, name: str) -> bool:
    """Whether a temporary table has this name, so that it means that one."""
    if connection.plain:
        return False
    try:
        # No FROM, where a name may mean a file.
        connection.rows(_COLUMNS, {"name": f"temp.main.{quoted(name)}"})
    except InvalidArgument:
        return False
    return True


def was_taken(error: NodeError) -> bool:
    """Whether another commit was faster, and not the statement itself to blame."""
    # Words alone do not make it the reason where errors are translated: that tells callers to try
    # again, which is wrong within a transaction.
    taken = isinstance(error, EngineFailed) and commit_failures.TAKEN.search(str(error)) is not None
    return taken or error.reason is Reason.CONFLICT


def was_lost(error: NodeError) -> bool:
    """Whether the catalog's server went away meanwhile."""
    lost = isinstance(error, EngineFailed) and _LOST.search(str(error)) is not None
    return lost or error.reason is Reason.AWAY


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
