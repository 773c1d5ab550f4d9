"""What DuckDB's cache of files does for a lake in an object store: python -m benchmarks.warmth.

Three nodes share a lake whose files are in a real S3 server on this machine, and each of them can
hold a third of it in memory. Bytes that the server did not have to send came from a cache: first
those of one node that scans the same table again, then those of all nodes for tables at random,
once with a client that sends statements anywhere and once with ours, which has affinity.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random

from benchmarks.contenders import serving
from flightkeeper.client import Connection, connect
from tests.support.object_store import BUCKET, object_store
from tests.support.relay import Relay, relaying

NODES = 3
TABLES = 12
ROWS = 1_000_000
CLIENTS = 4
WARM_UP = 60
MEMORY = "100MB"
_SCAN = "SELECT sum(x), max(i) FROM table_{:02}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure caches over an object store.")
    parser.add_argument("--statements", type=int, default=300)
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    figures: dict[str, Mapping[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, figure in measure(Path(folder), arguments.statements):
            print(f"{name}: {', '.join(f'{k} {v:.3g}' for k, v in figure.items())}", flush=True)
            figures[name] = figure
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(home: Path, statements: int) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Figures by what was done."""
    with object_store(home) as store, relaying(f"http://{store.endpoint}") as relay:
        start = home / "start.sql"
        near = relay.location.removeprefix("http://")
        start.write_text(store.start_sql.replace(store.endpoint, near))
        start.chmod(0o600)
        with _service(home, start) as (connection, _):
            for number in range(TABLES):
                print(f"table {number}", file=sys.stderr, flush=True)
                rows = f"SELECT random() AS x, i FROM range({ROWS}) t(i)"
                connection.execute(f"CREATE TABLE table_{number:02} AS {rows}")
        with _service(home, start) as (_, nodes):
            for time_ in ("first", "second", "third"):
                yield f"one table, {time_} time", _once(nodes[0], relay)
        for name, affinity in (("anywhere", False), ("affinity", True)):
            with _service(home, start) as (connection, nodes):
                run = _asks(connection, nodes, affinity=affinity)
                yield name, _many(run, relay, statements)


@contextmanager
def _service(home: Path, start: Path) -> Iterator[tuple[Connection, list[Connection]]]:
    """New nodes, a client of all and one of each."""
    registry = f"dir://{home}/registry"
    flags = (
        *("--registry", registry, "--extensions", "httpfs", "--start-file", str(start)),
        *("--lake", f"ducklake:sqlite:{home}/lake.sqlite", "--lake-data", f"s3://{BUCKET}/lake"),
        *("--memory-limit", MEMORY, "--threads", "1"),
    )
    with ExitStack() as stack:
        started = [stack.enter_context(serving(":memory:", *flags)) for _ in range(NODES)]
        of_all = stack.enter_context(connect(f"flightsql+{registry}", cache_dir=home))
        addresses = [node.location.removeprefix("grpc://") for node in started]
        nodes = [
            stack.enter_context(connect(f"flightsql://{address}?transport=tcp", cache_dir=home))
            for address in addresses
        ]
        yield of_all, nodes


def _once(node: Connection, relay: Relay) -> Mapping[str, float]:
    before, began_s = relay.received, time.perf_counter()
    _run(node, _SCAN.format(0))
    seconds = time.perf_counter() - began_s
    return {"ms": seconds * 1000, "MB from the store": (relay.received - before) / 1e6}


def _asks(of_all: Connection, nodes: list[Connection], *, affinity: bool) -> Callable[[str], float]:
    rng = Random(1)

    def run(sql: str) -> float:
        began_s = time.perf_counter()
        _run(of_all if affinity else rng.choice(nodes), sql)
        return time.perf_counter() - began_s

    return run


def _run(connection: Connection, sql: str) -> None:
    with connection.query(sql) as result:
        result.read_all()


def _many(run: Callable[[str], float], relay: Relay, statements: int) -> Mapping[str, float]:
    rng = Random(2)
    texts = [_SCAN.format(rng.randrange(TABLES)) for _ in range(WARM_UP + statements)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(run, texts[:WARM_UP]))
        before, began_s = relay.received, time.perf_counter()
        times_s = list(clients.map(run, texts[WARM_UP:]))
        seconds = time.perf_counter() - began_s
    tenths = statistics.quantiles(times_s, n=10)
    return {
        "MB from the store": (relay.received - before) / 1e6,
        "p50 ms": tenths[4] * 1000,
        "p90 ms": tenths[8] * 1000,
        "all s": seconds,
    }


if __name__ == "__main__":
    main()
