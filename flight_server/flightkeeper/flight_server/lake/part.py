"""A node's part in its lake: its writes, its share in the upkeep, and what is told of that.

Owns the thread of a node that puts its lake in order without a registry; with one, the nodes of the
cluster have one leader for that. Between those who do not know each other the lake's lock decides.
"""

import threading
from collections.abc import Callable, Mapping, Sequence

from flightkeeper.discovery.leading import Work
from flightkeeper.discovery.locks import Hold, LastingHold, LockLost
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.authorization import Rules
from flightkeeper.flight_server.cluster.commands import Owner
from flightkeeper.flight_server.cluster.duties import paced
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake import history, location, upkeep
from flightkeeper.flight_server.lake.copies import Copies
from flightkeeper.flight_server.lake.gates import gate, upkeep_gate
from flightkeeper.flight_server.lake.guard import Guard
from flightkeeper.flight_server.lake.location import Location
from flightkeeper.flight_server.lake.places import Places
from flightkeeper.flight_server.lake.rounds import FAILED, Order, Rounds
from flightkeeper.flight_server.lake.rules import GuardedRules
from flightkeeper.flight_server.lake.transactions import LakeTransactions
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.upkeep import Keeping
from flightkeeper.flight_server.lake.writes import LakeWrites
from flightkeeper.flight_server.system.collecting import Provider
from flightkeeper.flight_server.system.events import What

_END_S = 10.0
_NAME_CHARACTERS = 12

Note = Callable[[What, str, str], None]
"""Takes down what happened, to what, and the details."""


def keeping(settings: NodeSettings) -> Keeping:
    """How long things are kept."""
    return Keeping(
        settings.lake_snapshots_kept_s,
        settings.lake_files_kept_s,
        settings.lake_ledger_kept_s,
        settings.lake_file_bytes,
    )


def rounds(
    where: Location, database: Database, line: Line, clocks: Clocks, author: Callable[[], str]
) -> Rounds:
    """What puts a lake in order that a database has attached.

    Args:
        line: of who writes to it in this process.
    """
    gate = upkeep_gate(where, database)
    return Rounds(Order(where.backend, database, line, gate, clocks, author))


def _guard(where: Location, database: Database) -> Guard:
    with database.lent() as connection:
        return Guard(lake.CATALOG, Places(where, lake.data_path(connection)))


class LakePart:
    """What a node does for its lake; nothing if it has none. `close` ends its threads.

    Attributes:
        copies: of its tables; None = there is no lake.
    """

    def __init__(
        self,
        database: Database,
        clocks: Clocks,
        settings: Callable[[], NodeSettings],
        author: Callable[[], str],
    ) -> None:
        """Do nothing yet but copy tables that are read.

        Args:
            settings: those that hold now.
            author: the node's name.
        """
        self._settings = settings
        self._clocks = clocks
        self._name = database.lake[:_NAME_CHARACTERS]
        self._author = author
        self._history = history.providers(database)
        self._rounds: Rounds | None = None
        self._note: Note = lambda *_: None
        self._hold: Hold | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self.copies: Copies | None = None
        if (url := settings().lake) is not None:
            where = location.parse(url, settings().lake_data)
            self._line = Line(gate(where, database))
            self._rounds = rounds(where, database, self._line, clocks, author)
            self._guard = _guard(where, database)
            self.copies = Copies(database, lambda: settings().lake_copies_bytes)

    def owners(self) -> Sequence[Owner]:
        """Who owns what is in the lake, if there is one."""
        if self._rounds is None:
            return ()
        return LakeWrites(self._line, self._author), LakeTransactions(self._author)

    def rules(self, rules: Rules) -> Rules:
        """What callers may do, but for what breaks the lake, if there is one."""
        return rules if self._rounds is None else GuardedRules(rules, self._guard)

    def duties(self, note: Note) -> Mapping[str, Work]:
        """The duty of putting it in order, by the lake's name: a registry may know several.

        None for a node whose role in PostgreSQL cannot take anything out of the catalog.
        """
        self._note = note
        if self._rounds is None or self._settings().read_only or not self._rounds.may():
            return {}
        every_s = lambda: self._settings().lake_upkeep_s  # noqa: E731
        return {f"lake-{self._name}": paced(every_s, self._step, self._clocks.monotonic_s)}

    def providers(self) -> Mapping[str, Provider]:
        """What has the rows of system tables about it."""
        return {"lake": self._rows, "lake_copies": self._copied, **self._history}

    def serve_alone(self, note: Note) -> None:
        """Do the duty without a registry that says whose it is."""
        for name, work in self.duties(note).items():
            self._hold = hold = LastingHold(name, 0, lambda: None)
            self._thread = threading.Thread(
                target=work, args=(hold,), name="flightkeeper-lake", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Put nothing in order any more. Idempotent, bounded."""
        self._closed.set()
        if self._hold is not None:
            self._hold.stop()
        if self._rounds is not None:
            self._rounds.stop()
        if self.copies is not None:
            self.copies.close()
        if self._thread is not None:
            self._thread.join(_END_S)

    def _step(self, hold: Hold) -> None:
        assert self._rounds is not None

        def check() -> None:
            hold.check()
            if self._closed.is_set():
                raise LockLost("the node leaves")

        check()
        try:
            done = self._rounds.round(keeping(self._settings()), check)
        except NodeError as exc:
            check()
            self._note(What.DUTY_HINDERED, "lake", str(exc).partition("\n")[0])
            return
        for run in done or ():
            what = What.DUTY_HINDERED if run.outcome == FAILED else What.LAKE_KEPT
            self._note(what, run.step.value, run.detail)

    def _rows(self) -> list[tuple[object, ...]]:
        if self._rounds is None:
            return []
        backlog, runs = self._rounds.look(keeping(self._settings()))
        rows = []
        for step, count in upkeep.to_do(backlog).items():
            run = runs.get(step)
            told: tuple[object, ...] = (None,) * 5
            if run is not None:
                told = (run.node, round(run.at_s * 1e6), run.took_ms, run.outcome, run.detail)
            rows.append((step.value, count, *told))
        return rows

    def _copied(self) -> list[tuple[object, ...]]:
        held = () if self.copies is None else self.copies.held()
        return [
            (self._author(), *copy.path, copy.since, copy.until, copy.size, reads)
            for copy, reads in held
        ]
