"""What affinity is worth: python -m benchmarks.affinity.

Three nodes scan twelve remote files that no node's memory can hold, but all three together can.
Real engines with DuckDB's own cache of external files, a real file server on this machine that is
as fast as a slow object store, the real router's choice. Needs DuckDB's httpfs extension, which
`pip install duckdb-extension-httpfs` brings.
"""

import argparse
import re
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import quantiles
from tempfile import TemporaryDirectory

import duckdb

from flightkeeper.client.affinity import key_of
from flightkeeper.client.loads import Loads
from flightkeeper.client.picker import build
from flightkeeper.client.selection import ANY, Hints, plan
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.topology import Listed, Topology

NODES = 3
FILES = 12
ROWS = 1_000_000
CLIENTS = 4
WARM_UP = 60
MEMORY = "100MB"
BYTES_PER_S = 50e6
LATENCY_S = 0.005


@dataclass(frozen=True)
class Figures:
    """What a way of choosing came to.

    Attributes:
        hits: share of the bytes scanned that came from a node's cache.
        p50_ms: of a statement's time.
    """

    hits: float
    p50_ms: float
    p90_ms: float
    seconds: float


class _Server(ThreadingHTTPServer):
    """Serves the files of a folder, slowly, and counts bytes."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.folder = folder
        self.served = 0
        self.lock = threading.Lock()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        """Tell a file's size."""
        self._answer(with_body=False)

    def do_GET(self) -> None:
        """Serve a file or a range of it."""
        self._answer(with_body=True)

    def log_message(self, *_arguments: object) -> None:
        """Be silent."""

    def _answer(self, *, with_body: bool) -> None:
        path = self.server.folder / Path(self.path).name
        size = path.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        last = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", "Thu, 26 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", f'"{path.name}"')
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if not with_body:
            return
        with path.open("rb") as file:
            file.seek(first)
            body = file.read(last - first + 1)
        with self.server.lock:
            self.server.served += len(body)
        time.sleep(LATENCY_S + len(body) / BYTES_PER_S)
        self.wfile.write(body)


@contextmanager
def _serving() -> Iterator[_Server]:
    with TemporaryDirectory() as folder:
        with duckdb.connect() as engine:
            for number in range(FILES):
                engine.sql(
                    f"COPY (SELECT random() AS x, i FROM range({ROWS}) t(i))"
                    f" TO '{folder}/day-{number:02}.parquet'"
                )
        server = _Server(Path(folder))
        thread = threading.Thread(target=server.serve_forever, name="files")
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Service:
    """Nodes that scan, and a router's choice between them."""

    def __init__(self, extension: Path, *, affinity: bool) -> None:
        self._affinity = affinity
        self._nodes = {f"n{n}": duckdb.connect(config=_CONFIG) for n in range(NODES)}
        for engine in self._nodes.values():
            engine.sql(f"LOAD '{extension}'")
        records = tuple(Instance("f", node_id, "grpc://h:1", "one") for node_id in self._nodes)
        self._picker = build(Topology().apply(Listed(records, 0.0)), {})
        self._loads = Loads(time.monotonic)
        self._rng = Random(1)

    def run(self, sql: str) -> float:
        """Run a statement; returns its time in seconds."""
        hints = Hints(affinity=key_of(sql)) if self._affinity else ANY
        node_id = next(plan(self._picker, self._loads.of, self._rng, hints)).node_id
        self._loads.entered(node_id)
        started = time.perf_counter()
        try:
            self._nodes[node_id].cursor().sql(sql).fetchall()
        finally:
            self._loads.left(node_id)
        return time.perf_counter() - started

    def close(self) -> None:
        """Let go of the engines."""
        for engine in self._nodes.values():
            engine.close()


_CONFIG: dict[str, str | bool | int | float | list[str]] = {"memory_limit": MEMORY, "threads": 1}


def measure(server: _Server, extension: Path, statements: int, *, affinity: bool) -> Figures:
    """Run statements over random files with one way of choosing."""
    service, rng = _Service(extension, affinity=affinity), Random(2)
    port = server.server_address[1]
    texts = [
        f"SELECT sum(x), max(i) FROM 'http://127.0.0.1:{port}/day-{rng.randrange(FILES):02}.parquet'"
        for _ in range(WARM_UP + statements)
    ]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(service.run, texts[:WARM_UP]))
        before, started = server.served, time.perf_counter()
        times_s = list(clients.map(service.run, texts[WARM_UP:]))
        seconds = time.perf_counter() - started
    service.close()
    scanned = statements * sum(f.stat().st_size for f in server.folder.iterdir()) / FILES
    tenths = quantiles(times_s, n=10)
    hits = 1.0 - (server.served - before) / scanned
    return Figures(max(0.0, hits), tenths[4] * 1e3, tenths[8] * 1e3, seconds)


def main() -> int:
    """Print a line for each way of choosing."""
    parser = argparse.ArgumentParser(description="Measure affinity on scans of remote files.")
    parser.add_argument("--statements", type=int, default=300)
    statements = parser.parse_args().statements
    package = find_spec("duckdb_extension_httpfs")
    if package is None or package.origin is None:
        print("httpfs is missing: pip install duckdb-extension-httpfs", file=sys.stderr)
        return 1
    extension = next(Path(package.origin).parent.rglob("httpfs.duckdb_extension"))
    print(f"{'':>12} {'from cache':>11} {'p50, ms':>9} {'p90, ms':>9} {'all, s':>7}")
    with _serving() as server:
        for name, affinity in (("two choices", False), ("affinity", True)):
            seen = measure(server, extension, statements, affinity=affinity)
            figures = f"{seen.p50_ms:>9.0f} {seen.p90_ms:>9.0f} {seen.seconds:>7.1f}"
            print(f"{name:>12} {seen.hits:>11.0%} {figures}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
