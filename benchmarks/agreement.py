"""What a big cluster costs its registry, on a real ZooKeeper: python -m benchmarks.agreement.

Nodes are simulated: each has a session, a record and watches of its own, as a real one has, and no
engine. They live in a few processes, which answer on their standard output.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO

import psutil

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.topology import Event, Listed
from tests.support.zookeeper_server import ZooKeeperServer, four_letter_word

SERVICE = "flightsql"
FOLDER = "catalog"
_SESSION_S = 30.0
_PROCESSES = 10
_WITHIN_S = 300.0
_DEFINITION = b"{" + b"x" * 1022 + b"}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure a registry of a big cluster.")
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--tables", type=int, default=5000)
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--simulate", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.simulate:
        url, first, count = arguments.simulate
        simulate(url, int(first), int(count), sys.stdout, sys.stdin)
        return
    figures = measure(arguments.nodes, arguments.tables)
    for name, figure in figures.items():
        print(f"{name}: {figure:.4g}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(nodes: int, tables: int) -> Mapping[str, float]:
    """Figures by their names, which say what and in which unit."""
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(ZooKeeperServer(Path(home)))
        url = f"{server.url}/benchmark"
        writer = stack.enter_context(closing(open_registry(url, session_timeout_s=_SESSION_S)))
        figures[f"{tables} definitions written, s"] = _timed(lambda: _write(writer, tables))
        before_mb = _rss_mb(os.getpid())
        figures[f"{tables} definitions, first complete view, s"] = _first_view(url, tables)
        figures[f"{tables} definitions in memory, MB"] = _rss_mb(os.getpid()) - before_mb
        began_s = time.monotonic()
        cluster = stack.enter_context(_simulated(url, nodes))
        figures[f"{nodes} nodes started and with all definitions, s"] = time.monotonic() - began_s
        figures[f"{nodes} nodes, first complete list, s"] = _first_list(url, nodes)
        for number in range(3):
            began_s = time.monotonic()
            writer.write_document(f"{FOLDER}/s0/t0", b"%d" % number, number)
            cluster.wait(f"{number}")
            name = f"a change of one definition known to {nodes} nodes, s (try {number + 1})"
            figures[name] = time.monotonic() - began_s
        figures["a simulated node, MB"] = cluster.rss_mb() / nodes
        figures["znodes"] = _znodes(server.port)
        figures["ZooKeeper, MB"] = _rss_mb(server.pid)
    return figures


class Cluster:
    """The processes of the simulated nodes."""

    def __init__(self, processes: list["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    def wait(self, line: str) -> None:
        """Wait until each process says that all of its nodes are so far."""
        for process in self._processes:
            assert process.stdout is not None
            while process.stdout.readline().strip() != line:
                assert process.poll() is None

    def rss_mb(self) -> float:
        """What they have together."""
        return sum(_rss_mb(process.pid) for process in self._processes)


@contextmanager
def _simulated(url: str, nodes: int) -> Iterator[Cluster]:
    processes = []
    share = nodes // _PROCESSES
    try:
        for number in range(_PROCESSES):
            what = ["--simulate", url, str(number * share), str(share)]
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.agreement", *what],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        cluster = Cluster(processes)
        cluster.wait("ready")
        yield cluster
    finally:
        for process in processes:
            process.kill()
            process.wait()


def simulate(url: str, first: int, count: int, out: IO[str], until: IO[str]) -> None:
    """Be so many nodes until the input ends; say what all of them know."""
    told: dict[int, str] = {}
    lock = threading.Lock()

    def hears(number: int) -> Callable[[Mapping[str, Document]], None]:
        def hear(found: Mapping[str, Document]) -> None:
            document = found.get(f"{FOLDER}/s0/t0")
            data = b"ready" if document is None else document.data
            with lock:
                told[number] = "ready" if data == _DEFINITION else data.decode()
                if len(told) == count and len(set(told.values())) == 1:
                    print(told[number], file=out, flush=True)

        return hear

    with ExitStack() as stack:
        for number in range(first, first + count):
            opened = open_registry(url, session_timeout_s=_SESSION_S)
            registry = stack.enter_context(closing(opened))
            registry.register(Instance(SERVICE, f"n{number}", "grpc://127.0.0.1:1", f"i{number}"))
            registry.watch_documents(FOLDER, hears(number))
        until.read()


def _write(registry: Registry, tables: int) -> None:
    for number in range(tables):
        registry.write_document(f"{FOLDER}/s{number % 20}/t{number}", _DEFINITION, None)


def _first_view(url: str, tables: int) -> float:
    seen = threading.Event()

    def hear(found: Mapping[str, Document]) -> None:
        if len(found) == tables:
            seen.set()

    began_s = time.monotonic()
    registry = open_registry(url, session_timeout_s=_SESSION_S)
    with closing(registry):
        registry.watch_documents(FOLDER, hear)
        assert seen.wait(_WITHIN_S)
        return time.monotonic() - began_s


def _first_list(url: str, nodes: int) -> float:
    seen = threading.Event()

    def hear(event: Event) -> None:
        if isinstance(event, Listed) and len(event.instances) == nodes:
            seen.set()

    began_s = time.monotonic()
    with closing(open_registry(url, session_timeout_s=_SESSION_S)) as registry:
        registry.watch(SERVICE, hear)
        assert seen.wait(_WITHIN_S)
        return time.monotonic() - began_s


def _timed(work: Callable[[], None]) -> float:
    began_s = time.monotonic()
    work()
    return time.monotonic() - began_s


def _znodes(port: int) -> int:
    lines = four_letter_word(port, "srvr").splitlines()
    (line,) = [line for line in lines if line.startswith("Node count: ")]
    return int(line.removeprefix("Node count: "))


def _rss_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / 2**20)


if __name__ == "__main__":
    main()
