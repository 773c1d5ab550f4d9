"""The database of one node, and the connections it lends.

Owns the DuckDB instance: how it is opened, how many idle connections are kept, when it closes; and
the names of the states its data are in.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import duckdb

from flightkeeper.flight_server.engine import (
    lake,
    lake_copies,
    lake_feed,
    opening,
    settings,
    workers,
)
from flightkeeper.flight_server.engine.changes import Changes, fingerprint
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.errors import Internal, NodeError, StartFailed
from flightkeeper.flightsql.headers import Reason

ENGINE_VERSION = duckdb.__version__
_IDLE_CONNECTIONS_MAX = 16

_FIXED_SETTINGS: Mapping[str, str | bool] = {
    # SQL must not reach the server's own Python objects.
    "python_enable_replacements": False,
    "python_scan_all_frames": False,
    # A node must start and answer without a network.
    "autoinstall_known_extensions": False,
    "allow_community_extensions": False,
    # Whoever may ask which secrets there are does not see them.
    "allow_unredacted_secrets": False,
}

_CHANGEABLE = ("memory_limit", "threads", "max_temp_directory_size")

_HOLDER = re.compile(r"PID (\d+)")


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """How to open the database.

    Attributes:
        path: a file, or ":memory:".
        memory_limit: such as "4GB"; None = DuckDB's own default.
        threads: engine threads; None = one per core.
        temp_directory: where big intermediate results spill.
        max_temp_directory_size: how much may; None = DuckDB's own default.
        batch_bytes: target size of one batch of a result.
        extensions: names of those that are loaded.
        start_file: the operator's SQL, run after that.
        lake: is attached then, and names are looked up there.
    """

    path: str = ":memory:"
    read_only: bool = False
    memory_limit: str | None = None
    threads: int | None = None
    temp_directory: str | None = None
    max_temp_directory_size: str | None = None
    batch_bytes: int = 2 * 1024 * 1024
    extensions: tuple[str, ...] = ()
    start_file: Path | None = None
    lake: LakeOptions | None = None


class Database:
    """An open DuckDB database. Thread-safe.

    Attributes:
        changes: those that went through connections of this database.
        lake: the name of the lake that is attached; empty = none.
    """

    def __init__(self, options: DatabaseOptions) -> None:
        """Open it.

        Raises:
            StartFailed: it cannot be opened; names the file, and who holds it if that is why. Or
                what is to be done then cannot be.
        """
        self._options = options
        self.changes = Changes()
        path = Path(options.path) if options.read_only else None
        before = path and fingerprint(path)
        self._root = _open(options)
        self.lake = self._attached(options.lake)
        self._wiring = self._with_all(options)
        # Another file may have been put in its place just then.
        self._file = before if path and before == fingerprint(path) else None
        # Guards `_idle` and `_closed`.
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    def _attached(self, options: LakeOptions | None) -> str:
        if options is None:
            return ""
        try:
            name = lake.attach(self._root, options)
            lake_copies.attach(self._root)
        except StartFailed:
            self._root.close()
            raise
        return name

    def _with_all(self, options: DatabaseOptions) -> Wiring:
        """What its connections have in common."""
        if options.lake is None:
            return Wiring(options.batch_bytes, self.changes)
        return Wiring(
            batch_bytes=options.batch_bytes,
            changes=self.changes,
            lists=lake.file_lists(options.lake),
            kept=lake.kept_files(self._root, options.lake),
            workers=workers.kept_away(self._root),
            exact=lake_feed.exact,
        )

    def lend(self) -> Connection:
        """A connection for one statement; give it back with `take_back`."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self.connect()

    def take_back(self, connection: Connection) -> None:
        """The statement has ended and left nothing behind."""
        with self._lock:
            room = not self._closed and len(self._idle) < _IDLE_CONNECTIONS_MAX
            if room and not (connection.spoiled or connection.in_transaction):
                self._idle.append(connection)
                return
        connection.close()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection for as long as this lasts."""
        connection = self.lend()
        try:
            yield connection
        finally:
            self.take_back(connection)

    def connect(self) -> Connection:
        """A connection for a session or a transaction; its owner closes it."""
        cursor = self._root.cursor()
        connection = Connection(cursor, self._wiring)
        if self._options.lake is not None:
            connection.command(f"USE {lake.CATALOG}")
        connection.plain = True
        return connection

    def configure(self, options: DatabaseOptions) -> None:
        """Change what may change while it is open: memory, threads, room to spill.

        What is the same as before stays as it is, also if SQL has set it since.

        Raises:
            NodeError: DuckDB refuses one of them; what held before does.
        """
        before = self._options
        changed = [n for n in _CHANGEABLE if getattr(options, n) != getattr(before, n)]
        connection = self.lend()
        try:
            if self._wiring.workers is not None and "threads" in changed:
                self._wiring.workers.come()
            for name in changed:
                self._set(connection, name, getattr(options, name))
        except NodeError:
            for name in changed:
                self._set(connection, name, getattr(before, name))
            raise
        finally:
            self.take_back(connection)
        self._options = options

    def _set(self, connection: Connection, name: str, value: str | int | None) -> None:
        # RESET of the memory's limit changes what is shown, and not what holds.
        wanted = _default_memory() if name == "memory_limit" and value is None else value
        verb = f"RESET GLOBAL {name}" if wanted is None else f"SET GLOBAL {name} = '{wanted}'"
        connection.command(verb)

    def works(self) -> bool:
        """Whether the engine can run anything; after a defect of its own it never can again."""
        try:
            connection = self.lend()
            try:
                connection.command("SELECT 1")
            finally:
                self.take_back(connection)
        except duckdb.Error:
            return True  # it may be closed just then, which is no defect
        except NodeError as exc:
            # Nor is it that the lake's catalog is away.
            return not isinstance(exc, Internal) and exc.reason is not Reason.DRAINING
        return True

    def version(self, connection: Connection, catalog: str) -> str | None:
        """A name for the data of a catalog as they are now; None while something may change them.

        Args:
            connection: one that was lent, to be asked for settings that answers depend on.
        """
        if self._file is None or catalog != _catalog(connection):
            return self.changes.version
        return self._file_version(connection)

    def is_at(self, connection: Connection, version: str) -> bool:
        """Whether the data with this name are here now; other nodes may have given the name."""
        return version == self.changes.version or (
            self._file is not None and version == self._file_version(connection)
        )

    def _file_version(self, connection: Connection) -> str:
        told = (
            self._file,
            _catalog(connection),
            duckdb.__version__,
            sorted(settings.current(connection).items()),
        )
        return blake2b(repr(told).encode(), digest_size=16).hexdigest()

    def close(self) -> None:
        """Close the idle connections and the database. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._wiring.kept is not None:
            self._wiring.kept.close()
        if self._wiring.workers is not None:
            self._wiring.workers.close()
        # Closing can only fail when the engine has failed before; the process ends either way.
        with suppress(duckdb.Error):
            self._root.close()


