"""What tables of very many partitions cost real nodes: python -m benchmarks.partitions.

Two nodes on a real ZooKeeper. All partitions share a few small files, by hard links: what is
measured is the catalog, not the reading.
"""

import argparse
import json
import os
import re
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measures import rss_mb, timed
from flightkeeper.client import Connection, connect
from tests.support.processes import Running, running
from tests.support.zookeeper_server import ZooKeeperServer

_LINKS_MAX = 1000
_CREATE = """CREATE EXTERNAL TABLE s.t{number} (id BIGINT, PRIMARY KEY (id))
PARTITIONED BY (day INT) STORED AS PARQUET LOCATION '{root}'"""
_PRUNED = "SELECT count(*) FROM s.t0 WHERE day IN (15, 16, 18)"
_SCANNED = re.compile(r"Total Files Read: (\d+)")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure tables of many partitions.")
    parser.add_argument("--tables", type=int, default=10)
    parser.add_argument("--partitions", type=int, default=5000, help="of each table")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for name, figure in measure(arguments.tables, arguments.partitions):
        print(f"{name}: {figure:.4g}", flush=True)
        figures[name] = figure
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(tables: int, partitions: int) -> Iterator[tuple[str, float]]:
    """Figures with their names, which say what and in which unit, as they are found."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_files(home / "data", partitions)
        server = stack.enter_context(ZooKeeperServer(home / "zookeeper", heap_mb=512))
        url = f"{server.url}/benchmark"
        node = stack.enter_context(_node(url, "n1"))
        before_mb = rss_mb(node.process.pid)
        connection = stack.enter_context(connect(f"flightsql+{url}", cache_dir=home / "cache"))
        found_s = []
        for number in range(tables):
            connection.execute(_CREATE.format(number=number, root=home / "data"))
            repair = f"MSCK REPAIR TABLE s.t{number}"
            found_s.append(timed(partial(connection.execute, repair, timeout_s=60)))
        yield f"{partitions} partitions found, s, median", statistics.median(found_s)
        yield f"of {tables} tables the longest, s", max(found_s)
        queries_s = [timed(lambda: _value(connection, _PRUNED)) for _ in range(5)]
        yield "a query of 3 of them, s", statistics.median(queries_s)
        yield "files read by it", _files_read(connection)
        drop = "ALTER TABLE s.t0 DROP PARTITION (day = 15)"
        yield "one of them dropped, s", timed(lambda: connection.execute(drop, timeout_s=60))
        assert _value(connection, _PRUNED) == 2
        show = "SHOW PARTITIONS s.t0"
        yield "SHOW PARTITIONS, s", timed(lambda: connection.query(show).read_all())
        count = "SELECT count(*) FROM system.partitions"
        yield "system.partitions counted, s", timed(lambda: _value(connection, count))
        yield "they are", _value(connection, count)
        yield (
            "a further node ready after, s",
            timed(lambda: stack.enter_context(_node(url, "n2"))),
        )
        yield "a node has more memory by, MB", rss_mb(node.process.pid) - before_mb
        yield "znodes", server.figure("Node count")
        yield "ZooKeeper, MB", rss_mb(server.pid)


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


if __name__ == "__main__":
    main()
