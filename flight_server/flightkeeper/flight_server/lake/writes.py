"""Writes to the lake: each in its turn, once, and small ones that wait together committed together.

A statement within its caller's transaction is the caller's business.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import lake
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Shape, Statement, words_at
from flightkeeper.flight_server.errors import Cancelled
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.additions import added_to
from flightkeeper.flight_server.lake.commits import Check, Commits, FellOut
from flightkeeper.flight_server.lake.groups import STOPPED, Member, Waiting
from flightkeeper.flight_server.lake.turns import Line

_T = TypeVar("_T")
_SMALL_CHARACTERS_MAX = 16 * 1024
_SMALL_ROWS_MAX = 100
_SMALL = {("insert",), ("update",), ("delete",)}


class LakeWrites:
    """The owner of what is in the lake, as `cluster.commands` knows owners. Thread-safe."""

    tells = True

    def __init__(self, line: Line, author: Callable[[], str]) -> None:
        """Own it.

        Args:
            author: the node's name, which commits carry.
        """
        self._line = line
        self._commits = Commits(author)
        self._waiting = Waiting()

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether a statement changes what is in the lake, and nothing else."""
        if statement.stateful or statement.shape is Shape.ROWS or not statement.target:
            return False
        *before, name = (part.lower() for part in statement.target)
        if len(before) > 1 or (before and lake.is_catalog(connection, before[0])):
            return before[0] == lake.CATALOG
        return lake.looked_up_in(connection) and (bool(before) or not lake.hides(connection, name))

    def change(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Make a change, once.

        Raises:
            NodeError: it cannot be made; says whether it was.
        """
        if connection.in_transaction:
            changed = change.run(connection)
            connection.writes_lake = True
            return changed
        member = named(call, change, call.next_change())
        with connection.alone(), connection.waiting() as check:
            apart = call.may_be_known or not connection.plain
            if not apart and (words := _small(change)):
                member.adds_to = added_to(words)
                self._together(connection, member, check)
                member.raise_error()
            else:
                self._by_itself(connection, member, check, may_be_known=call.may_be_known)
        # What owns() lets in answers with how many rows it changed.
        return cast("_T", member.rows)

    def _by_itself(
        self, connection: Connection, member: Member, check: Check, *, may_be_known: bool
    ) -> None:
        with self._line.turn(check):
            # In its turn, because who was asked before may have had the one before it.
            if not may_be_known or not self._commits.applied(connection, member):
                self._commits.make(connection, [member], Member.do, check)

    def _together(self, connection: Connection, member: Member, check: Check) -> None:
        """Have it committed, by whoever of those who wait gets the turn first."""

        def look() -> None:
            self._waiting.look(member, check)

        self._waiting.join(member)
        while not member.settled:
            if self._waiting.is_next(member):
                with self._line.turn(look):
                    self._lead(connection, self._waiting.take(), check)
            elif not member.wait():
                look()

    def _lead(self, connection: Connection, group: list[Member], check: Check) -> None:
        """Commit a group; its first member is the one whose connection it is."""
        own, left = group[0], [group]
        while left:
            left += self._tried(connection, own, left.pop(), check)

    def _tried(
        self, connection: Connection, own: Member, group: list[Member], check: Check
    ) -> list[list[Member]]:
        """Commit a group; what is left of it to be tried, the last first."""
        error: BaseException | None = None
        try:
            self._commits.make(connection, group, self._waiting.run, check)
        except FellOut as exc:
            failed, error = exc.member, exc.__cause__
            rest = [member for member in group if member is not failed]
            if failed.stopped or (failed is own and isinstance(error, Cancelled)):
                failed.settle(error or Cancelled(STOPPED))
                return [rest]
            if not isinstance(error, Cancelled):
                # What ran before it in the transaction may be to blame: by itself it is told the
                # truth.
                return [rest, [failed]]
        except BaseException as exc:  # noqa: BLE001 - it is raised to those who wait
            error = exc
        if isinstance(error, Cancelled) and not group[0].stopped:
            # It was not they who were stopped, but whose connection this is.
            self._waiting.put_back([member for member in group if member is not own])
            group = [member for member in group if member is own]
        self._waiting.ended(group)
        for member in group:
            member.settle(error)
        return []


def _small(change: Change[Any]) -> Sequence[str]:
    """The words of a change that takes no time to speak of, beside its commit; none if it may."""
    statement = change.statement
    if (
        not statement.undoable
        or statement.opening[:1] not in _SMALL
        or len(statement.sql) > _SMALL_CHARACTERS_MAX
        or len(change.sent) > _SMALL_ROWS_MAX
    ):
        return ()
    words = [word for _, word in words_at(statement.sql)]
    return () if "select" in words else words


def named(call: Call, change: Change[Any], number: int) -> Member:
    """The change under the id that makes it one and the same.

    Args:
        number: of the change within the call.
    """
    given = call.statement_id
    key = ledger.key(call.owner, given or uuid.uuid4().hex, number)
    text = ledger.text_of(change.statement.source, change.sent if given else ())
    return Member(key, text, change.run)
