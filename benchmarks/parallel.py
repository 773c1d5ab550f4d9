"""What reading one result from several nodes brings: python -m benchmarks.parallel.

Three nodes that read the same file, and a client that fetches ten million rows: as one stream, in
parts from the node that planned them, and in parts from all three. Takes turns, so that noise is
shared.
"""

import statistics
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import duckdb

from benchmarks.contenders import serving
from benchmarks.data import BIG_ROWS, CREATE_TABLES, STREAM
from benchmarks.measures import Figures, compared, timed
from flightkeeper.client import Connection, connect
from flightkeeper.client.partitions import Partition

_NODES = 3
_PARTS = 3

_Read = Callable[[Connection], int]


def measure(rounds: int) -> Figures:
    """Million rows a second of each way, and how much faster than one stream it is."""
    times: dict[str, list[float]] = {name: [] for name in _WAYS}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = home / "shared.duckdb"
        with duckdb.connect(str(database)) as made:
            for statement in CREATE_TABLES:
                made.execute(statement)
        registry = f"dir://{home}/registry"
        for _ in range(_NODES):
            stack.enter_context(serving(database, "--read-only", "--registry", registry))
        connection = stack.enter_context(connect(f"flightsql+{registry}", cache_dir=home))
        for round_number in range(rounds + 1):
            for name, read in _WAYS.items():
                seconds = timed(lambda read=read: _checked(read(connection)))  # type: ignore[misc]
                if round_number:  # the first one fills caches
                    times[name].append(seconds)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    one = medians["one stream"]
    return {
        name: {"million rows/s": BIG_ROWS / seconds / 1e6, "x one stream": one / seconds}
        for name, seconds in medians.items()
    }


def _checked(rows: int) -> None:
    assert rows == BIG_ROWS, rows


def _rows(connection: Connection, part: Partition) -> int:
    with connection.read_partition(part) as result:
        return sum(batch.num_rows for batch in result.reader)


def _one_stream(connection: Connection) -> int:
    with connection.query(STREAM) as result:
        return sum(batch.num_rows for batch in result.reader)


def _one_node(connection: Connection) -> int:
    parts = connection.partitions(STREAM, parts=_PARTS).parts
    with ThreadPoolExecutor(_PARTS) as pool:
        return sum(pool.map(lambda part: _rows(connection, part), parts))


def _all_nodes(connection: Connection) -> int:
    parts = connection.partitions(STREAM, parts=_PARTS).parts
    nodes = cycle(status.instance for status in connection.nodes())
    spread = [
        replace(part, node=node.node_id, location=node.location, locations=())
        for part, node in zip(parts, nodes, strict=False)
    ]
    with ThreadPoolExecutor(_PARTS) as pool:
        return sum(pool.map(lambda part: _rows(connection, part), spread))


_WAYS: Mapping[str, _Read] = {
    "one stream": _one_stream,
    "parts from one node": _one_node,
    "parts from three nodes": _all_nodes,
}


if __name__ == "__main__":
    compared("Measure reading from several nodes.", 10, measure)
