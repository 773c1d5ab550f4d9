"""The connection for asyncio: the same calls, awaited; a cancelled task's statement is stopped.

Owns the threads that wait for nodes, `flightkeeper-async_<n>`, a bounded number of them, and two
that stop what is cancelled, `flightkeeper-stop_<n>`: they must not wait behind what they stop. Both
end with the connection. Nothing is read ahead: the next batch is asked for when it is awaited.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import pyarrow as pa

from flightkeeper.client.connection import Connection, connect
from flightkeeper.client.control import Control
from flightkeeper.client.result import Result
from flightkeeper.client.statements import Statements
from flightkeeper.client.transaction import Transaction

THREADS = 32
"""Calls that wait for nodes at the same time; more of them wait for their turn."""
STOPPING_THREADS = 2

T = TypeVar("T")


class _Threads:
    """Runs blocking calls for a loop; cancelling one stops its statement, and waits for that."""

    def __init__(self, threads: int) -> None:
        self._calls = ThreadPoolExecutor(threads, "flightkeeper-async")
        self._stops = ThreadPoolExecutor(STOPPING_THREADS, "flightkeeper-stop")

    async def run(self, call: Callable[[], T], stop: Callable[[], object] | None = None) -> T:
        running = self._calls.submit(call)
        waiting = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            running.cancel()
            # Also if no thread had begun: what is half read is read by nobody any more.
            if stop is not None:
                loop = asyncio.get_running_loop()
                stopping: asyncio.Future[Any] = loop.run_in_executor(self._stops, stop)
                await asyncio.wait({stopping, asyncio.ensure_future(waiting)})
            raise

    def close(self) -> None:
        self._calls.shutdown(wait=True, cancel_futures=True)
        self._stops.shutdown(wait=True)


class AsyncResult:
    """A result, read once from its beginning to its end; see `Result`. For one task at a time."""

    def __init__(self, result: Result, threads: _Threads) -> None:
        self._result = result
        self._threads = threads
        self.schema: pa.Schema = result.schema
        self.node = result.node
        self.statement_id = result.statement_id
        self.control = result.control

    async def read_next_batch(self) -> pa.RecordBatch | None:
        """The next batch, or None when the result is complete."""
        return await self._run(lambda: next(iter(self._result), None))

    async def read_all(self) -> pa.Table:
        """All rows that are left, as a table."""
        return await self._run(self._result.read_all)

    async def to_pandas(self) -> Any:
        """All rows that are left, as pandas' DataFrame."""
        return await self._run(self._result.to_pandas)

    async def to_polars(self) -> Any:
        """All rows that are left, as a polars DataFrame."""
        return await self._run(self._result.to_polars)

    async def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that are left, as tuples of Python's values."""
        return await self._run(self._result.fetchall)

    async def cancel(self) -> None:
        """Stop the statement on its node."""
        await self._threads.run(self._result.cancel)

    async def close(self) -> None:
        """Let go of the result; half read, its statement is stopped. Idempotent."""
        await self._threads.run(self._result.close)

    async def __aiter__(self) -> AsyncIterator[pa.RecordBatch]:
        while (batch := await self.read_next_batch()) is not None:
            yield batch

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._result)

    async def _run(self, call: Callable[[], T]) -> T:
        return await self._threads.run(call, self._result.cancel)


class AsyncStatements:
    """Runs statements under a scope; each call is that of `Statements`, awaited."""

    def __init__(self, statements: Statements, threads: _Threads) -> None:
        self._statements = statements
        self._threads = threads

    async def query(
        self, sql: str, parameters: Sequence[Any] | None = None, **options: Any
    ) -> AsyncResult:
        """Run a statement and return its result, when the first batch has arrived."""
        control = options.setdefault("control", Control())
        result = await self._threads.run(
            lambda: self._statements.query(sql, parameters, **options), control.cancel
        )
        return AsyncResult(result, self._threads)

    async def execute(
        self, sql: str, parameters: Sequence[Any] | None = None, **options: Any
    ) -> int:
        """Run a statement that changes something; returns the affected rows, -1 = unknown."""
        control = options.setdefault("control", Control())
        return await self._threads.run(
            lambda: self._statements.execute(sql, parameters, **options), control.cancel
        )

    async def executemany(
        self,
        sql: str,
        rows: Iterable[Sequence[Any]] | pa.Table | pa.RecordBatch,
        **options: Any,
    ) -> int:
        """Run a statement once for each row of parameters, all of them or none."""
        control = options.setdefault("control", Control())
        return await self._threads.run(
            lambda: self._statements.executemany(sql, rows, **options), control.cancel
        )

    async def ingest(self, table: str, data: Any, **options: Any) -> int:
        """Put rows into a table, all of them or none; `progress` is called on a thread."""
        control = options.setdefault("control", Control())
        return await self._threads.run(
            lambda: self._statements.ingest(table, data, **options), control.cancel
        )


class AsyncTransaction(AsyncStatements):
    """An open transaction; `transaction()` makes, commits and undoes it."""

    def __init__(self, transaction: Transaction, threads: _Threads) -> None:
        super().__init__(transaction, threads)
        self._transaction = transaction

    async def commit(self) -> None:
        """Make the transaction's work permanent."""
        await self._threads.run(self._transaction.commit)

    async def rollback(self) -> None:
        """Undo the transaction."""
        await self._threads.run(self._transaction.rollback)


class AsyncConnection(AsyncStatements):
    """A service's nodes, used as one. A context manager; `connect_async` makes it."""

    def __init__(self, connection: Connection, threads: _Threads) -> None:
        super().__init__(connection, threads)
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncTransaction]:
        """Run the block's statements in one transaction, on one node."""
        manager = self._connection.transaction()
        transaction = await self._threads.run(manager.__enter__)
        try:
            yield AsyncTransaction(transaction, self._threads)
        except BaseException:
            await self._threads.run(transaction.rollback)
            raise
        if not transaction.ended:
            await self._threads.run(transaction.commit)

    async def run(self, call: Callable[[Connection], T]) -> T:
        """Run any other call of the connection, such as `lambda c: c.metadata.tables()`."""
        return await self._threads.run(lambda: call(self._connection))

    async def close(self) -> None:
        """Stop open results, the router, the channels and the threads. Idempotent, bounded."""
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._connection.close()
        self._threads.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await asyncio.shield(self.close())

    def __repr__(self) -> str:
        return f"<Async{repr(self._connection).removeprefix('<')}"


@asynccontextmanager
async def connect_async(
    url: str, *, threads: int = THREADS, **options: Any
) -> AsyncIterator[AsyncConnection]:
    """Connect to a service for the time of an `async with` block.

    Args:
        threads: calls that wait for nodes at the same time.
        options: those of `connect`.
    """
    pool = _Threads(threads)
    try:
        connection = await pool.run(lambda: connect(url, **options))
    except BaseException:
        pool.close()
        raise
    async with AsyncConnection(connection, pool) as opened:
        yield opened
