"""One DuckDB connection, run by one statement at a time.

Theory. DuckDB lets one result be open per connection; starting another statement would end the
open one early, without an error on 1.5. So before a connection runs something new, what is left of
the open result is set aside in memory and its reader goes on from there (`OpenResult.park`). That
matters in transactions and in sessions with state, where all statements share one connection; a
connection leased for a single read never needs it.

Owns the lock that makes a connection safe to share, and the only calls that execute SQL.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.engine.open_result import ENGINE_ERRORS, OpenResult, Work
from flightkeeper.flight_server.engine.result import Result, rows_per_batch
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, NodeError

Parameters = Sequence[Any] | Mapping[str, Any]

COUNT_SCHEMA = pa.schema([pa.field("Count", pa.int64())])
"""What DuckDB answers to a statement that changes rows."""

_INTERRUPT_AGAIN_S = 0.05
"""An interrupt that comes before DuckDB has begun is lost."""
_STREAMS_FROM_RELATIONS = int(duckdb.__version__.split(".")[0]) >= 2  # noqa: PLR2004
"""Since 2.0 only a relation streams; before, a relation binds twice and a cursor streams."""


class Connection:
    """A DuckDB connection. Thread-safe: one statement runs at a time, others wait for it."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, batch_bytes: int) -> None:
        self._cursor = cursor
        self._batch_bytes = batch_bytes
        # Guards the cursor and `_open`: held while DuckDB works for a statement or a batch.
        self._lock = threading.RLock()
        # Guards `_busy`, for a moment only: an interrupt must not wait for the work it ends.
        self._busy_lock = threading.Lock()
        self._busy: Work | None = None
        self._open: OpenResult | None = None
        self.in_transaction = False

    def run(self, statement: Statement, parameters: Parameters = ()) -> Result:
        """Run a statement that answers with rows, and read its first batch.

        Raises:
            NodeError: what DuckDB said; nothing is left open.
        """
        with self._lock:
            self._settle()
            work = self._begin()
            try:
                reader, rows = self._reader(statement, parameters)
                opened = OpenResult(
                    reader, statement.sql, rows, self._batch_bytes, work, self._lock, self._finish
                )
                opened.read_first()
            except BaseException as exc:
                self._end(work)
                if isinstance(exc, ENGINE_ERRORS):
                    raise translate(exc, statement.sql) from exc
                raise
            work.thread = None
            if opened.finished:
                self._end(work)
            else:
                self._open = opened
            return Result(
                reader.schema,
                opened.batches(),
                rows=opened.rows_known,
                stop=lambda: self._interrupt(work),
                close=lambda: self._abandon(opened),
            )

    def change(self, statement: Statement, parameters: Parameters = ()) -> int:
        """Run a statement that answers without rows; how many rows it changed.

        Raises:
            NodeError: what DuckDB said.
        """
        with self._lock:
            self._settle()
            work = self._begin()
            try:
                rows = self._cursor.execute(statement.parsed, _bound(parameters)).fetchall()
            except duckdb.Error as exc:
                raise translate(exc, statement.sql) from exc
            finally:
                self._end(work)
        return _changed_rows(rows)

    def table(self, sql: str, parameters: Parameters = ()) -> pa.Table:
        """The whole answer to a query of our own."""
        with self._lock:
            self._settle()
            work = self._begin()
            try:
                relation = self._cursor.sql(sql, params=_bound(parameters))
                return relation.to_arrow_table()
            except ENGINE_ERRORS as exc:
                raise translate(exc, sql) from exc
            finally:
                self._end(work)

    def describe(self, statement: Statement) -> pa.Schema:
        """The schema a pure read would answer with, without running it.

        Parameters count as NULL, so their columns' types may differ once they are bound.

        Raises:
            InvalidArgument: it is not a pure read: asking DuckDB would run it.
        """
        if not statement.read_only:
            raise InvalidArgument("the schema of this statement is known only once it has run")
        with self._lock:
            self._settle()
            work = self._begin()
            try:
                nothing: Any = _nulls(statement)
                relation = self._cursor.sql(statement.parsed, params=nothing)
                return relation.limit(0).to_arrow_table().schema
            except ENGINE_ERRORS as exc:
                raise translate(exc, statement.sql) from exc
            finally:
                self._end(work)

    def command(self, sql: str) -> None:
        """Run a statement of our own that answers nothing.

        Raises:
            NodeError: what DuckDB said.
        """
        with self._lock:
            self._settle()
            work = self._begin()
            try:
                # Fetched, because since 2.0 an answer that was not keeps the connection in use.
                self._cursor.execute(sql).fetchall()
            except duckdb.Error as exc:
                raise translate(exc, sql) from exc
            finally:
                self._end(work)

    def begin(self) -> None:
        """Begin a transaction, unless one is open."""
        with self._lock:
            if not self.in_transaction:
                self.command("BEGIN TRANSACTION")
                self.in_transaction = True

    def commit(self) -> None:
        """Commit the open transaction, if one is open.

        Raises:
            EngineFailed: it was aborted by an earlier error, or conflicted; it is rolled back.
        """
        with self._lock:
            if not self.in_transaction:
                return
            try:
                # COMMIT of an aborted transaction answers success and drops the writes; any
                # other statement tells the truth.
                self.command("SELECT 1")
                self.command("COMMIT")
            except NodeError as exc:
                self.rollback()
                raise EngineFailed(
                    f"the transaction was rolled back, nothing of it was written: {exc}"
                ) from exc
            self.in_transaction = False

    def rollback(self) -> None:
        """Roll back the open transaction, if one is open."""
        with self._lock:
            if self.in_transaction:
                self.in_transaction = False
                # A failed COMMIT has ended the transaction already.
                with suppress(NodeError):
                    self.command("ROLLBACK")

    @property
    def working(self) -> bool:
        """Whether a statement runs or a result is open."""
        return self._busy is not None

    def interrupt(self, thread: int | None = None) -> None:
        """End what runs now, if anything does; from any thread.

        Args:
            thread: only if the engine works for this thread; others may share the connection.
        """
        with self._busy_lock:
            if self._busy is not None and thread in (None, self._busy.thread):
                self._interrupt_cursor()

    def close(self) -> None:
        """End what runs and close. An open transaction is rolled back by DuckDB."""
        self.interrupt()
        while not self._lock.acquire(timeout=_INTERRUPT_AGAIN_S):
            self.interrupt()
        try:
            opened, self._open = self._open, None
            if opened is not None:
                opened.drop()
                self._end(opened.work)
            self._cursor.close()
        finally:
            self._lock.release()

    def _reader(
        self, statement: Statement, parameters: Parameters
    ) -> tuple[pa.RecordBatchReader, int]:
        bound = _bound(parameters)
        if _STREAMS_FROM_RELATIONS:
            relation = self._cursor.sql(statement.parsed, params=bound)
            rows = rows_per_batch([str(kind) for kind in relation.types], self._batch_bytes)
            return relation.to_arrow_reader(rows), rows
        executed = self._cursor.execute(statement.parsed, bound)
        kinds = [str(column[1]) for column in executed.description or ()]
        rows = rows_per_batch(kinds, self._batch_bytes)
        return executed.to_arrow_reader(rows), rows

    def _settle(self) -> None:
        """Set aside what is left of the open result. Hold the lock when calling this."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.park()
            self._end(opened.work)

    def _abandon(self, opened: OpenResult) -> None:
        """Nobody will read the rest of this result."""
        # Once it is finished the connection may work for somebody else, who is not waited for.
        while not opened.finished:
            self._interrupt(opened.work)
            if self._lock.acquire(timeout=_INTERRUPT_AGAIN_S):
                try:
                    opened.drop()
                    self._finish(opened)
                finally:
                    self._lock.release()
                return
        opened.drop()

    def _finish(self, opened: OpenResult) -> None:
        """This result was read to its end. Hold the lock when calling this."""
        if self._open is opened:
            self._open = None
        self._end(opened.work)

    def _begin(self) -> Work:
        work = Work()
        with self._busy_lock:
            self._busy = work
        return work

    def _end(self, work: Work) -> None:
        with self._busy_lock:
            if self._busy is work:
                self._busy = None

    def _interrupt(self, work: Work) -> None:
        """End this piece of work, unless it has ended and the connection does something else."""
        with self._busy_lock:
            if self._busy is work:
                self._interrupt_cursor()

    def _interrupt_cursor(self) -> None:
        # The database may have been closed under it, which ended the work as well.
        with suppress(duckdb.Error):
            self._cursor.interrupt()


def _bound(parameters: Parameters) -> Any:
    return parameters or None


def _changed_rows(rows: list[tuple[Any, ...]]) -> int:
    """DuckDB answers one number, or nothing when there is nothing to count."""
    return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0


def _nulls(statement: Statement) -> Parameters | None:
    names = statement.parameters
    if not names:
        return None
    if all(name.isdigit() for name in names):
        return [None] * len(names)
    return dict.fromkeys(names)
