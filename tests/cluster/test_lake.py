"""Writes to the lake while nodes and its catalog's server die: each happens exactly once.

A ledger of what was said of each write is held against what is in the lake in the end.
"""

import itertools
import logging
import random
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

from flightkeeper import client
from flightkeeper.client.errors import FlightkeeperError
from tests.support.postgres_server import PostgresServer, postgres_server
from tests.support.processes import Running, running

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.timeout(240)]

NODES = ("n1", "n2", "n3")
WRITERS = 8
ACCOUNTS = 4
_SEED = 6
_FAULT_EVERY_S = 2.5
_measured = logging.getLogger("measured")


@dataclass
class Service:
    """Nodes that share a lake."""

    registry: str
    lake: str
    data: Path
    stack: ExitStack
    nodes: dict[str, Running] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)

    def start(self, node_id: str) -> None:
        flags = ("serve", "--insecure", "--registry", self.registry, "--node-id", node_id)
        stored = ("--lake", self.lake, "--lake-data", str(self.data))
        self.nodes[node_id] = self.stack.enter_context(running(*flags, *stored))
        self.locations[node_id] = self.nodes[node_id].line()["location"]

    def kill(self, node_id: str) -> None:
        self.nodes[node_id].process.kill()
        self.nodes[node_id].ended()

    def connect(self, cache: Path) -> client.Connection:
        return client.connect(f"flightsql+{self.registry}", cache_dir=cache)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


def service(stack: ExitStack, home: Path, lake: str) -> Service:
    started = Service(f"dir://{home}/registry", lake, home / "files", stack)
    for node_id in NODES:
        started.start(node_id)
    return started


class Threads:
    """Threads that work until told to stop."""

    def __init__(self, count: int) -> None:
        self.stopped = threading.Event()
        # Guards what was told to the threads.
        self.lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self.work, args=(number,), name=f"write-{number}")
            for number in range(count)
        ]

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self.stopped.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    @abstractmethod
    def work(self, number: int) -> None:
        """What a thread does until it is stopped."""


class Writers(Threads):
    """Write in all ways, and note what they were told of each write."""

    def __init__(self, connection: client.Connection) -> None:
        super().__init__(WRITERS)
        self.acknowledged: set[str] = set()
        self.unknown: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.added = self.maybe_added = 0
        self._connection = connection

    def work(self, number: int) -> None:
        rng, serial = random.Random(_SEED + number), 0
        while not self.stopped.is_set():
            serial += 1
            kind = rng.choices(["row", "rows", "count"], [6, 1, 3])[0]
            self._one(kind, f"{number}-{serial}")

    def _one(self, kind: str, name: str) -> None:
        try:
            self._said(kind, name)
        except FlightkeeperError as exc:
            with self.lock:
                (self.unknown if exc.in_doubt else self.refused)[name] = repr(exc)
                self.maybe_added += kind == "count" and exc.in_doubt
            return
        with self.lock:
            if kind == "count":
                self.added += 1
            else:
                self.acknowledged.add(name)

    def _said(self, kind: str, name: str) -> None:
        match kind:
            case "row":
                assert self._connection.execute("INSERT INTO entry VALUES (?, 1)", [name]) == 1
            case "rows":
                rows = pa.table({"id": [name] * 3, "n": pa.array([1, 2, 3], pa.int32())})
                assert self._connection.ingest("entry", rows, mode="append") == 3
            case _:
                assert self._connection.execute("UPDATE counter SET n = n + 1") == 1


def _check(writers: Writers, connection: client.Connection) -> None:
    found = connection.query("SELECT id, n FROM entry").read_all()
    stored = Counter(zip(found["id"].to_pylist(), found["n"].to_pylist(), strict=True))
    ids = {name for name, _ in stored}
    assert not writers.acknowledged - ids, "lost"
    assert not [entry for entry, times in stored.items() if times > 1], "doubled"
    assert not writers.refused.keys() & ids, "applied though refused"
    whole = Counter(name for name, _ in stored)
    assert set(whole.values()) <= {1, 3}, "a part of an ingest"
    count = connection.query("SELECT n FROM counter").fetchall()[0][0]
    assert writers.added <= count <= writers.added + writers.maybe_added
    for name, said in [*writers.refused.items(), *writers.unknown.items()]:
        _measured.info("%s: %s", name, said)
    _measured.info(
        "%d writes acknowledged, %d unknown, %d refused",
        len(writers.acknowledged) + writers.added,
        len(writers.unknown),
        len(writers.refused),
    )


