"""The connection for asyncio: awaited, cancelled, and without a thread left over."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.client import (
    AsyncConnection,
    Connection,
    ConnectionClosed,
    NoNodeAvailable,
    StatementCancelled,
    StatementFailed,
    connect_async,
)

ENDLESS = "SELECT count(*) FROM range(1000000000000)"
RUNNING = (
    "SELECT count(*) FROM system.statements"
    " WHERE text LIKE '%range(1000000000000)%' AND text NOT LIKE '%system.%'"
)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(main, debug=True)
    left = [thread.name for thread in threading.enumerate()]
    assert not [name for name in left if name.startswith(("flightkeeper-async", "asyncio_"))]


async def running(connection: AsyncConnection) -> int:
    result = await connection.query(RUNNING)
    return int((await result.fetchall())[0][0])


async def until_running(connection: AsyncConnection, wanted: int) -> None:
    async with asyncio.timeout(10):
        while await running(connection) != wanted:  # noqa: ASYNC110  only asking tells
            await asyncio.sleep(0.02)


def test_every_call(real: Connection, service: str) -> None:
    async def main() -> None:
        async with connect_async(service) as connection:
            assert repr(connection).startswith("<AsyncConnection 'flightsql://")
            await connection.execute("CREATE TABLE work.t (n INT)")
            assert await connection.executemany("INSERT INTO work.t VALUES (?)", [(1,), (2,)]) == 2
            assert await connection.ingest("t", pa.table({"n": [3]}), schema="work") == 1
            async with await connection.query("SELECT n FROM work.t ORDER BY n") as result:
                assert result.schema.names == ["n"]
                assert [batch.num_rows async for batch in result] == [3]
                assert await result.read_next_batch() is None
            result = await connection.query("SELECT 1 AS a")
            assert "a" in repr(result)
            assert (await result.read_all()).num_rows == 1
            assert len(await (await connection.query("SELECT 1")).to_pandas()) == 1
            assert len(await (await connection.query("SELECT 1")).to_polars()) == 1
            tables = await connection.run(lambda c: c.metadata.tables(schema_pattern="work"))
            assert tables.num_rows == 1
            with pytest.raises(StatementFailed):
                await connection.query("nonsense")
        with pytest.raises((ConnectionClosed, RuntimeError)):
            await connection.query("SELECT 1")

    run(main())
    assert real.query("SELECT sum(n) FROM work.t").fetchall() == [(6,)]


def test_transactions(real: Connection, service: str) -> None:
    async def main() -> None:
        async with connect_async(service) as connection:
            await connection.execute("CREATE TABLE work.t (n INT)")
            async with connection.transaction() as transaction:
                await transaction.execute("INSERT INTO work.t VALUES (1)")
            async with connection.transaction() as transaction:
                await transaction.execute("INSERT INTO work.t VALUES (2)")
                await transaction.rollback()
            async with connection.transaction() as transaction:
                await transaction.execute("INSERT INTO work.t VALUES (3)")
                await transaction.commit()
            with pytest.raises(ZeroDivisionError):
                await failing(connection)

    async def failing(connection: AsyncConnection) -> None:
        async with connection.transaction() as transaction:
            await transaction.execute("INSERT INTO work.t VALUES (4)")
            raise ZeroDivisionError

    run(main())
    assert real.query("SELECT n FROM work.t ORDER BY n").fetchall() == [(1,), (3,)]


@pytest.mark.usefixtures("real")
def test_a_cancelled_task_stops_its_statement(service: str) -> None:
    async def main() -> None:
        async with connect_async(service) as connection:
            for call in (
                connection.query(ENDLESS),
                connection.execute(f"CREATE TABLE work.t AS {ENDLESS}"),
            ):
                task = asyncio.create_task(call)
                await until_running(connection, 1)
                started = time.monotonic()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                # The promise is a quarter of a second; machines under test are slow.
                assert time.monotonic() - started < 5
                assert await running(connection) == 0

    run(main())


@pytest.mark.usefixtures("real")
def test_a_task_that_waits_for_rows_is_cancelled_too(service: str) -> None:
    async def main() -> None:
        async with connect_async(service) as connection:
            result = await connection.query("SELECT range FROM range(1000000000000)")
            assert await result.read_next_batch() is not None
            task = asyncio.create_task(result.read_all())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until_running(connection, 0)
            other = await connection.query("SELECT range FROM range(1000000000000)")
            await other.cancel()
            with pytest.raises(StatementCancelled):
                await other.read_all()

    run(main())


@pytest.mark.usefixtures("real")
def test_more_tasks_than_threads_take_turns(service: str) -> None:
    async def main() -> None:
        async with connect_async(service, threads=2) as connection:
            blocked = [asyncio.create_task(connection.query(ENDLESS)) for _ in range(2)]
            waiting = asyncio.create_task(connection.query("SELECT 1"))
            async with connect_async(service) as other:
                await until_running(other, 2)
            assert not waiting.done()
            # Stopping does not wait behind what it stops.
            for task in blocked:
                task.cancel()
            assert await (await waiting).fetchall() == [(1,)]
            never = asyncio.create_task(connection.query("SELECT 1"))
            never.cancel()
            with pytest.raises(asyncio.CancelledError):
                await never

    run(main())


def test_nobody_there(tmp_path: Any) -> None:
    (tmp_path / "registry").mkdir()

    async def main() -> None:
        url = f"flightsql+dir://{tmp_path}/registry"
        with pytest.raises(NoNodeAvailable):
            async with connect_async(url, timeout_s=0.2, cache_dir=tmp_path):
                pass

    run(main())