def _default_memory() -> str:
    """DuckDB's own limit, which it does not tell once another one was set."""
    with duckdb.connect() as fresh:
        found = fresh.execute("SELECT current_setting('memory_limit')").fetchone()
    return str(found[0]) if found else ""


def _catalog(connection: Connection) -> str:
    ((name,),) = connection.rows("SELECT current_catalog()")
    return str(name)


def _open(options: DatabaseOptions) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = dict(_FIXED_SETTINGS)
    for name in ("temp_directory", *_CHANGEABLE):
        if (value := getattr(options, name)) is not None:
            settings[name] = value
    try:
        opened = duckdb.connect(options.path, read_only=options.read_only, config=settings)
    except duckdb.Error as exc:
        raise StartFailed(_start_text(options, str(exc))) from exc
    try:
        opening.load(opened, options.extensions)
        if options.start_file is not None:
            opening.run_file(opened, options.start_file)
    except StartFailed:
        opened.close()
        raise
    return opened


def _start_text(options: DatabaseOptions, message: str) -> str:
    if "Could not set lock on file" in message:
        holder = _HOLDER.search(message)
        by = f"process {holder.group(1)}" if holder else "another process"
        return (
            f"the database file {options.path} is locked by {by}; end it, choose another file, "
            "or let all of them open it with --read-only"
        )
    if options.read_only and not Path(options.path).exists():
        return f"the database file {options.path} does not exist; --read-only cannot create it"
    return f"the database {options.path} cannot be opened: {message.splitlines()[0]}"
