"""One DuckDB connection, run by one statement at a time.

Theory. DuckDB lets one result be open per connection; starting another statement would end the
open one early, without an error on 1.5. So before a connection runs something new, what is left of
the open result is set aside in memory and its reader goes on from there (`_Open.park`). That
matters in transactions and in sessions with state, where all statements share one connection; a
connection leased for a single read never needs it.

Owns the lock that makes a connection safe to share, and the only calls that execute SQL.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb
import pyarrow as pa

from flightkeeper.flight_server.engine.failures import translate
from flightkeeper.flight_server.engine.result import Batches, Result, cut, rows_per_batch
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.errors import Cancelled, EngineFailed, InvalidArgument, NodeError

Parameters = Sequence[Any] | Mapping[str, Any]

COUNT_SCHEMA = pa.schema([pa.field("Count", pa.int64())])
"""What DuckDB answers to a statement that changes rows."""

_ENGINE_ERRORS = (duckdb.Error, pa.ArrowException, OSError)
"""What an error of DuckDB may come as; through a stream, pyarrow carries it."""
_PARKED_BYTES_MAX = 256 * 1024 * 1024
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
        self._busy: _Work | None = None
        self._open: _Open | None = None
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
                opened = _Open(self, reader, statement.sql, rows, self._batch_bytes, work)
                opened.read_first()
            except BaseException as exc:
                self._end(work)
                if isinstance(exc, _ENGINE_ERRORS):
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
            except _ENGINE_ERRORS as exc:
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
            except _ENGINE_ERRORS as exc:
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
                self._cursor.execute(sql)
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
        with self._lock:
            opened, self._open = self._open, None
            if opened is not None:
                opened.drop()
                self._end(opened.work)
            self._cursor.close()

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

    def _abandon(self, opened: "_Open") -> None:
        """Nobody will read the rest of this result."""
        if opened.finished:
            # By now the connection may work for somebody else, who must not be waited for.
            opened.drop()
            return
        self._interrupt(opened.work)
        with self._lock:
            opened.drop()
            self._finish(opened)

    def _finish(self, opened: "_Open") -> None:
        """This result was read to its end. Hold the lock when calling this."""
        if self._open is opened:
            self._open = None
        self._end(opened.work)

    def _begin(self) -> "_Work":
        work = _Work()
        with self._busy_lock:
            self._busy = work
        return work

    def _end(self, work: "_Work") -> None:
        with self._busy_lock:
            if self._busy is work:
                self._busy = None

    def _interrupt(self, work: "_Work") -> None:
        """End this piece of work, unless it has ended and the connection does something else."""
        with self._busy_lock:
            if self._busy is work:
                self._interrupt_cursor()

    def _interrupt_cursor(self) -> None:
        # The database may have been closed under it, which ended the work as well.
        with suppress(duckdb.Error):
            self._cursor.interrupt()


class _Work:
    """One statement, from its start until the engine has nothing left to do for it.

    Attributes:
        thread: the thread that waits for the engine; None between two batches.
    """

    __slots__ = ("thread",)

    def __init__(self) -> None:
        self.thread: int | None = threading.get_ident()


class _Open:
    """A result whose rows the engine still produces. All reading holds the connection's lock."""

    def __init__(
        self,
        connection: Connection,
        reader: pa.RecordBatchReader,
        sql: str,
        rows: int,
        batch_bytes: int,
        work: _Work,
    ) -> None:
        self.work = work
        self.finished = False
        self.rows_known: int | None = None
        self._connection = connection
        self._reader = reader
        self._sql = sql
        self._rows = rows
        self._batch_bytes = batch_bytes
        self._ready: deque[pa.RecordBatch] = deque()
        self._failure: NodeError | None = None

    def read_first(self) -> None:
        """Read a batch ahead: errors show early, and a small result frees its connection."""
        if self._read() < self._rows and not self.finished:
            self._read()
        if self.finished:
            self.rows_known = sum(batch.num_rows for batch in self._ready)

    def batches(self) -> Batches:
        """What is ready, then what the engine still has."""
        # No name holds a batch while the next one is made, so that its memory is used again.
        with suppress(_End):
            while True:
                yield self._take()

    def park(self) -> None:
        """Read the rest into memory. Hold the connection's lock when calling this."""
        parked = 0
        while not self.finished:
            self._read_translated()
            parked += self._ready[-1].nbytes if self._ready else 0
            if parked > _PARKED_BYTES_MAX:
                self._ready.clear()
                self._failure = EngineFailed(
                    "the rest of this result was dropped: another statement of its transaction or "
                    "session ran, and the rest was too big to keep; read results to their end first"
                )
                self.finished = True
                self._reader.close()

    def drop(self) -> None:
        """Forget the rest; who still reads gets an error, never an end that came too early.

        Hold the connection's lock when calling this, unless the result is finished.
        """
        if self._ready or not self.finished:
            self._failure = Cancelled("the result was dropped before it was read to its end")
        self._ready.clear()
        if not self.finished:
            self.finished = True
            with suppress(*_ENGINE_ERRORS):
                self._reader.close()

    def _take(self) -> pa.RecordBatch:
        # What is finished needs no engine, so its reader never waits for the connection.
        if not self.finished:
            with self._connection._lock:  # noqa: SLF001 - two halves of one object
                self.work.thread = threading.get_ident()
                while not self._ready and not self.finished:
                    self._read_translated()
                self.work.thread = None
                if self.finished:
                    self._connection._finish(self)  # noqa: SLF001
        with suppress(IndexError):
            return self._ready.popleft()
        if self._failure is not None:
            raise self._failure
        raise _End

    def _read_translated(self) -> None:
        try:
            self._read()
        except _ENGINE_ERRORS as exc:
            self._failure = translate(exc, self._sql)
            self.finished = True

    def _read(self) -> int:
        """Make one more batch ready; how many rows it has."""
        try:
            batch = self._reader.read_next_batch()
        except StopIteration:
            self.finished = True
            return 0
        if batch.num_rows:
            self._ready.extend(cut(batch, self._batch_bytes))
        return batch.num_rows


class _End(Exception):
    """The result has no more batches."""


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
