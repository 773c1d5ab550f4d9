"""Writes to the lake: each in its turn, once, and tried again when another commit was faster.

Owns the transaction around a statement that has none, and what is said when it is not known how
that ended. A statement within its caller's transaction is the caller's business.
"""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Shape, Statement
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    InvalidArgument,
    NodeError,
    Unavailable,
)
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.ledger import NOT_APPLIED, Entry
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flightsql.headers import Reason

_T = TypeVar("_T")
_TRIES_MAX = 8
_PAUSE_S = 0.02
_PAUSE_MAX_S = 1.0
_LOOKS_MAX = 5
_LOOK_AGAIN_S = 0.5
_NOBODY_SAYS = (
    "the lake's catalog does not answer, so that it is not known whether the statement was "
    "applied: ask again under the same statement id"
)


@dataclass(frozen=True, slots=True)
class _Named:
    """A statement under the id that makes it one and the same."""

    key: str
    text: str
    sent_before: bool


class LakeWrites:
    """The owner of what is in the lake, as `cluster.commands` knows owners. Thread-safe."""

    tells = True

    def __init__(self, line: Line, author: Callable[[], str]) -> None:
        """Own it.

        Args:
            author: the node's name, which commits carry.
        """
        self._line = line
        self._author = author

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether a statement changes what is in the lake, and nothing else."""
        if statement.stateful or statement.shape is Shape.ROWS or not statement.target:
            return False
        *before, name = (part.lower() for part in statement.target)
        if len(before) > 1 or (before and lake.is_catalog(connection, before[0])):
            return before[0] == lake.CATALOG
        return lake.looked_up_in(connection) and (bool(before) or not lake.hides(connection, name))

    def change(
        self, call: Call, connection: Connection, statement: Statement, run: Callable[[], _T]
    ) -> _T:
        """Make a change, once.

        Raises:
            NodeError: it cannot be made; says whether it was.
        """
        if connection.in_transaction:
            return run()
        named = _named(call, statement)
        with connection.alone(), connection.waiting() as check, self._line.turn(check):
            # In its turn, because who was asked before may have had the one before it.
            if named.sent_before and (rows := self._applied(connection, named)) is not None:
                return cast("_T", rows)
            return self._made(connection, named, run)

    def _made(self, connection: Connection, named: _Named, run: Callable[[], _T]) -> _T:
        """Make it, as often as others are faster or the lake's catalog is away."""
        for tries_left in reversed(range(_TRIES_MAX)):
            try:
                return self._once(connection, named, run)
            except NodeError as exc:
                connection.rollback()
                taken = lake.was_taken(exc)
                if not taken and not lake.was_lost(exc):
                    raise
                # A try that is said to have failed may have been committed: its answer was lost.
                if (rows := self._applied(connection, named, patient=True)) is not None:
                    return cast("_T", rows)
                if not tries_left:
                    if taken:
                        raise _overtaken(connection, exc) from exc
                    return cast("_T", self._given_up(connection, named, exc))
                _pause(_TRIES_MAX - tries_left)
            except BaseException:
                connection.rollback()
                raise
        raise AssertionError("the last try returns or raises")

    def _given_up(self, connection: Connection, named: _Named, cause: NodeError) -> int:
        """See to it that no try is committed any more; the rows of one that was just then.

        Raises:
            EngineFailed: none was, and none will be.
            Unavailable: nobody can say.
        """
        try:
            lake.settle(connection, named.key)
        except NodeError:
            rows = self._applied(connection, named, patient=True)
            if rows is not None:
                return rows
            raise Unavailable(_NOBODY_SAYS, in_doubt=True) from cause
        raise EngineFailed(
            f"the lake's catalog failed each time, and the statement was not applied: send it "
            f"again, under another statement id. {cause}"
        ) from cause

    def _once(self, connection: Connection, named: _Named, run: Callable[[], _T]) -> _T:
        connection.begin()
        done = run()
        rows = done if isinstance(done, int) else 0
        lake.carry(connection, self._author(), [Entry(named.key, named.text, rows)])
        connection.commit()
        return done

    def _applied(
        self, connection: Connection, named: _Named, *, patient: bool = False
    ) -> int | None:
        """How many rows an earlier try of the statement changed; None if there was none.

        Args:
            patient: ask for longer, because nobody else can say.

        Raises:
            Unavailable: nobody can say.
            InvalidArgument: the id is another statement's.
        """
        for looks_left in reversed(range(_LOOKS_MAX if patient else 1)):
            try:
                entry = lake.found(connection, named.key)
                break
            except Cancelled:
                raise
            except NodeError as exc:
                if not looks_left:
                    raise Unavailable(_NOBODY_SAYS, in_doubt=True) from exc
                time.sleep(_LOOK_AGAIN_S)
        if entry is None:
            return None
        if entry.rows == NOT_APPLIED:
            raise EngineFailed(
                "the statement was given up before, and was not applied; nothing was run: send it "
                "under another statement id"
            )
        if entry.text != named.text:
            raise InvalidArgument(
                "this statement id was another statement's, which was applied; nothing was run: "
                "give each statement an id of its own"
            )
        return entry.rows


def _named(call: Call, statement: Statement) -> _Named:
    given = call.statement_id
    number = call.next_change()
    key = ledger.key(call.owner, given or uuid.uuid4().hex, number)
    return _Named(
        key, ledger.text_of(statement.source), bool(given) and call.sent_before is not False
    )


def _overtaken(connection: Connection, error: NodeError) -> NodeError:
    """An error for who lost against others, with who they were."""
    number, author = lake.last_change(connection)
    other = f"version {number}, which node {author} made" if author else f"version {number}"
    return EngineFailed(
        f"the statement was not applied, because others changed the same table each time it was "
        f"tried; the lake is at {other}: send it again. {error}",
        reason=Reason.CONFLICT,
    )


def _pause(tries: int) -> None:
    # Full jitter: those who met do not meet again.
    time.sleep(random.uniform(0, min(_PAUSE_S * 2.0**tries, _PAUSE_MAX_S)))  # noqa: S311
