"""Which lock lets writers to a lake stand in line best: python -m benchmarks.turns.

Three processes with a few writers each, as nodes have them, without the network before them. The
product's own code makes the writes; only the gate between the processes is another one: none, a
locked file, PostgreSQL's advisory lock, the fenced lock in ZooKeeper.
"""

import argparse
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from rich.console import Console
from rich.table import Table

from benchmarks.lakes import CATALOGS, POSTGRES, Lake, lake
from flightkeeper.discovery.locks import Hold, LockTimeout
from flightkeeper.discovery.registry import Registry, open_registry
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import Statement
from flightkeeper.flight_server.engine.statement import parse as parse_sql
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake.gates import gate as gate_of
from flightkeeper.flight_server.lake.location import parse as parse_url
from flightkeeper.flight_server.lake.turns import FileGate, Gate, Line
from flightkeeper.flight_server.lake.writes import LakeWrites
from tests.support.zookeeper_server import ZooKeeperServer

PROCESSES = 3
WRITERS = 3
NO_LINE = "no line"
OPEN = "line in each process"
FILE = "file"
ADVISORY = "advisory lock"
ZOOKEEPER = "ZooKeeper"
GATES = (NO_LINE, OPEN, FILE, ADVISORY, ZOOKEEPER)
WORKLOADS = ("INSERT", "UPDATE of one row", "UPDATE of own rows", "mixed")
_ROWS = PROCESSES * WRITERS
_ZOOKEEPER_WAITS_S = 1.0

_Done = tuple[list[float], int]
"""Seconds that each write of a process took, and how many were refused."""


class _Outcome(NamedTuple):
    """What the writers of all processes did in a turn of so many seconds."""

    taken: list[float]
    refused: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What writers came to under one gate.

    Attributes:
        refused: writes that were given up because others were faster each time.
    """

    catalog: str
    workload: str
    gate: str
    rate: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    refused: int


@dataclass(frozen=True, slots=True)
class _Job:
    """What one process is to do."""

    url: str
    data: str
    gate: str
    registry: str
    number: int
    seconds: float


@dataclass
class _Told:
    """What a call tells of its statement: that it is a new one."""

    statement_id: str = ""
    sent_before: bool | None = False
    owner: str = "bench"

    def next_change(self) -> int:
        """The only one."""
        return 1


class _OpenGate:
    """Lets everybody through."""

    def try_enter(self, within_s: float = 0.0) -> bool:
        del within_s
        return True

    def leave(self) -> None:
        """There is nothing to give back."""


class _NoLine(Line):
    """Writers do not wait for each other, in their process neither."""

    @contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[None]:
        check()
        yield


class _ZooKeeperGate:
    """The cluster's lock, whose line is kept by ZooKeeper: it is waited in, not asked again."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._hold: Hold | None = None

    def try_enter(self, within_s: float = 0.0) -> bool:
        del within_s
        try:
            self._hold = self._registry.lock("lake-writes", _ZOOKEEPER_WAITS_S)
        except LockTimeout:
            return False
        return True

    def leave(self) -> None:
        if self._hold is not None:
            self._hold.release()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Compare locks between writers to a lake.")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each turn in a round")
    parser.add_argument("--catalog", choices=CATALOGS, action="append")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    found: list[Figures] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        ZooKeeperServer(Path(folder) / "zookeeper") as zookeeper,
    ):
        registry = f"{zookeeper.url}/turns"
        for catalog in arguments.catalog or CATALOGS:
            found += measure(catalog, registry, arguments.rounds, arguments.seconds)
    Console().print(_table(found))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


def measure(catalog: str, registry: str, rounds: int, seconds: float) -> Iterator[Figures]:
    """All workloads under each lock in turn, each on a lake of its own."""
    gates = [gate for gate in GATES if gate != ADVISORY or catalog == POSTGRES]
    outcomes: dict[tuple[str, str], list[_Outcome]] = {}
    with ExitStack() as stack:
        groups = {
            gate: stack.enter_context(_writers(catalog, gate, registry, seconds)) for gate in gates
        }
        for write in groups.values():
            write("mixed")  # which fills caches
        for number in range(rounds):
            for workload in WORKLOADS:
                for gate, write in groups.items():
                    outcome = write(workload)
                    outcomes.setdefault((workload, gate), []).append(outcome)
                    rate = f"{len(outcome.taken) / outcome.seconds:.0f}/s"
                    print(f"{catalog}, {number}, {workload}, {gate}, {rate}", file=sys.stderr)
    for (workload, gate), each in outcomes.items():
        yield _figures(catalog, workload, gate, each)


def _figures(catalog: str, workload: str, gate: str, outcomes: list[_Outcome]) -> Figures:
    times = sorted(one for outcome in outcomes for one in outcome.taken)
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    return Figures(
        catalog,
        workload,
        gate,
        statistics.median(len(each.taken) / each.seconds for each in outcomes),
        hundredths[49] * 1000,
        hundredths[98] * 1000,
        times[-1] * 1000,
        sum(each.refused for each in outcomes),
    )


