"""A transaction: statements on the one node that holds it, until it is committed or undone.

Owns the transaction's id and where it lives. It cannot move: when its node is lost, so is it, and
that is an error, never a silently fresh session.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import Enum

from flightkeeper.client.errors import FlightkeeperError
from flightkeeper.client.failover import StatementKind
from flightkeeper.client.runner import Runner, Scope, Wish
from flightkeeper.client.statements import Statements
from flightkeeper.flightsql.headers import COMMIT_TOLD

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
        heard = replace(scope, on_answer=self._hear, on_loss=self._lose)
        super().__init__(runner, heard)
        self._state = _State.OPEN
        # Whether any node can tell what will have become of its COMMIT.
        self._told = False

    def __repr__(self) -> str:
        assert self._scope.pinned is not None
        return f"<Transaction {self._state.value} on {self._scope.pinned.node_id}>"

    @property
    def ended(self) -> bool:
        """Whether it was committed or undone."""
        return self._state is _State.ENDED

    def commit(self) -> None:
        """Make the transaction's work permanent.

        If it changed the lake and the answer is lost, another node tells whether it was committed.

        Raises:
            TransactionUndone: it was not, and never will be: begin it again.
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
        statement = replace(self._runner.statement(kind, scope, Wish(timeout_s)), told=self._told)
        name = scope.transaction_id
        assert name is not None
        commit = kind is StatementKind.COMMIT
        self._runner.run(statement, lambda a: execution.end(a, name, commit=commit))

    def _hear(self, answer: Mapping[str, str]) -> None:
        if (told := answer.get(COMMIT_TOLD)) is not None:
            self._told = told == "1"

    def _lose(self) -> None:
        # Whatever that was may have been the end of what was told of.
        self._told = False

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
            TransactionUndone: so is the answer to the commit, which was not done.
            OutcomeUnknown: the answer to the commit was lost, and nobody can tell.
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
