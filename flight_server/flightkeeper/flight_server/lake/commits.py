"""Commits of the lake: one for a group of statements, tried again when another commit was faster.

Owns the transaction, and what is said when it is not known how that ended: the ledger is asked.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TypeVar

from flightkeeper.flight_server.engine import lake, lake_additions, lake_ledger
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import (
    Cancelled,
    EngineFailed,
    InvalidArgument,
    NodeError,
    Unavailable,
)
from flightkeeper.flight_server.lake.groups import Member
from flightkeeper.flight_server.lake.ledger import NOT_APPLIED, Entry
from flightkeeper.flightsql.headers import Reason

_TRIES_MAX = 8
_COLLECTED_MIN = 3
"""Fewer statements write a file each as fast."""
_PAUSE_S = 0.02
_PAUSE_MAX_S = 1.0
_LOOKS_MAX = 5
_LOOK_AGAIN_S = 0.5
_NAP_S = 0.05
_NOBODY_SAYS = (
    "the lake's catalog does not answer, so that it is not known whether the statement was "
    "applied: ask again under the same statement id"
)

_T = TypeVar("_T")
Run = Callable[[Member, Connection], None]
"""Runs a member's statement in the open transaction, and notes how many rows it changed."""
Author = Callable[[], str]
"""The node's name, which commits carry."""
Check = Callable[[], None]
"""Raises Cancelled when who commits is not wanted any more."""


class FellOut(Exception):
    """A statement of several failed by itself; nothing of the group was committed."""

    def __init__(self, member: Member) -> None:
        super().__init__(member.key)
        self.member = member


class Commits:
    """Commits groups. Thread-safe."""

    def __init__(self, author: Author) -> None:
        self._author = author

    def make(self, connection: Connection, group: Sequence[Member], run: Run, check: Check) -> None:
        """Run and commit a group as one, as often as others are faster or the catalog is away.

        Raises:
            FellOut: one of several cannot be in it.
            NodeError: it cannot be committed; says whether it was.
        """
        unsure, tries = False, 0
        while (error := self._failed(connection, group, run)) is not None:
            tries += 1
            # What is away before anything began was not committed; any other try may have been, and
            # only its answer was lost.
            unsure |= error.reason is not Reason.AWAY
            group = self._left(connection, group, check) if unsure else group
            if not group:
                return
            if tries == _TRIES_MAX and not unsure:
                raise error
            if tries == _TRIES_MAX:
                self._give_up(connection, group, error, check)
                return
            _sleep(_pause_s(tries), check)

    def applied(self, connection: Connection, member: Member) -> bool:
        """Whether a statement was applied by an earlier try; its rows are noted then.

        Raises:
            Unavailable: nobody can say.
            InvalidArgument: the id is another statement's.
        """
        return _was_applied(member, look_up(connection, member.key))

    def _failed(
        self, connection: Connection, group: Sequence[Member], run: Run
    ) -> NodeError | None:
        """Why a try has failed that may be made again; None if it was committed."""
        try:
            self._once(connection, group, run)
        except NodeError as exc:
            connection.rollback()
            if not lake.was_taken(exc) and not lake.was_lost(exc):
                raise
            return exc
        except BaseException:
            connection.rollback()
            raise
        return None

    def _once(self, connection: Connection, group: Sequence[Member], run: Run) -> None:
        connection.begin()
        for table, members in _by_table(group).items():
            # What goes wrong with collecting does so with each of them, too.
            with _falling_out(members[0], group), _collected(connection, table, members):
                for member in members:
                    with _falling_out(member, group):
                        run(member, connection)
        if stopped := [member for member in group if member.stopped]:
            raise FellOut(stopped[0])
        entries = [Entry(member.key, member.text, member.rows) for member in group]
        lake_ledger.carry(connection, self._author(), entries)
        connection.commit()

    def _left(
        self, connection: Connection, group: Sequence[Member], check: Check
    ) -> Sequence[Member]:
        """Those that were not applied after all, by this node or by another one."""
        left, keys = [], [member.key for member in group]
        entries = _patiently(partial(lake_ledger.entries, connection, keys), check)
        for member in group:
            try:
                if not _was_applied(member, entries.get(member.key)):
                    left.append(member)
            except (EngineFailed, InvalidArgument) as exc:
                if len(group) > 1:
                    raise FellOut(member) from exc
                raise
        return left

    def _give_up(
        self, connection: Connection, group: Sequence[Member], cause: NodeError, check: Check
    ) -> None:
        """See to it that no try is committed any more; returns if one was just then.

        Raises:
            EngineFailed: none was, and none will be.
            Unavailable: nobody can say.
        """
        if lake.was_taken(cause):
            raise _overtaken(connection, cause) from cause
        # Each try was for all of them: without the first one none can be committed.
        if settled(connection, group[0].key, check) is not None:
            if not self._left(connection, group, check):
                return
            raise Unavailable(_NOBODY_SAYS, in_doubt=True) from cause
        # What a COMMIT that was not answered may mean is known now.
        why = cause.__cause__ if isinstance(cause.__cause__, NodeError) else cause
        raise EngineFailed(
            f"the lake's catalog failed each time, and the statement was not applied: send it "
            f"again, under another statement id. {why}"
        ) from cause


