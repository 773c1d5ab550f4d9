"""Copies of the lake's tables near the node: made while nobody waits, and read in their place.

Owns which there are, how often tables are read, and the thread that copies. What a copy is good
for, and when one is worth it, is decided in `lake/copying`.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from flightkeeper.flight_server.engine import copied, lake_copies, snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.lake import CATALOG
from flightkeeper.flight_server.engine.lake_names import Table, names, place
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake import copying
from flightkeeper.flight_server.lake.copying import Copy, Interest, Path

_END_S = 10.0
_END_TRIES = 100
"""An interrupt that comes before the engine has begun is lost."""
_TABLES_MAX = 4096
"""Of so many it is known how often they are read."""

_log = structlog.get_logger(__name__)


class Copies:
    """The copies of one node. Thread-safe. `close` ends their thread."""

    def __init__(self, database: Database, size_max: Callable[[], int]) -> None:
        """Begin without any.

        Args:
            size_max: bytes that the files may have that they are made of; 0 = make none.
        """
        self._database = database
        self._size_max = size_max
        # Guards the four below.
        self._lock = threading.Lock()
        # The one whose last use is longest ago first.
        self._held: dict[Path, Copy] = {}
        self._interest: dict[Path, Interest] = {}
        self._ordered: set[Path] = set()
        self._working: Connection | None = None
        # A table to be copied, or a copy to be dropped; None = the end.
        self._orders: queue.SimpleQueue[Path | Copy | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="flightkeeper-copies", daemon=True)
        self._thread.start()

    def places(self, connection: Connection, statement: Statement) -> Mapping[Table, Path]:
        """The tables of the lake that a pure read names and could read copies of.

        Args:
            connection: outside of a transaction, which questions that fail would end.
        """
        if not self._size_max():
            self._give_all_up()
            return {}
        found = names(statement.sql)
        if found is None or found.calls:
            # Macros may tell what a table has alone.
            return {}
        places = {
            table: path
            for table in found.tables
            if not table.versioned and (path := place(connection, table)) is not None
        }
        schemas = {schema for schema, _ in places.values()}
        return places if copied.suits(statement.sql, {CATALOG, *schemas}) else {}

    def instead(
        self,
        connection: Connection,
        statement: Statement,
        places: Mapping[Table, Path],
        version: int,
    ) -> Statement | None:
        """A pure read over copies; None if there are none that it could read.

        Args:
            connection: in a transaction that sees this version of the lake.
        """
        good = self._good(connection, self._read(set(places.values())), version)
        stand_in = {table: good[path].name for table, path in places.items() if path in good}
        return copied.over(statement, lake_copies.COPIES, stand_in) if stand_in else None

    def held(self) -> Sequence[tuple[Copy, int]]:
        """The copies there are, each with how often it could be read since it was made."""
        with self._lock:
            return [(copy, self._interest[path].reads) for path, copy in self._held.items()]

    @property
    def busy(self) -> bool:
        """Whether a table is copied or about to be."""
        with self._lock:
            return bool(self._ordered)

    def close(self) -> None:
        """Copy nothing any more. Idempotent, bounded."""
        self._closed.set()
        self._orders.put(None)
        for _ in range(_END_TRIES):
            with self._lock:
                if self._working is not None:
                    self._working.interrupt()
            self._thread.join(_END_S / _END_TRIES)
            if not self._thread.is_alive():
                break

    def _read(self, paths: Iterable[Path]) -> list[Copy]:
        """Note that these are read; the copies there are of them."""
        with self._lock:
            if len(self._interest) > _TABLES_MAX:
                self._interest = {path: self._interest[path] for path in self._held}
            found = []
            for path in paths:
                interest = self._interest[path] = self._interest.get(path, Interest()).read()
                copy = self._held.pop(path, None)
                if copy is not None:
                    self._held[path] = copy
                    found.append(copy)
                elif interest.worth_it and path not in self._ordered:
                    self._ordered.add(path)
                    self._orders.put(path)
            return found

    def _good(
        self, connection: Connection, copies: Sequence[Copy], version: int
    ) -> Mapping[Path, Copy]:
        """Those of the copies that are right at a version."""
        good = {copy.path: copy for copy in copies if copy.until == version}
        if all(copy.until >= version for copy in copies):
            return good
        # All that there are, or those whose tables are read no more would stay.
        with self._lock:
            behind = [copy for copy in self._held.values() if copy.until < version]
        recent = [copy for copy in behind if copy.until >= version - copying.BEHIND_MAX]
        changes = lake_copies.changes(connection, recent, version) if recent else None
        for copy in behind:
            known = copying.at(copy, version, changes) if changes and copy in recent else None
            if known is not None:
                good[copy.path] = known
            self._know(copy, known)
        return good

    def _know(self, copy: Copy, known: Copy | None) -> None:
        """Take down of a copy what was found out about it; None = it is wrong by now."""
        with self._lock:
            now = self._held.get(copy.path)
            if now is None or now.name != copy.name:
                return
            if known is None:
                self._give_up(copy)
            elif known.until > now.until:
                self._held[copy.path] = known

    def _give_up(self, copy: Copy) -> None:
        """Let nobody else read a copy. Hold the lock when calling this."""
        del self._held[copy.path]
        self._interest[copy.path] = self._interest[copy.path].given_up()
        self._orders.put(copy)

    def _give_all_up(self) -> None:
        with self._lock:
            for copy in list(self._held.values()):
                self._give_up(copy)

    def _work(self) -> None:
        left: list[Copy] = []
        while (order := self._orders.get()) is not None and not self._closed.is_set():
            drops = [*left, order] if isinstance(order, Copy) else left
            try:
                with self._connected() as connection:
                    while drops:
                        lake_copies.drop(connection, drops[-1])
                        drops.pop()
                    if not isinstance(order, Copy):
                        self._copy(connection, order)
            except NodeError as exc:
                # No memory, the lake is away: reads go on without.
                if not self._closed.is_set():
                    _log.info("table not copied", reason=str(exc).partition("\n")[0])
            finally:
                left = drops
                if not isinstance(order, Copy):
                    self._settle(order)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._database.lent() as connection:
            with self._lock:
                self._working = connection
            try:
                yield connection
            finally:
                with self._lock:
                    self._working = None

    def _copy(self, connection: Connection, path: Path) -> None:
        copy = lake_copies.planned(connection, path, snapshots.newest(connection))
        if copy is None or not self._makes_room(copy):
            return
        try:
            lake_copies.make(connection, copy)
        except NodeError:
            self._orders.put(copy)
            raise
        with self._lock:
            self._held[path] = copy

    def _settle(self, path: Path) -> None:
        """Take down what came of an order."""
        with self._lock:
            self._ordered.discard(path)
            interest = self._interest.get(path, Interest())
            made = path in self._held
            self._interest[path] = interest.copied() if made else interest.refused()

    def _makes_room(self, copy: Copy) -> bool:
        with self._lock:
            given = copying.to_give_up(list(self._held.values()), copy.size, self._size_max())
            for other in given or ():
                self._give_up(other)
        return given is not None
