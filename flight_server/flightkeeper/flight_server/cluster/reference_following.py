"""A node follows the reference tables of its cluster: from what is told to the engine's copies.

Owns the thread `flightkeeper-tables`, which tables the engine has in which version, and whose turn
it is to touch one. While the registry is away, or what it says is no table, what was there stays.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto

import structlog

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.reference_table import MalformedTable
from flightkeeper.discovery.reference_tables import ReferenceTable, ReferenceTables, read
from flightkeeper.discovery.registry import Watch
from flightkeeper.flight_server.cluster import reference_copies
from flightkeeper.flight_server.cluster.home import Home
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import Cancelled, NodeError, Unavailable

_END_S = 5.0
_AGAIN_S = 1.0
"""After so long what could not be followed is tried again."""
_ASK_AGAIN_S = 0.05
"""How often who waits for a turn looks whether it is still wanted."""

_STOPPED = "the statement was stopped while it waited for others; nothing was run"

_log = structlog.get_logger(__name__)

_Told = Mapping[str, Document]


class _Sign(Enum):
    LOOK = auto()
    END = auto()


class FollowedTables:
    """The engine's copies of reference tables. `start` once, then `close`. Thread-safe."""

    def __init__(
        self,
        tables: ReferenceTables,
        database: Database,
        home: Home,
        tell: Callable[[str], None],
    ) -> None:
        """Follow nothing yet.

        Args:
            tell: told after every look what cannot be followed; empty = nothing.
        """
        self.home = home
        self._tables = tables
        self._database = database
        self._tell = tell
        # Guards the four below, and tells who waits for a turn.
        self._changed = threading.Condition()
        self._versions: dict[str, int] = {}
        self._held: frozenset[str] = frozenset()
        self._unseen: set[str] = set()
        self._busy: set[str] = set()
        self._told: _Told = {}
        self._news: queue.SimpleQueue[_Told | _Sign] = queue.SimpleQueue()
        self._first = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._run, name="flightkeeper-tables", daemon=True)

    @property
    def held(self) -> frozenset[str]:
        """The tables that the engine has, as `schema.table`."""
        return self._held

    def start(self, timeout_s: float) -> bool:
        """Begin; whether the engine has what the registry says. False: it did not answer yet."""
        self._thread.start()
        self._watch = self._tables.watch(self._news.put)
        return self._first.wait(timeout_s)

    def close(self) -> None:
        """Follow no more. Idempotent, bounded."""
        if self._watch is not None:
            self._watch.close()
        self._news.put(_Sign.END)
        if self._thread.is_alive():
            self._thread.join(_END_S)

    @contextmanager
    def turn(self, connection: Connection, name: str, timeout_s: float) -> Iterator[None]:
        """Be the only one who touches a table here.

        Args:
            connection: whose interruption ends the waiting.

        Raises:
            Unavailable: others took too long; nothing was done.
            Cancelled: the statement was stopped while it waited; nothing was done.
        """
        self._take(connection, name, timeout_s)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(name)
                self._changed.notify_all()
            self._news.put(_Sign.LOOK)

    def _take(self, connection: Connection, name: str, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        with connection.waiting() as check, self._changed:
            while name in self._busy:
                try:
                    check()
                except Cancelled as exc:
                    raise Cancelled(_STOPPED) from exc
                if time.monotonic() > deadline_s:
                    raise Unavailable(
                        f"other statements have been changing {name} for {timeout_s:.0f} s; "
                        "nothing was run: try again"
                    )
                self._changed.wait(_ASK_AGAIN_S)
            self._busy.add(name)

    def written(self, table: ReferenceTable) -> None:
        """Let the engine have a table that was just written; in its turn."""
        with self._changed:
            # A list of all tables that was read before does not have it.
            self._unseen.add(table.name)
        try:
            self._put(table)
        except NodeError as exc:
            # It is written, whatever this engine says; the next look brings it.
            _log.warning("a reference table cannot be followed", table=table.name, problem=str(exc))

    def deleted(self, name: str, version: int) -> None:
        """Let the engine have a table no more that was just taken away; in its turn."""
        try:
            self._remove(name)
        except NodeError as exc:
            _log.warning("a reference table cannot be taken away", table=name, problem=str(exc))
            return
        self._versions[name] = version

    def _run(self) -> None:
        problems = ""
        while (news := self._next(again=bool(problems))) is not _Sign.END:
            if not isinstance(news, _Sign):
                self._told = news
                with self._changed:
                    self._unseen.difference_update(
                        name for name in news if news[name].version >= self._versions.get(name, 0)
                    )
            elif not self._first.is_set():
                continue
            problems = "; ".join(filter(None, map(self._bring, self._names())))
            self._tell(problems)
            self._first.set()

    def _next(self, *, again: bool) -> "_Told | _Sign":
        """What there is to do; what could not be done is tried again after a while."""
        try:
            return self._news.get(timeout=_AGAIN_S if again else None)
        except queue.Empty:
            return _Sign.LOOK

    def _names(self) -> list[str]:
        return sorted({*self._told, *self._held})

    def _bring(self, name: str) -> str:
        """Bring one table to what was told, if nobody is changing it; what keeps it from that."""
        with self._changed:
            if name in self._busy:
                return ""  # there is another look after that
            self._busy.add(name)
        try:
            self._follow(name, self._told.get(name))
        except (RegistryError, MalformedTable, NodeError) as exc:
            _log.warning("a reference table cannot be followed", table=name, problem=str(exc))
            return f"{name}: {exc}".partition("\n")[0]
        except Exception as exc:  # noqa: BLE001 - the other tables are followed, whatever this is
            _log.error("defect", exc_info=exc)
            return f"{name}: following it met a defect; the log has the details"
        finally:
            with self._changed:
                self._busy.discard(name)
                self._changed.notify_all()
        return ""

    def _follow(self, name: str, document: Document | None) -> None:
        if document is None and name in self._unseen:
            table = self._tables.get(name)
        elif document is None or document.version > self._versions.get(name, -1):
            table = read(name, document)
        else:
            return
        if table is None:
            self._remove(name)
        elif table.version > self._versions.get(name, -1):
            self._put(table)

    def _put(self, table: ReferenceTable) -> None:
        before = self._held
        # From before it is seen: a change of it is not one of the engine's.
        self._hold(table.name, held=True)
        try:
            with self._database.lent() as connection:
                reference_copies.put(connection, self.home, table.name, table.content)
        except BaseException:
            self._hold(table.name, held=table.name in before)
            raise
        self._versions[table.name] = table.version

    def _remove(self, name: str) -> None:
        with self._database.lent() as connection:
            reference_copies.remove(connection, self.home, name)
        self._hold(name, held=False)
        with self._changed:
            self._unseen.discard(name)

    def _hold(self, name: str, *, held: bool) -> None:
        with self._changed:
            self._held = self._held | {name} if held else self._held - {name}
