"""Where tables can be kept, each asked through the same few calls, for the lake's benchmarks.

A file of DuckDB in process, the same behind a node and behind DuckDB's own server (Quack), and
lakes behind one node or three.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

import duckdb
import pyarrow as pa

from benchmarks.contenders import Started, serving, starting
from benchmarks.lakes import CATALOGS, Lake, lake, nodes
from flightkeeper import client
from tests.support.zookeeper_server import free_ports

IN_PROCESS = "file, in process"
FILE = "file, node"
QUACK = "file, Quack"
_TOKEN = "benchmark"


class Client(Protocol):
    """A connection of its own to a store."""

    def rows(self, sql: str) -> pa.Table:
        """The whole answer to a query."""

    def change(self, sql: str) -> None:
        """Run what answers nothing."""

    def ingest(self, name: str, rows: pa.RecordBatchReader) -> None:
        """Make a table of rows."""


class Store(NamedTuple):
    """Where tables are kept.

    Attributes:
        open: one more client of it.
    """

    name: str
    open: Callable[[], Client]


@contextmanager
def in_process(file: Path) -> Iterator[Store]:
    """A file of DuckDB, by who has opened it."""
    with duckdb.connect(str(file)) as here:
        yield Store(IN_PROCESS, lambda: _Engine(here.cursor()))


@contextmanager
def behind_quack(file: Path) -> Iterator[Store]:
    """A file of DuckDB behind DuckDB's own server."""
    with starting("benchmarks.stores", str(file)) as started:
        yield Store(QUACK, lambda: _Quack(started.location))


@contextmanager
def behind_node(file: Path) -> Iterator[Store]:
    """A file of DuckDB behind a node."""
    with serving(file) as started:
        yield Store(FILE, lambda: _Node(_direct(started)))


@contextmanager
def lake_behind_node(catalog: str, of: Lake) -> Iterator[Store]:
    """A lake behind one node."""
    with serving(":memory:", *of.flags) as started:
        yield Store(lake_at(catalog, 1), lambda: _Node(_direct(started)))


def lake_at(catalog: str, count: int) -> str:
    """The name of a lake behind so many nodes."""
    return f"lake, {catalog}, {count} node{'s' if count > 1 else ''}"


@contextmanager
def stores(home: Path, nodes_of_a_lake: int = 3) -> Iterator[list[Store]]:
    """All of them, empty; lakes behind one of their nodes, and behind all."""
    with ExitStack() as stack:
        found = [
            stack.enter_context(in_process(home / "here.duckdb")),
            stack.enter_context(behind_quack(home / "quack.duckdb")),
            stack.enter_context(behind_node(home / "node.duckdb")),
        ]
        for catalog in CATALOGS:
            place = home / catalog
            place.mkdir()
            of = stack.enter_context(lake(catalog, place))
            url, started = stack.enter_context(nodes(of, nodes_of_a_lake, place))
            first = _direct(started[0])
            found.append(Store(lake_at(catalog, 1), partial(_Node, first)))
            found.append(Store(lake_at(catalog, len(started)), partial(_Node, url)))
        yield found


def _direct(node: Started) -> str:
    return f"flightsql://{node.location.removeprefix('grpc://')}?transport=tcp"


class _Node:
    def __init__(self, url: str) -> None:
        self._connection = client.connect(url)

    def rows(self, sql: str) -> pa.Table:
        with self._connection.query(sql) as result:
            return result.read_all()

    def change(self, sql: str) -> None:
        self._connection.execute(sql)

    def ingest(self, name: str, rows: pa.RecordBatchReader) -> None:
        self._connection.ingest(name, rows, mode="create")


class _Engine:
    """A cursor of a database."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def rows(self, sql: str) -> pa.Table:
        return self._cursor.execute(sql).to_arrow_reader().read_all()

    def change(self, sql: str) -> None:
        self._cursor.execute(sql).fetchall()

    def ingest(self, name: str, rows: pa.RecordBatchReader) -> None:
        self._cursor.register("bulk", rows)
        self._cursor.execute(f"CREATE TABLE {name} AS FROM bulk")
        self._cursor.unregister("bulk")


class _Quack:
    """DuckDB's client of its own server: a database of its own in which that one is attached."""

    def __init__(self, location: str) -> None:
        self._engine = loaded(duckdb.connect(), "httpfs", "quack")
        self._engine.execute(f"CREATE SECRET (TYPE quack, TOKEN '{_TOKEN}')")
        self._engine.execute(f"ATTACH '{location}' AS there")

    def rows(self, sql: str) -> pa.Table:
        return self._asked(sql).to_arrow_reader().read_all()

    def change(self, sql: str) -> None:
        self._asked(sql).fetchall()

    def ingest(self, name: str, rows: pa.RecordBatchReader) -> None:
        self._engine.register("bulk", rows)
        self._engine.execute(f"CREATE TABLE there.{name} AS FROM bulk")
        self._engine.unregister("bulk")

    def _asked(self, sql: str) -> duckdb.DuckDBPyConnection:
        asked = "FROM quack_query_by_name('there', $sql)"
        return self._engine.execute(asked, {"sql": sql})


def loaded(engine: duckdb.DuckDBPyConnection, *names: str) -> duckdb.DuckDBPyConnection:
    """A database with extensions of installed packages."""
    for name in names:
        package = find_spec(f"duckdb_extension_{name}")
        assert package is not None, f"pip install duckdb-extension-{name}=={duckdb.__version__}"
        assert package.origin is not None
        file = next(Path(package.origin).parent.rglob(f"{name}.duckdb_extension"))
        engine.execute(f"LOAD '{file}'")
    return engine


def _serve(database: str) -> None:
    """DuckDB's own server, until the process is ended."""
    engine = loaded(duckdb.connect(database), "httpfs", "quack")
    location = f"quack:127.0.0.1:{free_ports(1)[0]}"
    engine.execute(f"CALL quack_serve('{location}', token='{_TOKEN}')").fetchall()
    print(location, flush=True)
    signal.pause()


if __name__ == "__main__":
    _serve(sys.argv[1])
