"""A transaction: statements on the one node that holds it, until it is committed or undone.

Owns the transaction's id and where it lives. It cannot move: when its node is lost, so is it, and
that is an error, never a silently fresh session.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum

from flightkeeper.client.errors import FlightkeeperError
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.runner import Runner, Scope, Wish
from flightkeeper.client.statements import Statements

ROLLBACK_TIMEOUT_S = 5.0


class _State(Enum):
    OPEN = "open"
    ENDED = "ended"


class Transaction(Statements):
    """An open transaction; `transaction()` makes, commits and undoes it.

    Use it from one thread at a time, as the node runs its statements one after the other. When the
    node is gone its statements raise `SessionLost`, and nothing of it was committed.
    """

    def __init__(self, runner: Runner, scope: Scope) -> None:
        super().__init__(runner, scope)
        self._state = _State.OPEN

    def __repr__(self) -> str:
        assert self._scope.pinned is not None
        return f"<Transaction {self._state.value} on {self._scope.pinned.node_id}>"

    @property
    def ended(self) -> bool:
        """Whether it was committed or undone."""
        return self._state is _State.ENDED

    def commit(self) -> None:
        """Make the transaction's work permanent.

        Raises:
            OutcomeUnknown: the answer was lost; it was committed as a whole or not at all.
            SessionLost: the node was gone before; nothing was committed.
        """
        self._end(StatementKind.COMMIT, None)

    def rollback(self) -> None:
        """Undo the transaction. Never raises: what cannot be told to the node ends with it."""
        if self.ended:
            return
        with suppress(FlightkeeperError):
            self._end(StatementKind.TRANSACTION, ROLLBACK_TIMEOUT_S)

    def _end(self, kind: StatementKind, timeout_s: float | None) -> None:
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        scope = self._current_scope()
        # Whatever comes of it: there is no second try.
        self._state = _State.ENDED
        statement = self._runner.statement(kind, scope, Wish(timeout_s))
        name = scope.transaction_id
        assert name is not None
        commit = kind is StatementKind.COMMIT
        self._runner.run(statement, lambda a: execution.end(a, name, commit=commit))

    def _current_scope(self) -> Scope:
        if self.ended:
            raise FlightkeeperError("the transaction has ended; nothing was run: open another one")
        return self._scope


class Transactional(Statements):
    """Statements that commit by themselves, or together in a transaction."""

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run the block's statements in one transaction, on one node.

        Committed when the block ends, undone when it raises.

        Raises:
            SessionLost: the node is gone, and what was done in the block with it.
            OutcomeUnknown: the answer to the commit was lost.
        """
        from flightkeeper.client import execution  # noqa: PLC0415  see its docstring

        scope = self._current_scope()
        statement = self._runner.statement(StatementKind.BEGIN, scope)
        node, transaction_id = self._runner.run(
            statement, lambda attempt: (attempt.lease.instance, execution.begin(attempt))
        )
        inside = replace(scope, pinned=node, transaction_id=transaction_id)
        transaction = Transaction(self._runner, inside)
        try:
            yield transaction
        except BaseException:
            transaction.rollback()
            raise
        if not transaction.ended:
            transaction.commit()
