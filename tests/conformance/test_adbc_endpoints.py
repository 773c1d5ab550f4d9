"""The stock ADBC driver: results in many parts at once, on other nodes, and compressed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from adbc_driver_flightsql import StatementOptions

from tests.conformance.conftest import PASSWORD, USER, Pair, connect
from tests.support.processes import running
from tests.support.relay import relaying

TOOL = "ADBC DB-API (Python)"
parts = pytest.mark.tool(TOOL, "results in several parts, fetched side by side")
compression = pytest.mark.tool(TOOL, "compressed results (lz4, zstd)")

_ROWS = 3_000_000
_SUM = _ROWS * (_ROWS - 1) // 2
_QUERY = "SELECT a, b FROM big"
_READ_PARTITIONS = """
import sys
import adbc_driver_flightsql.dbapi as adbc
location, username, password = sys.argv[1:4]
rows = total = 0
with adbc.connect(location, db_kwargs={"username": username, "password": password}) as opened:
    with opened.cursor() as cursor:
        for partition in sys.argv[4:]:
            cursor.adbc_read_partition(bytes.fromhex(partition))
            for batch in cursor.fetch_record_batch():
                rows += batch.num_rows
                total += sum(batch["a"].to_pylist())
print(rows, total)"""


@pytest.fixture(scope="module")
def readers(
    login_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two nodes that read one file."""
    path = tmp_path_factory.mktemp("readers") / "data.duckdb"
    with duckdb.connect(str(path)) as opened:
        opened.execute(
            f"CREATE TABLE big AS SELECT i AS a, 'text ' || i AS b FROM range({_ROWS}) t(i)"
        )
    users, key_file = map(str, login_files)
    login = ("--users", users, "--key-file", key_file)
    flags = ("serve", *login, "--read-only", "--database", str(path))
    with running(*flags, "--node-id", "a") as a, running(*flags, "--node-id", "b") as b:
        yield Pair(a.line()["location"], b.line()["location"])


def asking(**options: str) -> dict[str, str]:
    """What makes a cursor send options of this project."""
    prefix = f"{StatementOptions.RPC_CALL_HEADER_PREFIX.value}x-flightkeeper-"
    return {prefix + name: value for name, value in options.items()}


@parts
@pytest.mark.parametrize("endpoints", [2, 16])
def test_all_parts_are_read_in_order(readers: Pair, endpoints: int) -> None:
    """The driver opens all of them at once, and reads one after the other."""
    with (
        connect(readers.first, autocommit=True) as opened,
        opened.cursor(adbc_stmt_kwargs=asking(endpoints=str(endpoints))) as cursor,
    ):
        planned, _ = cursor.adbc_execute_partitions(_QUERY)
        assert len(planned) == endpoints
        cursor.execute(_QUERY)
        table = cursor.fetch_arrow_table()
    assert table["a"].to_pylist() == list(range(_ROWS))
    assert table["b"][_ROWS - 1].as_py() == f"text {_ROWS - 1}"


@parts
def test_parts_are_read_by_another_process_from_another_node(readers: Pair) -> None:
    with (
        connect(readers.first, autocommit=True) as opened,
        opened.cursor(adbc_stmt_kwargs=asking(endpoints="4")) as cursor,
    ):
        planned, schema = cursor.adbc_execute_partitions(_QUERY)
        assert schema.types == [pa.int64(), pa.string()]
        found = [_read(readers.second, planned[:2]), _read(readers.first, planned[2:])]
    assert [sum(both) for both in zip(*found, strict=True)] == [_ROWS, _SUM]
    assert all(rows > 0 for rows, _ in found)


def _read(location: str, partitions: list[bytes]) -> list[int]:
    arguments = [location, USER, PASSWORD, *(partition.hex() for partition in partitions)]
    command = [sys.executable, "-c", _READ_PARTITIONS, *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=100)
    return [int(number) for number in printed.stdout.split()]


@compression
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_batches_are_compressed_on_the_wire(readers: Pair, codec: str) -> None:
    plain, plain_bytes = _received(readers.first, {})
    packed, packed_bytes = _received(readers.first, asking(compression=codec))
    assert packed.equals(plain)
    assert packed_bytes < 0.7 * plain_bytes


def _received(location: str, options: dict[str, str]) -> tuple[Any, int]:
    with (
        relaying(location) as relay,
        connect(relay.location, autocommit=True) as opened,
        opened.cursor(adbc_stmt_kwargs=options) as cursor,
    ):
        before = relay.received
        cursor.execute(f"{_QUERY} WHERE a < 500000")
        return cursor.fetch_arrow_table(), relay.received - before
