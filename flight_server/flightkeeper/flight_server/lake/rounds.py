"""Puts a lake in order, one round at a time: looks what is to be done, and does it step by step.

Owns the lock among those who do so, and what is said of it. What writes is done in its turn among
writers, each thing by itself; what others were faster with is left to the next round.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import groupby

import structlog

from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine import lake, lake_inspection, lake_upkeep
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.deletions import DeletionRefused
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake import upkeep
from flightkeeper.flight_server.lake.location import Backend
from flightkeeper.flight_server.lake.turns import Gate, GateBroken, Line
from flightkeeper.flight_server.lake.upkeep import Backlog, Cutoffs, Keeping, Run, Step, Task

DONE = "done"
PUT_OFF = "put off"
FAILED = "failed"
_DETAIL_CHARACTERS_MAX = 500
_REFUSED_PAUSE_S = 86_400.0
"""Who may not delete files does not try it again for so long."""

_log = structlog.get_logger(__name__)

Check = Callable[[], None]
"""Raises when the round is to end."""


@dataclass(frozen=True, slots=True)
class Order:
    """The lake that is put in order, and by whom.

    Attributes:
        line: of those in this process who write to it.
        gate: of those who put it in order.
        author: the node's name.
    """

    backend: Backend
    database: Database
    line: Line
    gate: Gate
    clocks: Clocks
    author: Callable[[], str]


class Rounds:
    """Puts a lake in order. `round` is for one thread at a time; `stop` for any."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._lock = threading.Lock()  # guards the connection of the round
        self._connection: Connection | None = None
        self._deletes_again_s = float("-inf")

    def may(self) -> bool:
        """Whether the role of this node may do it; if nobody says, the rounds will tell."""
        with self._order.database.lent() as connection:
            try:
                held = lake_inspection.rights(connection, self._order.backend)
            except NodeError:
                return True
        return held is None or held.maintains

    def look(self, keeping: Keeping) -> tuple[Backlog, dict[Step, Run]]:
        """What is to be done, and what was done last.

        Raises:
            NodeError: the lake's catalog does not answer.
        """
        with self._order.database.lent() as connection:
            backlog = self._backlog(connection, keeping, self._cutoffs(keeping))
            return backlog, dict(lake_upkeep.runs(connection, self._order.backend))

    def round(self, keeping: Keeping, check: Check) -> Sequence[Run] | None:
        """Do what is to be done now; None if somebody else is at it.

        Args:
            check: asked before each thing; what it raises ends the round.

        Raises:
            NodeError: the lake's catalog does not answer.
        """
        try:
            if not self._order.gate.try_enter():
                return None
        except GateBroken as exc:
            _log.info("the lake is not put in order now", problem=str(exc))
            return None
        try:
            with self._connected() as connection:
                return list(self._steps(connection, keeping, check))
        finally:
            self._order.gate.leave()

    def stop(self) -> None:
        """Interrupt what a round does just now."""
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = self._order.database.connect()
        with self._lock:
            self._connection = connection
        try:
            yield connection
        finally:
            with self._lock:
                self._connection = None
            connection.close()

    def _cutoffs(self, keeping: Keeping) -> Cutoffs:
        texts = self._order.backend is Backend.SQLITE
        return upkeep.cutoffs(keeping, self._order.clocks.wall_s(), times_are_texts=texts)

    def _backlog(self, connection: Connection, keeping: Keeping, cutoffs: Cutoffs) -> Backlog:
        return lake_upkeep.backlog(connection, self._order.backend, keeping, cutoffs)

    def _steps(self, connection: Connection, keeping: Keeping, check: Check) -> Iterator[Run]:
        cutoffs = self._cutoffs(keeping)
        # In turn, because SQLite refuses to answer while somebody writes.
        with self._order.line.turn(check):
            backlog = self._backlog(connection, keeping, cutoffs)
        for step, group in groupby(self._plan(backlog, keeping), key=lambda task: task.step):
            began_s = self._order.clocks.monotonic_s()
            told = list(self._each(connection, group, keeping, cutoffs, check))
            took_ms = round((self._order.clocks.monotonic_s() - began_s) * 1000)
            run = self._run(step, told, took_ms)
            _say(run)
            check()
            with self._order.line.turn(check):
                lake_upkeep.note(connection, run)
            yield run

    def _plan(self, backlog: Backlog, keeping: Keeping) -> Iterator[Task]:
        may_delete = self._order.clocks.monotonic_s() >= self._deletes_again_s
        for task in upkeep.plan(backlog, keeping, self._order.clocks.wall_s()):
            if may_delete or task.step not in upkeep.DELETING:
                yield task

    def _each(
        self,
        connection: Connection,
        tasks: Iterable[Task],
        keeping: Keeping,
        cutoffs: Cutoffs,
        check: Check,
    ) -> Iterator[tuple[str, str]]:
        for task in tasks:
            check()
            try:
                with self._turn(task, check):
                    done = lake_upkeep.perform(
                        connection, task, keeping, cutoffs, self._order.author()
                    )
            except NodeError as exc:
                check()  # which tells of a stop before what it came to here
                if isinstance(exc, DeletionRefused):
                    self._deletes_again_s = self._order.clocks.monotonic_s() + _REFUSED_PAUSE_S
                yield (PUT_OFF if lake.was_taken(exc) else FAILED), task.told(_line(exc))
            else:
                yield DONE, task.told(done)

    def _turn(self, task: Task, check: Check) -> AbstractContextManager[None]:
        return self._order.line.turn(check) if task.step in upkeep.IN_TURN else nullcontext()

    def _run(self, step: Step, told: Sequence[tuple[str, str]], took_ms: int) -> Run:
        outcomes = [outcome for outcome, _ in told]
        worst = max(outcomes, key=[DONE, PUT_OFF, FAILED].index)
        detail = "; ".join(text for outcome, text in told if outcome == worst)
        now_s = self._order.clocks.wall_s()
        return Run(
            step, self._order.author(), now_s, took_ms, worst, detail[:_DETAIL_CHARACTERS_MAX]
        )


def _line(error: NodeError) -> str:
    return " ".join(str(error).split())


def _say(run: Run) -> None:
    say = _log.warning if run.outcome == FAILED else _log.info
    told = {"step": run.step.value, "outcome": run.outcome, "took_ms": run.took_ms}
    say("upkeep of the lake", **told, detail=run.detail)