def _by_table(group: Sequence[Member]) -> dict[str, list[Member]]:
    """Members by the table that they only add rows to; the others under no name."""
    found: dict[str, list[Member]] = {}
    for member in group:
        found.setdefault(member.adds_to, []).append(member)
    return found


@contextmanager
def _falling_out(member: Member, group: Sequence[Member]) -> Iterator[None]:
    """An error is this member's, if it is one of several."""
    try:
        yield
    except NodeError as exc:
        if len(group) > 1:
            raise FellOut(member) from exc
        raise


def _collected(
    connection: Connection, table: str, members: Sequence[Member]
) -> AbstractContextManager[None]:
    if not table or len(members) < _COLLECTED_MIN:
        return nullcontext()
    return lake_additions.collected(connection, table)


def look_up(connection: Connection, key: str) -> Entry | None:
    """What the ledger says of an id; None = nothing yet.

    Raises:
        Unavailable: nobody can say.
    """
    try:
        return lake_ledger.found(connection, key)
    except Cancelled:
        raise
    except NodeError as exc:
        raise Unavailable(_NOBODY_SAYS, in_doubt=True) from exc


def settled(connection: Connection, key: str, check: Check) -> Entry | None:
    """Let no commit carry an id any more; what one has, if one has.

    Raises:
        Unavailable: nobody can say.
    """

    def settle() -> Entry | None:
        entry = lake_ledger.found(connection, key)
        if entry is None:
            # If one has just then, this fails, and it is found the next time.
            lake_ledger.settle(connection, key)
        return entry

    return _patiently(settle, check)


def _patiently(ask: Callable[[], _T], check: Check) -> _T:
    """An answer of the ledger, asked for longer than once, because nobody else can say.

    Raises:
        Unavailable: there is none.
    """
    for look in range(_LOOKS_MAX):
        try:
            if look:
                _sleep(_LOOK_AGAIN_S, check)
            return ask()
        except NodeError as exc:
            if isinstance(exc, Cancelled) or look == _LOOKS_MAX - 1:
                raise Unavailable(_NOBODY_SAYS, in_doubt=True) from exc
    raise AssertionError("the last look returns or raises")


def _was_applied(member: Member, entry: Entry | None) -> bool:
    """Whether the ledger's entry is of this statement; its rows are noted then.

    Raises:
        EngineFailed: it was given up.
        InvalidArgument: the id is another statement's.
    """
    if entry is None:
        return False
    if entry.rows == NOT_APPLIED:
        raise EngineFailed(
            "the statement was given up before, and was not applied; nothing was run: send it "
            "under another statement id"
        )
    if entry.text != member.text:
        raise InvalidArgument(
            "this statement id was another statement's, which was applied; nothing was run: "
            "give each statement an id of its own"
        )
    member.rows = entry.rows
    return True


def _overtaken(connection: Connection, error: NodeError) -> NodeError:
    """An error for who lost against others, with who they were."""
    number, author = lake.last_change(connection)
    other = f"version {number}, which node {author} made" if author else f"version {number}"
    return EngineFailed(
        f"the statement was not applied, because others changed the same table each time it was "
        f"tried; the lake is at {other}: send it again. {error}",
        reason=Reason.CONFLICT,
    )


def _pause_s(tries: int) -> float:
    # Full jitter: those who met do not meet again.
    return random.uniform(0, min(_PAUSE_S * 2.0**tries, _PAUSE_MAX_S))  # noqa: S311


def _sleep(seconds: float, check: Check) -> None:
    """Wait, unless who waits is not wanted any more."""
    deadline_s = time.monotonic() + seconds
    while (left_s := deadline_s - time.monotonic()) > 0:
        check()
        time.sleep(min(left_s, _NAP_S))