def _run(
    started: Service, cache: Path, faults: Iterable[Callable[[], object]]
) -> tuple[Writers, client.Connection]:
    connection = started.stack.enter_context(started.connect(cache))
    connection.execute("CREATE TABLE entry (id VARCHAR, n INTEGER)")
    connection.execute("CREATE TABLE counter AS SELECT 0::BIGINT AS n")
    writers = Writers(connection).start()
    try:
        for fault in faults:
            time.sleep(_FAULT_EVERY_S)
            fault()
        time.sleep(_FAULT_EVERY_S)
    finally:
        writers.stop()
    return writers, connection


def test_what_one_node_wrote_the_others_read_at_once(stack: ExitStack, tmp_path: Path) -> None:
    started = service(stack, tmp_path, f"ducklake:sqlite:{tmp_path}/lake.sqlite")
    router = stack.enter_context(started.connect(tmp_path))
    router.execute("CREATE TABLE entry (n INTEGER)")
    addresses = [started.locations[node].removeprefix("grpc://") for node in NODES]
    alone = [
        stack.enter_context(client.connect(f"flightsql://{address}?transport=tcp"))
        for address in addresses
    ]
    ways = [*itertools.product(alone, alone), (router, router)]
    for number, (writer, reader) in zip(range(1, 121), itertools.cycle(ways), strict=False):
        writer.execute("INSERT INTO entry VALUES (?)", [number])
        ((seen,),) = reader.query("SELECT max(n) FROM entry").fetchall()
        assert seen == number


def _killed(started: Service, node_id: str) -> Callable[[], None]:
    def kill_and_start() -> None:
        started.kill(node_id)
        started.start(node_id)

    return kill_and_start


def test_killed_nodes_lose_and_double_nothing(stack: ExitStack, tmp_path: Path) -> None:
    started = service(stack, tmp_path, f"ducklake:sqlite:{tmp_path}/lake.sqlite")
    rng = random.Random(_SEED)
    faults = [_killed(started, rng.choice(NODES)) for _ in range(6)]
    writers, connection = _run(started, tmp_path, faults)
    _check(writers, connection)
    # Others are there to ask, so that nothing stays open.
    assert not writers.unknown
    assert not writers.refused


class StockWriters(Threads):
    """ADBC connections that insert rows through a gateway."""

    def __init__(self, location: str) -> None:
        super().__init__(4)
        self.acknowledged: set[str] = set()
        self.failed: list[str] = []
        self._location = location

    def work(self, number: int) -> None:
        login = {"username": f"writer-{number}", "password": "any"}
        with adbc.connect(self._location, db_kwargs=login, autocommit=True) as connection:
            for serial in itertools.count():
                if self.stopped.is_set():
                    return
                self._one(connection, f"stock-{number}-{serial}")

    def _one(self, connection: Any, name: str) -> None:
        try:
            with connection.cursor() as cursor:
                # One call: what fetches an answer after it would have to find its node again.
                cursor.adbc_statement.set_sql_query(f"INSERT INTO entry VALUES ('{name}', 1)")
                changed = cursor.adbc_statement.execute_update()
        except adbc.Error as exc:
            with self.lock:
                self.failed.append(f"{name}: {exc}")
            return
        with self.lock:
            assert changed == 1
            self.acknowledged.add(name)


def test_stock_drivers_write_once_through_a_gateway(stack: ExitStack, tmp_path: Path) -> None:
    started = service(stack, tmp_path, f"ducklake:sqlite:{tmp_path}/lake.sqlite")
    gateway = stack.enter_context(running("gateway", "--registry", started.registry))
    location = gateway.line()["location"]
    connection = stack.enter_context(started.connect(tmp_path))
    connection.execute("CREATE TABLE entry (id VARCHAR, n INTEGER)")
    writers = StockWriters(location).start()
    try:
        for node_id in ("n1", "n2", "n3"):
            time.sleep(_FAULT_EVERY_S)
            _killed(started, node_id)()
        time.sleep(_FAULT_EVERY_S)
    finally:
        writers.stop()
    stored = Counter(name for (name,) in connection.query("SELECT id FROM entry").fetchall())
    assert not writers.failed, writers.failed[:3]
    assert stored == Counter(writers.acknowledged)


def test_a_server_that_loses_its_connections_loses_and_doubles_nothing(
    stack: ExitStack, tmp_path: Path, server: PostgresServer
) -> None:
    started = service(stack, tmp_path, server.lake)
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    faults: list[Callable[[], object]] = [
        lambda: server.run(end_all),
        _killed(started, "n1"),
        server.restart,
        lambda: server.run(end_all),
        _killed(started, "n3"),
    ]
    writers, connection = _run(started, tmp_path, faults)
    _check(writers, connection)
