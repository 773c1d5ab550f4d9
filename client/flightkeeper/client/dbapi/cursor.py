"""The cursor of PEP 249: runs statements, and hands out their rows one by one or as Arrow.

Owns the result that is open. Where a statement runs, and in which transaction, is the connection's.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol, Self

import pyarrow as pa

from flightkeeper.client.control import Control
from flightkeeper.client.dbapi.errors import (
    DataError,
    InterfaceError,
    ProgrammingError,
    translating,
)
from flightkeeper.client.dbapi.types import Column, described
from flightkeeper.client.dbapi.values import are_alike, checked, parameters_of, rows_of
from flightkeeper.client.result import Result, is_count
from flightkeeper.client.statements import parameter_rows
from flightkeeper.client.transaction import Transaction

Row = tuple[Any, ...]


class Source(Protocol):
    """What a cursor needs of its connection."""

    def run(self, sql: str, parameters: Sequence[Any] | None, control: Control) -> Result:
        """Run a statement, in the connection's transaction if it has one."""

    def run_many(self, act: Callable[[Transaction], int]) -> int:
        """Run several statements, all or none; the rows they changed."""


class Cursor:
    """Runs statements of a connection. A context manager that closes itself.

    Attributes:
        connection: whose cursor it is.
        description: a tuple for each column of the result: name, DuckDB's name of its type, None,
            bytes, precision, scale, whether it may be NULL. None if there is no result.
        rowcount: how many rows the last statement has changed; -1 = it has a result, or is silent.
        arraysize: how many rows `fetchmany` fetches by default.
        statement_id: under which nodes log the last statement.
    """

    arraysize = 1

    def __init__(self, connection: Source) -> None:
        self.connection = connection
        self.description: list[Column] | None = None
        self.rowcount = -1
        self._control = Control()
        self._result: Result | None = None
        # The same rows twice, of which those from `_at` on have not been taken.
        self._batches: list[pa.RecordBatch] = []
        self._rows: list[Row] = []
        self._at = 0
        # What has arrived and is not among the rows yet; it stays if Python cannot hold it.
        self._unread: pa.RecordBatch | None = None
        self._closed = False

    @property
    def statement_id(self) -> str:
        """Under which nodes log the last statement."""
        return self._control.statement_id

    def execute(self, operation: str, parameters: Sequence[Any] | None = None) -> Self:
        """Run a statement; its rows, if it has some, are fetched from this cursor.

        Args:
            operation: SQL, with `?` or `$1`, `$2`, … where parameters go.
            parameters: values, in order.
        """
        self._begin()
        with translating():
            values = parameters_of(parameters) if parameters else None
            result = self.connection.run(operation, values, self._control)
            if is_count(result.schema):
                counts = result.fetchall()
                self.rowcount = sum(count for (count,) in counts) if counts else -1
                return self
        self._result = result
        self.description = described(result.schema)
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Sequence[Any]]) -> Self:
        """Run a statement that changes something once for each row of parameters, all or none."""
        self._begin()
        with translating():
            rows = checked([parameters_of(row) for row in seq_of_parameters])
            # All before the first is run: what cannot travel must not come up half way.
            batches = [parameter_rows(each) for each in _together(rows)]
            control = self._control
            self.rowcount = self.connection.run_many(
                lambda transaction: _run_all(transaction, operation, batches, control)
            )
        return self

    def fetchone(self) -> Row | None:
        """The next row, or None after the last."""
        if not self._more():
            return None
        self._at += 1
        return self._rows[self._at - 1]

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """The next rows, no more than `size`; none after the last."""
        return self._taken(self.arraysize if size is None else size)

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return self._taken(sys.maxsize)

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        """The rows that are left, as a stream of Arrow's batches; faster, and without loss."""
        result = self._open_result()
        first = self._at_hand()
        first += [] if self._unread is None else [self._unread]
        self._forget()
        return pa.RecordBatchReader.from_batches(
            result.schema, _translated(chain(first, result.reader))
        )

    def fetch_arrow_table(self) -> pa.Table:
        """All rows that are left, as an Arrow table; faster, and without loss."""
        with translating():
            return self.fetch_record_batch().read_all()

    def cancel(self) -> None:
        """Stop the statement that runs, or the result that is read; from any thread."""
        self._control.cancel()

    def close(self) -> None:
        """Let go of the result; half read, its statement is stopped. Idempotent."""
        self._closed = True
        self._drop()

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """Does nothing: values say themselves how large they are."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing: there is no limit to be set."""

    def __iter__(self) -> Iterator[Row]:
        while (row := self.fetchone()) is not None:
            yield row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _begin(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed; nothing was run: make another one")
        self._drop()
        self.description, self.rowcount = None, -1
        self._control = Control()

    def _forget(self) -> None:
        self._batches, self._rows, self._at, self._unread = [], [], 0, None

    def _drop(self) -> None:
        self._forget()
        result, self._result = self._result, None
        if result is not None:
            result.close()

    def _open_result(self) -> Result:
        if self._closed:
            raise InterfaceError("the cursor is closed: make another one")
        if self._result is None:
            raise ProgrammingError("there is no result: execute a statement that has one")
        return self._result

    def _at_hand(self, rows: int | None = None) -> list[pa.RecordBatch]:
        """So many of the rows that have not been taken; None = all of them."""
        schema = self._open_result().schema
        return pa.Table.from_batches(self._batches, schema).slice(self._at, rows).to_batches()

    def _taken(self, wanted: int) -> list[Row]:
        """The next rows, no more than wanted.

        Raises:
            DataError: Python cannot hold one of them; none is taken, so that none is lost.
        """
        rows: list[Row] = []
        batches: list[pa.RecordBatch] = []
        try:
            while len(rows) < wanted and self._more():
                taken = self._rows[self._at : self._at + wanted - len(rows)]
                batches += self._at_hand(len(taken))
                self._at += len(taken)
                rows.extend(taken)
        except DataError:
            self._batches, self._rows, self._at = batches, rows, 0
            raise
        return rows

    def _more(self) -> bool:
        """Whether a row is at hand, after fetching a batch if need be."""
        result = self._open_result()
        with translating():
            while self._at == len(self._rows):
                if self._unread is None:
                    self._unread = next(result.reader, None)
                if self._unread is None:
                    return False
                rows = rows_of(self._unread)
                self._batches, self._rows, self._at = [self._unread], rows, 0
                self._unread = None
        return True


def _translated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    with translating():
        yield from batches


def _together(rows: list[list[Any]]) -> list[list[list[Any]]]:
    """Rows that travel at once: all of them, or each alone if one type cannot hold a column."""
    return [rows] if are_alike(rows) else [[row] for row in rows]


def _run_all(
    transaction: Transaction, sql: str, batches: list[pa.RecordBatch], control: Control
) -> int:
    """Run a statement for each batch of parameters; the rows they changed, -1 = not known."""
    counts: list[int] = []
    try:
        for batch in batches:
            if batch.num_columns:
                counts.append(transaction.executemany(sql, batch, control=control))
            else:
                counts.append(transaction.execute(sql, control=control))
    except BaseException:
        # Not every error ends the transaction on its node, and the first rows alone must not last.
        if counts:
            transaction.rollback()
        raise
    return -1 if -1 in counts else sum(counts)