@contextmanager
def _writers(
    catalog: str, gate: str, registry: str, seconds: float
) -> Iterator[Callable[[str], _Outcome]]:
    """Processes that write to a new lake under one lock, whenever they are told what."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    with tempfile.TemporaryDirectory() as folder, lake(catalog, Path(folder)) as of:
        _make(of)
        orders, processes = [context.Queue() for _ in range(PROCESSES)], []
        for number, its_orders in enumerate(orders):
            job = _Job(of.url, str(of.data), gate, registry, number, seconds)
            arguments = (job, its_orders, answers)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            processes.append(process)
        for _ in processes:
            answers.get()  # it is ready

        def write(workload: str) -> _Outcome:
            began_s = time.perf_counter()
            for its_orders in orders:
                its_orders.put(workload)
            each: list[_Done] = [answers.get() for _ in processes]
            taken = [one for its, _ in each for one in its]
            return _Outcome(taken, sum(n for _, n in each), time.perf_counter() - began_s)

        yield write
        for its_orders in orders:
            its_orders.put("")
        for process in processes:
            process.join(30)


def _make(of: Lake) -> None:
    database = Database(DatabaseOptions(lake=LakeOptions(parse_url(of.url, str(of.data)))))
    connection = database.connect()
    connection.command("CREATE TABLE entry (writer BIGINT, n BIGINT)")
    connection.command(f"CREATE TABLE counter AS SELECT range AS id, 0 AS n FROM range({_ROWS})")
    database.close()


def _work(job: _Job, orders: Any, answers: Any) -> None:
    """What a process does: a workload each time it is told one."""
    database = Database(DatabaseOptions(lake=LakeOptions(parse_url(job.url, job.data)), threads=1))
    with ExitStack() as stack:
        stack.callback(database.close)
        owner = LakeWrites(_line(job, database, stack), lambda: f"n{job.number}")
        answers.put("ready")
        while workload := orders.get():
            answers.put(_writing(job, workload, database, owner))


def _line(job: _Job, database: Database, stack: ExitStack) -> Line:
    gate: Gate = _OpenGate()
    match job.gate:
        case "no line":
            return _NoLine(gate)
        case "file":
            gate = FileGate(Path(f"{job.data}.lock"))
        case "advisory lock":
            gate = gate_of(parse_url(job.url, job.data), database)
        case "ZooKeeper":
            registry = open_registry(job.registry)
            stack.callback(registry.close)
            gate = _ZooKeeperGate(registry)
    return Line(gate)


def _writing(job: _Job, workload: str, database: Database, owner: LakeWrites) -> _Done:
    taken: list[list[float]] = [[] for _ in range(WRITERS)]
    refused = [0] * WRITERS

    def write(number: int) -> None:
        rng, connection = random.Random(number), database.lend()
        writer = job.number * WRITERS + number
        until = time.perf_counter() + job.seconds
        while (began := time.perf_counter()) < until:
            (statement,) = parse_sql(_TEXTS[workload](writer, rng))
            change = Change(statement, partial(_changed, statement))
            try:
                owner.change(cast("Call", _Told()), connection, change)
                taken[number].append(time.perf_counter() - began)
            except NodeError:
                refused[number] += 1
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [seconds for one in taken for seconds in one], sum(refused)


def _changed(statement: Statement, connection: Connection) -> int:
    return connection.change(statement)


def _insert(writer: int, _rng: random.Random) -> str:
    return f"INSERT INTO entry VALUES ({writer}, 1)"


def _own(writer: int, _rng: random.Random) -> str:
    return f"UPDATE counter SET n = n + 1 WHERE id = {writer}"


def _mixed(writer: int, rng: random.Random) -> str:
    kind = rng.choices((_insert, _own, _delete), (6, 2, 2))[0]
    return kind(writer, rng)


def _delete(writer: int, _rng: random.Random) -> str:
    return f"DELETE FROM entry WHERE writer = {writer} AND n = 1"


_TEXTS: Mapping[str, Callable[[int, random.Random], str]] = {
    "INSERT": _insert,
    "UPDATE of one row": lambda _writer, rng: _own(0, rng),
    "UPDATE of own rows": _own,
    "mixed": _mixed,
}


def _table(found: list[Figures]) -> Table:
    table = Table(title="writes a second, by the lock between processes", title_justify="left")
    headings = ("catalog", "workload", "lock", "1/s", "p50 ms", "p99 ms", "longest ms", "refused")
    for heading in headings:
        table.add_column(heading, justify="right" if heading[0] in "1pr" else "left")
    for each in sorted(found, key=lambda one: (one.catalog, WORKLOADS.index(one.workload))):
        figures = (each.p50_ms, each.p99_ms, each.longest_ms)
        table.add_row(
            *(each.catalog, each.workload, each.gate, f"{each.rate:.0f}"),
            *(f"{figure:.0f}" for figure in figures),
            str(each.refused),
        )
    return table


if __name__ == "__main__":
    main()
