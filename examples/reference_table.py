"""A record batch kept in the registry, changed and watched from several programs.

    python -m examples.reference_table watch zk://127.0.0.1:2181/flightkeeper
    python -m examples.reference_table count zk://127.0.0.1:2181/flightkeeper

Each `count` adds one to every rate of the table, ten times; it reads, changes, and writes only what
nobody changed meanwhile, so that no addition is lost however many programs do so. `watch` prints
every version it hears of, until the rates are what its last argument says.
"""

import queue
import sys
import time
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from flightkeeper.client import open_cluster
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.reference_table import Content
from flightkeeper.discovery.reference_tables import Author, ReferenceTables, TableChanged, read

_NAME = "main.rates"
_BATCH = pa.record_batch({"currency": ["EUR", "USD"], "rate": pa.array([0, 0], pa.int64())})
_TIMES = 10


def count(tables: ReferenceTables) -> None:
    """Add one to every rate, ten times."""
    done = 0
    while done < _TIMES:
        found = tables.get(_NAME)
        author = Author("the example", int(time.time() * 1000))
        try:
            if found is None:
                tables.create(_NAME, Content(pa.Table.from_batches([_BATCH])), author)
                continue
            more = pc.add(found.rows["rate"], 1)
            rows = found.rows.set_column(1, "rate", more)
            tables.replace(_NAME, Content(rows), author, found.version)
        except TableChanged:
            continue  # another program was faster
        done += 1


def watch(tables: ReferenceTables, last: int) -> None:
    """Print every version that is heard of, until all rates are `last`."""
    heard: queue.SimpleQueue[Mapping[str, Document]] = queue.SimpleQueue()
    watching = tables.watch(heard.put)
    rates: list[int] = []
    while rates != [last, last]:
        table = read(_NAME, heard.get(timeout=60).get(_NAME))
        if table is not None:
            rates = [int(str(rate)) for rate in table.rows["rate"].to_pylist()]
            print(f"version {table.version}: {rates}")
    watching.close()


def main(what: str, url: str, last: str = "10") -> None:
    """Do one of the two."""
    with open_cluster(url) as cluster:
        tables = cluster.reference_tables
        count(tables) if what == "count" else watch(tables, int(last))


if __name__ == "__main__":
    main(*sys.argv[1:])
