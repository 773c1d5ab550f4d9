"""What a node costs before it does anything, and what a long stream adds to it."""

import statistics
import subprocess
import sys
import threading
import time

import psutil
from pyarrow import flight

from benchmarks.contenders import serving
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire.flight_sql_pb2 import CommandStatementQuery

_LONG_STREAM = "SELECT range AS a, range * 2 AS b, range * 0.5::DOUBLE AS c FROM range({rows})"
_MB = 1e6
_IMPORT = "import flightkeeper.client, sys; assert 'duckdb' not in sys.modules"


def ready_s(times: int = 5) -> float:
    """Seconds from the start of `flightkeeper serve` to its ready line; the median."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        with serving(":memory:"):
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def client_import_s(times: int = 5) -> float:
    """Seconds that `import flightkeeper.client` takes in a fresh interpreter; the median."""
    return statistics.median(_run(_IMPORT) for _ in range(times)) - statistics.median(
        _run("pass") for _ in range(times)
    )


def memory_mb(rows: int) -> tuple[float, float]:
    """Resident megabytes of an idle node, and how many more at the peak of a long stream."""
    with serving(":memory:") as node:
        process = psutil.Process(node.process.pid)
        idle = process.memory_info().rss
        peak = [idle]
        done = threading.Event()

        def sample() -> None:
            while not done.wait(0.02):
                peak.append(process.memory_info().rss)

        sampler = threading.Thread(target=sample, name="rss-sampler")
        sampler.start()
        assert _stream(node.location, rows) == rows
        done.set()
        sampler.join()
    return idle / _MB, (max(peak) - idle) / _MB


def _stream(location: str, rows: int) -> int:
    with flight.connect(location) as connection:
        command = pack(CommandStatementQuery(query=_LONG_STREAM.format(rows=rows)))
        info = connection.get_flight_info(flight.FlightDescriptor.for_command(command))
        reader = connection.do_get(info.endpoints[0].ticket).to_reader()
        return sum(batch.num_rows for batch in reader)


def _run(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began
