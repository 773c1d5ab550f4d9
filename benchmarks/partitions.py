"""What one table of very many partitions costs a real node: python -m benchmarks.partitions.

Two nodes on a real ZooKeeper. All partitions share a few small files, by hard links: what is
measured is the catalog, not the reading.
"""

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from flightkeeper.client import Connection, connect
from tests.support.processes import Running, running
from tests.support.zookeeper_server import ZooKeeperServer, four_letter_word

_LINKS_MAX = 1000
_CREATE = """CREATE EXTERNAL TABLE s.t (id BIGINT, PRIMARY KEY (id))
PARTITIONED BY (day INT) STORED AS PARQUET LOCATION '{root}'"""
_PRUNED = "SELECT count(*) FROM s.t WHERE day IN (15, 16, 18)"
_SCANNED = re.compile(r"Total Files Read: (\d+)")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure a table of many partitions.")
    parser.add_argument("--partitions", type=int, default=50_000)
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    figures = measure(arguments.partitions)
    for name, figure in figures.items():
        print(f"{name}: {figure:.4g}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(partitions: int) -> dict[str, float]:
    """Figures by their names, which say what and in which unit."""
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_files(home / "data", partitions)
        server = stack.enter_context(ZooKeeperServer(home / "zookeeper", heap_mb=512))
        url = f"{server.url}/benchmark"
        node = stack.enter_context(_node(url, "n1"))
        before_mb = _rss_mb(node)
        connection = stack.enter_context(connect(f"flightsql+{url}", cache_dir=home / "cache"))
        connection.execute(_CREATE.format(root=home / "data"))
        named = f"{partitions} partitions"
        figures[f"{named}: MSCK REPAIR TABLE, s"] = _timed(
            lambda: connection.execute("MSCK REPAIR TABLE s.t", timeout_s=300)
        )
        figures[f"{named}: nothing new, MSCK REPAIR TABLE, s"] = _timed(
            lambda: connection.execute("MSCK REPAIR TABLE s.t", timeout_s=300)
        )
        figures["a query of 3 of them, s"] = _timed(lambda: _value(connection, _PRUNED))
        figures["files read by it"] = _files_read(connection)
        figures["one of them dropped, s"] = _timed(
            lambda: connection.execute("ALTER TABLE s.t DROP PARTITION (day = 15)", timeout_s=60)
        )
        assert _value(connection, _PRUNED) == 2
        figures["SHOW PARTITIONS, s"] = _timed(
            lambda: connection.query("SHOW PARTITIONS s.t").read_all()
        )
        figures["a further node ready after, s"] = _timed(
            lambda: stack.enter_context(_node(url, "n2"))
        )
        figures["a node has more memory by, MB"] = _rss_mb(node) - before_mb
        figures["znodes"] = _znodes(server.port)
        figures["ZooKeeper, MB"] = psutil.Process(server.pid).memory_info().rss / 2**20
    return figures


def write_files(root: Path, partitions: int) -> None:
    """A folder a day, each with one file of one row."""
    root.mkdir()
    for day in range(partitions):
        folder = root / f"day={day}"
        folder.mkdir()
        if day % _LINKS_MAX == 0:
            first = folder / "a.parquet"
            pq.write_table(pa.table({"id": [day]}), first)
        else:
            os.link(first, folder / "a.parquet")


@contextmanager
def _node(url: str, node_id: str) -> Iterator[Running]:
    """A node of the cluster, from its ready line to the end of the block."""
    flags = f"serve --insecure --listen grpc://127.0.0.1:0 --node-id {node_id} --registry {url}"
    with running(*flags.split()) as node:
        assert node.line()["event"] == "ready"
        yield node


def _files_read(connection: Connection) -> int:
    plan = str(_value(connection, f"EXPLAIN ANALYZE {_PRUNED}", column=1))
    found = _SCANNED.search(plan)
    return int(found[1]) if found else -1


def _value(connection: Connection, sql: str, column: int = 0) -> Any:
    return connection.query(sql).read_all().column(column)[0].as_py()


def _timed(work: Callable[[], object]) -> float:
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def _rss_mb(node: Running) -> float:
    return float(psutil.Process(node.process.pid).memory_info().rss / 2**20)


def _znodes(port: int) -> int:
    lines = four_letter_word(port, "srvr").splitlines()
    (line,) = [line for line in lines if line.startswith("Node count: ")]
    return int(line.removeprefix("Node count: "))


if __name__ == "__main__":
    main()
