"""How transactions begin and end on a connection.

Owns whether one is open: the caller's, or the one of a single read that lasts as long as its
result. What runs in them is the connection's.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import duckdb

from flightkeeper.flight_server.engine import commit_failures
from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.engine.open_result import OpenResult
from flightkeeper.flight_server.engine.turns import Turn, Turns
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.errors import Cancelled, NodeError


class Transacting(ABC):
    """The transactions of a connection.

    Attributes:
        in_transaction: one of the caller's is open.
        writes_lake: it has changed what is in the lake, and so nothing that is not: a transaction
            writes to one catalog only.
        transactions: how many of these were begun.
        spoiled: a transaction could not be ended; it is good for nothing but being closed.
    """

    in_transaction = False
    writes_lake = False
    transactions = 0
    spoiled = False
    # A transaction is open that ends with the result that was begun in it.
    _reading = False

    _cursor: duckdb.DuckDBPyConnection
    _wiring: Wiring
    # When the open transaction began, as Unix time.
    _begun_s = 0.0
    # Held by the open transaction.
    _held: ExitStack
    _turns: Turns
    _turn: Turn
    _lock: threading.RLock
    _open: OpenResult | None

    @abstractmethod
    def rows(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """The whole answer to a question of our own."""

    @abstractmethod
    def _settle(self, opened: OpenResult) -> None:
        """Set aside what is left of the open result. Hold the lock when calling this."""

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Nobody else uses the connection meanwhile, and nothing of what is done remains.

        Not within a transaction.
        """
        with self._turns:
            self._control("BEGIN TRANSACTION")
            try:
                yield
            finally:
                self._control("ROLLBACK")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All that is asked meanwhile sees one state of the data.

        So does a result that is begun last, to its end. Not within a transaction, and for nothing
        that changes something.
        """
        with self._turn, self.listing():
            self._control("BEGIN TRANSACTION")
            self._reading = True
            try:
                yield
            finally:
                if self._open is None:
                    self._let_go()

    def _let_go(self) -> None:
        """End the transaction of a read, if there is one. Hold the lock when calling this."""
        if self._reading:
            self._reading = False
            with suppress(duckdb.Error):
                self._cursor.execute("ROLLBACK").fetchall()

    def begin(self) -> None:
        """Begin a transaction, unless one is open."""
        with self._turns:
            if not self.in_transaction:
                with ExitStack() as held:
                    held.enter_context(self.listing())
                    self._control("BEGIN TRANSACTION")
                    self._held = held.pop_all()
                self.in_transaction, self.writes_lake = True, False
                self._begun_s = time.time()
                self.transactions += 1

    def commit(self, prepare: Callable[[], object] = lambda: None) -> None:
        """Commit the open transaction, if one is open.

        Args:
            prepare: what is the last to be done in it, if it can be committed.

        Raises:
            EngineFailed: it was aborted by an earlier error, or conflicted, and is rolled back;
                or nobody knows.
        """
        with self._turns:
            if not self.in_transaction:
                return
            try:
                self._check()
                prepare()
                self._commit()
            except NodeError as exc:
                self.rollback()
                raise commit_failures.explained(exc) from exc
            self._ended()

    def _commit(self) -> None:
        files = self._wiring.kept
        with ExitStack() as kept, self._wiring.changes.counted():
            put_back = files and kept.enter_context(files.during(self._begun_s))
            try:
                self._control("COMMIT")
            except NodeError as exc:
                if put_back and commit_failures.explained(exc).in_doubt:
                    put_back()
                raise

    def rollback(self) -> None:
        """Roll back the open transaction, if one is open."""
        with self._lock:
            if self.in_transaction:
                self._ended()
                try:
                    self._control("ROLLBACK")
                except NodeError as exc:
                    # A failed COMMIT has ended the transaction already.
                    self.spoiled = "no transaction is active" not in str(exc)

    def _ended(self) -> None:
        self.in_transaction = False
        self._held.close()

    @contextmanager
    def listing(self) -> Iterator[None]:
        """The files of the lake's tables stay as they are meanwhile, for who reads them."""
        if self._wiring.lists is None or self.in_transaction or self._reading:
            yield
            return
        with self._wiring.lists.read():
            yield

    @contextmanager
    def replacing_files(self) -> Iterator[None]:
        """Nobody else reads which files the lake's tables have; the open transaction has done so.

        Raises:
            EngineFailed: somebody does, for longer than is waited for.
        """
        self._held.close()
        if self._wiring.lists is None:
            yield
            return
        with self._wiring.lists.replaced():
            yield

    def abort(self, why: str) -> None:
        """Let the open transaction do nothing more; it can only be rolled back."""
        with suppress(NodeError):
            self.rows("SELECT error($why)", {"why": why})

    @property
    def sound(self) -> bool:
        """Whether statements can run: not in a transaction that an error has aborted."""
        try:
            self._check()
        except NodeError:
            return False
        return True

    def _control(self, sql: str) -> None:
        """Begin or end a transaction. Never interrupted: nobody would know whether it ended."""
        if self._open is not None:
            with suppress(Cancelled):
                self._settle(self._open)
        try:
            self._cursor.execute(sql).fetchall()
        except duckdb.Error as exc:
            raise translate(exc, sql) from exc

    def _check(self) -> None:
        # COMMIT of an aborted transaction answers success and drops the writes; any other
        # statement tells the truth.
        self.rows("SELECT 1")
