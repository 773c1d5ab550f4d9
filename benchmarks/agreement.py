"""What a big cluster costs its registry, on a real ZooKeeper: python -m benchmarks.agreement.

Nodes are simulated: each has a session, a record and watches of its own, as a real one has, and no
engine. They live in a few processes, which answer on their standard output.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO

from benchmarks.measures import rss_mb, timed
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.records import Instance
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.discovery.topology import Event, Listed
from tests.support.zookeeper_server import ZooKeeperServer

SERVICE = "flightsql"
FOLDER = "catalog"
_SESSION_S = 30.0
_PROCESSES = 10
_CHANGES = 10
_HEAP_MB = 1024
_WITHIN_S = 300.0
_DEFINITION = b"{" + b"x" * 1022 + b"}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Measure a registry of a big cluster.")
    parser.add_argument("--nodes", type=int, default=100, help=f"a multiple of {_PROCESSES}")
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="where to write the results")
    parser.add_argument("--simulate", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.simulate:
        url, first, count = arguments.simulate
        simulate(url, int(first), int(count), sys.stdout, sys.stdin)
        return
    if arguments.nodes % _PROCESSES:
        parser.error(f"--nodes has to be a multiple of {_PROCESSES}")
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
        server = stack.enter_context(ZooKeeperServer(Path(home), heap_mb=_HEAP_MB))
        url = f"{server.url}/benchmark"
        writer = stack.enter_context(closing(open_registry(url, session_timeout_s=_SESSION_S)))
        figures[f"{tables} definitions written, s"] = timed(lambda: _write(writer, tables))
        before_mb = rss_mb(os.getpid())
        figures[f"{tables} definitions, first complete view, s"] = _first_view(url, tables)
        figures[f"{tables} definitions in memory, MB"] = rss_mb(os.getpid()) - before_mb
        began_s = time.monotonic()
        cluster = stack.enter_context(_simulated(url, nodes))
        firsts_s = sorted(cluster.wait("ready"))
        figures[f"{nodes} nodes started one after another in {_PROCESSES} processes, s"] = (
            time.monotonic() - began_s
        )
        figures["of a node until its first complete view, s, median"] = statistics.median(firsts_s)
        figures["of a node until its first complete view, s, longest"] = firsts_s[-1]
        figures[f"{nodes} nodes, first complete list, s"] = _first_list(url, nodes)
        changes_s = [_change(writer, cluster, number) for number in range(_CHANGES)]
        name = f"a change of one definition known to {nodes} nodes, s"
        figures[f"{name}, median"] = statistics.median(changes_s)
        figures[f"{name}, longest"] = max(changes_s)
        # All sessions go on, on connections without watches.
        server.kill()
        server.restart()
        name = "after a restart of ZooKeeper"
        figures[f"{name}, a change known to all, s"] = _change(writer, cluster, _CHANGES)
        requests = server.figure("Received")
        figures[f"{name}, requests a node"] = requests / nodes
        figures["a simulated node, MB"] = cluster.rss_mb() / nodes
        figures["znodes"] = server.figure("Node count")
        figures["ZooKeeper, MB"] = rss_mb(server.pid)
    return figures


class Cluster:
    """The processes of the simulated nodes."""

    def __init__(self, processes: list["subprocess.Popen[str]"]) -> None:
        self._processes = processes

    def wait(self, word: str) -> list[float]:
        """Wait until each process says that all of its nodes are so far; what else they say."""
        numbers: list[float] = []
        for process in self._processes:
            assert process.stdout is not None
            said, *more = [""]
            while said != word:
                assert process.poll() is None
                said, *more = process.stdout.readline().split()
            numbers += map(float, more)
        return numbers

    def rss_mb(self) -> float:
        """What they have together."""
        return sum(rss_mb(process.pid) for process in self._processes)


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
        yield Cluster(processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Simulated:
    """The nodes of one process, and what each knows."""

    def __init__(self, count: int, out: IO[str]) -> None:
        self._count = count
        self._out = out
        self._told: dict[int, str] = {}
        self._changed = threading.Condition()

    def hears(self, number: int) -> Callable[[Mapping[str, Document]], None]:
        """The listener of a node."""

        def hear(found: Mapping[str, Document]) -> None:
            document = found[f"{FOLDER}/s0/t0"]
            with self._changed:
                self._told[number] = "" if document.data == _DEFINITION else document.data.decode()
                same = len(self._told) == self._count and len(set(self._told.values())) == 1
                if same and self._told[number]:
                    print(self._told[number], file=self._out, flush=True)
                self._changed.notify_all()

        return hear

    def wait(self, number: int) -> None:
        """Wait until a node has heard of everything."""
        with self._changed:
            assert self._changed.wait_for(lambda: number in self._told, _WITHIN_S)


def simulate(url: str, first: int, count: int, out: IO[str], until: IO[str]) -> None:
    """Be so many nodes until the input ends; say what all of them know."""
    nodes = Simulated(count, out)
    firsts_s: list[float] = []
    with ExitStack() as stack:
        for number in range(first, first + count):
            began_s = time.monotonic()
            opened = open_registry(url, session_timeout_s=_SESSION_S)
            registry = stack.enter_context(closing(opened))
            registry.register(Instance(SERVICE, f"n{number}", "grpc://127.0.0.1:1", f"i{number}"))
            registry.watch_documents(FOLDER, nodes.hears(number))
            nodes.wait(number)
            firsts_s.append(time.monotonic() - began_s)
        print("ready", *firsts_s, file=out, flush=True)
        until.read()


def _change(writer: Registry, cluster: Cluster, number: int) -> float:
    """Change a definition; seconds until every node has heard of it."""
    began_s = time.monotonic()
    writer.write_document(f"{FOLDER}/s0/t0", b"%d" % number, number)
    cluster.wait(f"{number}")
    return time.monotonic() - began_s


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


if __name__ == "__main__":
    main()
