"""One DuckDB connection, run by one statement at a time.

Theory. DuckDB lets one result be open per connection; starting another statement would end the
open one early, without an error on 1.5. So before a connection runs something new, what is left of
the open result is set aside in memory and its reader goes on from there (`OpenResult.park`). That
matters in transactions and in sessions with state, where all statements share one connection; a
connection leased for a single read never needs it.

Owns the lock that makes a connection safe to share, and the only calls that execute SQL.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.answer import (
    BINDING_ABORTS,
    Answer,
    answered,
    changed_rows,
    described,
    exactly,
)
from flightkeeper.flight_server.engine.failures import ENGINE_ERRORS, translate
from flightkeeper.flight_server.engine.open_result import OpenResult
from flightkeeper.flight_server.engine.result import Result
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.transacting import Transacting
from flightkeeper.flight_server.engine.turns import Turn, Turns
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.engine.work import Engine
from flightkeeper.flight_server.engine.workers import SETTINGS
from flightkeeper.flight_server.errors import InvalidArgument

Parameters = Sequence[Any] | Mapping[str, Any]

COUNT_SCHEMA = pa.schema([pa.field("Count", pa.int64())])
"""What DuckDB answers to a statement that changes rows."""

_INTERRUPT_AGAIN_S = 0.05
"""An interrupt that comes before DuckDB has begun is lost."""


class Connection(Transacting):
    """A DuckDB connection. Thread-safe: one statement runs at a time, others wait for it.

    Attributes:
        plain: texts mean in it what they mean in a new one.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, wiring: Wiring) -> None:
        """`wiring` is what the others to the same database have as well."""
        self._cursor = cursor
        self._wiring = wiring
        self._held = ExitStack()
        self.batch_bytes = wiring.batch_bytes
        # Guard the cursor and `_open`: held while DuckDB works for a statement or a batch.
        self._turns = Turns()
        self._lock = self._turns.lock
        self._turn = Turn(self._turns, self._set_aside)
        self._engine = Engine(cursor, wiring.changes, wiring.workers)
        self._open: OpenResult | None = None
        self._parses = False
        self.plain = False

    def run(self, statement: Statement, parameters: Parameters = ()) -> Result:
        """Run a statement that answers with rows, and read its first batch.

        Raises:
            NodeError: what DuckDB said; nothing is left open.
        """
        statement = self._exact(statement, parameters)
        self._let_threads_come(statement)
        with self._turn, self.listing():
            work = self._engine.begin(changes=not statement.read_only)
            try:
                answer = self._answer(statement, parameters)
                opened = OpenResult(
                    answer.reader,
                    (statement.sql, statement.source),
                    answer.rows,
                    self.batch_bytes,
                    work,
                    self._lock,
                    self._finish,
                )
                opened.read_first()
            except BaseException as exc:
                self._engine.end(work)
                if isinstance(exc, ENGINE_ERRORS):
                    raise translate(exc, statement.sql, statement.source) from exc
                raise
            self._parses |= statement.parses
            work.leave()
            if opened.finished:
                self._engine.end(work)
            else:
                self._open = opened
            return Result(
                answer.schema,
                opened.batches(),
                rows=opened.rows_known,
                stop=lambda: self._stop(opened),
                close=lambda: self._abandon(opened),
            )

    def change(self, statement: Statement, parameters: Parameters = ()) -> int:
        """Run a statement that answers without rows; how many rows it changed.

        Raises:
            NodeError: what DuckDB said.
        """
        statement = self._exact(statement, parameters)
        self._let_threads_come(statement)
        with self._turn, self.listing():
            work = self._engine.begin(changes=True)
            try:
                parsed = self._parsed(statement)
                rows = exactly(
                    lambda bound: self._cursor.execute(parsed, bound).fetchall(),
                    parameters,
                    again=self._begins_again,
                )
            except duckdb.Error as exc:
                raise translate(exc, statement.sql, statement.source) from exc
            finally:
                self._engine.end(work)
        self._parses |= statement.parses
        return changed_rows(rows)

    def table(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        """The whole answer to a query of our own."""
        with self._turn, self.listing():
            work = self._engine.begin()
            try:
                relation = self._cursor.sql(sql, params=parameters or None)
                return relation.to_arrow_table()
            except ENGINE_ERRORS as exc:
                raise translate(exc, sql) from exc
            finally:
                self._engine.end(work)

    def describe(self, statement: Statement, parameters: Parameters | None = None) -> pa.Schema:
        """The schema a pure read would answer with, without running it.

        Args:
            parameters: values to conclude types from; None = all are NULL, so that the types of
                columns may differ once they are bound.

        Raises:
            InvalidArgument: it is not a pure read: asking DuckDB would run it.
        """
        if not statement.read_only:
            raise InvalidArgument("the schema of this statement is known only once it has run")
        with self._turn:
            work = self._engine.begin()
            try:
                bound = dict.fromkeys(statement.parameters) if parameters is None else parameters
                return described(self._cursor, self._parsed(statement), bound)
            except ENGINE_ERRORS as exc:
                raise translate(exc, statement.sql, statement.source) from exc
            finally:
                self._engine.end(work)

    def command(self, sql: str) -> None:
        """Run a statement of our own that answers nothing."""
        self.rows(sql)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The whole answer to a question of our own that has few rows."""
        with self._turn:
            work = self._engine.begin()
            try:
                # Fetched, because since 2.0 an answer that was not keeps the connection in use.
                return self._cursor.execute(sql, parameters or None).fetchall()
            except duckdb.Error as exc:
                raise translate(exc, sql) from exc
            finally:
                self._engine.end(work)

    def fork(self) -> "Connection":
        """Another connection to the same database; its owner closes it."""
        return Connection(self._cursor.cursor(), self._wiring)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other thread run anything on it meanwhile."""
        with self._turns:
            yield

    def register(self, name: str, stream: object) -> None:
        """Let one scan read the capsule of an Arrow C stream as a table, until `unregister`.

        Of other objects DuckDB 1.5 makes datasets of pyarrow, which read ahead without bounds.
        """
        with self._turn:
            try:
                self._cursor.register(name, stream)
            except ENGINE_ERRORS as exc:
                raise translate(exc, "") from exc

    def unregister(self, name: str) -> None:
        """Forget what was registered under this name. Idempotent."""
        # In an aborted transaction its end has the same effect.
        with self._turn, suppress(duckdb.Error):
            self._cursor.unregister(name)

    def hold(self, name: str, rows: str) -> None:
        """Keep the rows of a query of ours in a temporary table, which hides others called so."""
        self.plain = False
        self.command(f"CREATE TEMPORARY TABLE {quoted(name)} AS {rows}")

    @property
    def working(self) -> bool:
        """Whether a statement runs or a result is open."""
        return self._engine.busy

    def interrupt(self, thread: int | None = None, *, waits: bool = True) -> None:
        """End what runs now, or waits; from any thread.

        Args:
            thread: only what does so for this thread; others may share the connection.
            waits: also if it waits.
        """
        if waits:
            self._turns.stop(thread)
        self._engine.interrupt_thread(thread)

    def waiting(self) -> AbstractContextManager[Callable[[], None]]:
        """While it lasts, this thread waits; its value raises Cancelled once it is interrupted."""
        return self._turns.stoppable()

    def close(self) -> None:
        """End what runs, roll an open transaction back, and close."""
        self.interrupt()
        while not self._lock.acquire(timeout=_INTERRUPT_AGAIN_S):
            self.interrupt()
        try:
            if self._open is not None:
                self._drop(self._open)
            # Left to its end, a transaction whose server is gone would take the process with it.
            self.rollback()
            self._cursor.close()
        finally:
            self._lock.release()

    def _exact(self, statement: Statement, parameters: Parameters) -> Statement:
        """What is run in the place of a statement."""
        exact = self._wiring.exact
        return statement if exact is None else exact(self, statement, parameters)

    def _let_threads_come(self, statement: Statement) -> None:
        """Let a statement that says how many threads the engine has meet them all."""
        if self._wiring.workers is not None and statement.sets in SETTINGS:
            self._wiring.workers.come()

    def _answer(self, statement: Statement, parameters: Parameters) -> Answer:
        parsed, pure = self._parsed(statement), statement.read_only
        again = pure or self._begins_again
        return answered(self._cursor, parsed, parameters, self.batch_bytes, pure=pure, again=again)

    @property
    def _begins_again(self) -> bool:
        """Whether a change that does not even bind can be begun once more."""
        return not (BINDING_ABORTS and self.in_transaction)

    def _parsed(self, statement: Statement) -> duckdb.Statement:
        """The statement, which is about to run, as this connection understands its text."""
        self.plain &= not statement.stateful
        if statement.parsed is not None and (not self._parses or not statement.sql):
            return statement.parsed
        return self._cursor.extract_statements(statement.sql)[0]

    def _set_aside(self) -> None:
        """Set aside what is left of the open result, if any. Hold the lock when calling this."""
        if self._open is not None:
            self._settle(self._open)

    def _settle(self, opened: OpenResult) -> None:
        """Set aside what is left of the open result. Hold the lock when calling this."""
        with self._turns.stoppable() as check:
            try:
                opened.park(check)
            finally:
                self._finish(opened)

    def _abandon(self, opened: OpenResult) -> None:
        """Nobody will read the rest of this result."""
        # Once it is finished the connection may work for somebody else, who is not waited for.
        while not opened.finished:
            self._engine.interrupt(opened.work)
            if self._lock.acquire(timeout=_INTERRUPT_AGAIN_S):
                try:
                    self._drop(opened)
                finally:
                    self._lock.release()
                return
        opened.drop()

    def _stop(self, opened: OpenResult) -> bool:
        """Interrupt this result; whether it could be dropped, because its reader is elsewhere.

        A reader that does not come for more, as a client that stopped reading, would hold the
        engine's memory for ever otherwise.
        """
        self._engine.interrupt(opened.work)
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._drop(opened)
        finally:
            self._lock.release()
        return True

    def _drop(self, opened: OpenResult) -> None:
        """Forget the rest of this result. Hold the lock when calling this."""
        ended = opened.finished
        opened.drop()
        if not ended:
            self._finish(opened)
            # Without another statement DuckDB 1.5 may leave the transaction of this one open,
            # which nobody could checkpoint beside.
            with suppress(duckdb.Error):
                self._cursor.execute("SELECT 1").fetchall()

    def _finish(self, opened: OpenResult) -> None:
        """This result was read to its end. Hold the lock when calling this."""
        was_open = self._open is opened
        self._engine.end(opened.work)
        if was_open:
            self._open = None
            self._let_go()
