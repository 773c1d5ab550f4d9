"""A transaction: statements on the one node that holds it, until it is committed or undone.

Owns the transaction's id and where it lives. It cannot move: when its node is lost, so is it, and
that is an error, never a silently fresh session.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pyarrow as pa

from flightkeeper.client.attempts import Attempts, Statement, Text
from flightkeeper.client.errors import FlightkeeperError
from flightkeeper.client.failover import StatementKind
from flightkeeper.discovery.records import Instance

ROLLBACK_TIMEOUT_S = 5.0


class _State(Enum):
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Means:
    """What a transaction needs of its connection.

    Attributes:
        attempts: runs statements.
        statement: makes one, of a kind, pinned to a node.
        deliver: runs a query and hands its result out.
    """

    attempts: Attempts
    statement: Callable[[StatementKind, float | None, Instance], Statement]
    deliver: Callable[[Text, Statement], pa.RecordBatchReader]


class Transaction:
    """An open transaction; `Connection.transaction` makes, commits and undoes it.

    Use it from one thread at a time, as the node runs its statements one after the other.
    """

    def __init__(self, means: Means, node: Instance, transaction_id: bytes) -> None:
        self._means = means
        self._node = node
        self._id = transaction_id
        self._state = _State.OPEN

    def __repr__(self) -> str:
        return f"<Transaction {self._state.value} on {self._node.node_id}>"

    def query(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> pa.RecordBatchReader:
        """Run a statement in the transaction and return its result.

        Raises:
            SessionLost: the node is gone; nothing of the transaction was committed.
        """
        statement = self._statement(StatementKind.TRANSACTION, timeout_s)
        return self._means.deliver(Text(sql, parameters, self._id), statement)

    def execute(
        self,
        sql: str,
        parameters: Sequence[Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> int:
        """Run a statement in the transaction and return the number of affected rows, -1 = unknown.

        Raises:
            SessionLost: the node is gone; nothing of the transaction was committed.
        """
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        text = Text(sql, parameters, self._id)
        statement = self._statement(StatementKind.TRANSACTION, timeout_s)
        return self._means.attempts.run(statement, lambda a: execution.update(a, text))

    def commit(self) -> None:
        """Make the transaction's work permanent.

        Raises:
            OutcomeUnknown: the answer was lost; it was committed as a whole or not at all.
            SessionLost: the node was gone before; nothing was committed.
        """
        statement = self._statement(StatementKind.COMMIT, None)
        self._end(statement, commit=True)

    def rollback(self) -> None:
        """Undo the transaction. Never raises: what cannot be told to the node ends with it."""
        if self.ended:
            return
        with suppress(FlightkeeperError):
            statement = self._statement(StatementKind.TRANSACTION, ROLLBACK_TIMEOUT_S)
            self._end(statement, commit=False)

    def _end(self, statement: Statement, *, commit: bool) -> None:
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        self._state = _State.ENDED
        self._means.attempts.run(statement, lambda a: execution.end(a, self._id, commit=commit))

    @property
    def ended(self) -> bool:
        """Whether it was committed or undone."""
        return self._state is _State.ENDED

    def _statement(self, kind: StatementKind, timeout_s: float | None) -> Statement:
        if self.ended:
            raise FlightkeeperError("the transaction has ended; nothing was run: open another one")
        return self._means.statement(kind, timeout_s, self._node)
