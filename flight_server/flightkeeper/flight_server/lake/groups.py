"""Small writes that wait at the same time: the first of them to get a turn commits all of them.

Theory. A commit of the lake costs as much for one row as for a hundred, and a node's writers stand
in line for it. So who gets the turn takes along who waits: their statements run one after another
in one transaction, as if each had had a turn of its own. Who is stopped before its statement was
taken along never runs; afterwards it is for the one who took it to leave it out, or to say that it
was too late.

Owns who waits and who was taken along; how they are committed is `lake/writes`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import Cancelled, NodeError

MEMBERS_MAX = 64
STOPPED = "the statement was stopped; nothing of it was written"
_GATHER_SHARE = 0.5
_GATHER_MAX_S = 0.02
"""How long those of the last group are waited for, who come back with their next statement: a part
of what a group of its own would take them, but not this long."""
_LOOK_AGAIN_S = 0.05


@dataclass(slots=True, eq=False)
class Member:
    """A write on its way.

    Attributes:
        key: in the ledger.
        text: what tells it from another statement under the same id.
        run: does it on a connection; how many rows it changed.
        adds_to: the table that it adds rows to and does nothing else; empty if it may do more.
        rows: how many it changed, once it has run.
        stopped: nobody waits for it any more.
    """

    key: str
    text: str
    run: Callable[[Connection], Any]
    adds_to: str = ""
    rows: int = 0
    stopped: bool = False
    _error: BaseException | None = None
    _settled: threading.Event = field(default_factory=threading.Event)

    def do(self, connection: Connection) -> None:
        """Run it."""
        self.rows = self.run(connection)

    @property
    def settled(self) -> bool:
        """Whether it is known what became of it."""
        return self._settled.is_set()

    def settle(self, error: BaseException | None) -> None:
        """It was applied, or this is what its caller is told instead."""
        self._error = error
        self._settled.set()

    def wait(self) -> bool:
        """Wait a moment until it is settled; whether it is."""
        return self._settled.wait(_LOOK_AGAIN_S)

    def raise_error(self) -> None:
        """Raise what its caller is told, unless it was applied."""
        if isinstance(self._error, NodeError):
            # One error may be several callers'.
            raise self._error.reworded(str(self._error)) from self._error
        if self._error is not None:
            raise self._error


class Waiting:
    """The small writes of a node that wait for a turn. Thread-safe."""

    def __init__(self) -> None:
        # Guards all below; notified when one more waits.
        self._changed = threading.Condition()
        self._members: deque[Member] = deque()
        self._next: Member | None = None
        self._running: tuple[Member, Connection, int] | None = None
        self._taken_s = 0.0
        self._expected = 1
        self._patience_s = 0.0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._members)

    def join(self, member: Member) -> None:
        """Wait."""
        with self._changed:
            self._members.append(member)
            self._changed.notify_all()

    def look(self, member: Member, check: Callable[[], None]) -> None:
        """See whether a member's caller still wants it.

        Args:
            check: raises Cancelled if not.

        Raises:
            Cancelled: it does not, and nobody has taken it along.
        """
        try:
            check()
        except Cancelled:
            with self._changed:
                if member in self._members:
                    self._members.remove(member)
                    if self._next is member:
                        self._next = None
                    raise
                member.stopped = True
                if self._running is not None and self._running[0] is member:
                    _, connection, thread = self._running
                    connection.interrupt(thread, waits=False)

    def is_next(self, member: Member) -> bool:
        """Whether a member is the one who goes for the turn, and takes the others along."""
        with self._changed:
            if self._next is None and member in self._members:
                self._next = member
            return self._next is member

    def take(self) -> list[Member]:
        """The one who is next, and whom it takes along. Another one may be next from now on."""
        with self._changed:
            assert self._next is not None
            self._gather()
            group, self._next = [self._next], None
            self._members.remove(group[0])
            keys, left = {group[0].key}, deque[Member]()
            for member in self._members:
                # Two of one id cannot be in one commit.
                if len(group) < MEMBERS_MAX and member.key not in keys:
                    group.append(member)
                    keys.add(member.key)
                else:
                    left.append(member)
            self._members = left
            self._taken_s = time.monotonic()
            return group

    def _gather(self) -> None:
        deadline_s = time.monotonic() + self._patience_s
        while len(self._members) < self._expected:
            if not self._changed.wait(deadline_s - time.monotonic()):
                return

    def ended(self, group: Sequence[Member]) -> None:
        """A group is about to be settled, so that its members may come back."""
        with self._changed:
            took_s = time.monotonic() - self._taken_s
            self._patience_s = min(took_s * _GATHER_SHARE, _GATHER_MAX_S)
            # With those who wait, or else two halves would let each other wait for ever.
            self._expected = len(group) + len(self._members)

    def put_back(self, members: list[Member]) -> None:
        """Let others take these along, before who came later."""
        with self._changed:
            self._members.extendleft(reversed(members))

    def run(self, member: Member, connection: Connection) -> None:
        """Run a member's statement in the open transaction of a connection.

        Raises:
            Cancelled: its caller does not want it any more, or the connection's own caller stopped.
            NodeError: what was wrong with it.
        """
        with self._changed:
            if member.stopped:
                raise Cancelled(STOPPED)
            self._running = member, connection, threading.get_ident()
        try:
            member.do(connection)
        finally:
            with self._changed:
                self._running = None
