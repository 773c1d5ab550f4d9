"""Stock drivers through a gateway while nodes die: reads go on, nothing comes up short."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper import client
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.tickets import unverified
from flightkeeper.flightsql.wire.flight_sql_pb2 import CommandStatementQuery
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement
from tests.flight_server.wire_client import WireClient, basic
from tests.support.cluster import ROWS, SERVICE, Cluster, make_database
from tests.support.load import expected
from tests.support.processes import running

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]

NODES = ("n1", "n2", "n3")
MODES = ("proxy", "direct")
_KILLS = 2
_READERS = 4
# Wide enough that its result is far larger than what a gateway holds back.
_BIG_ROWS = 1_000_000
_BIG = f"SELECT i, repeat('x', 500) AS t FROM range({_BIG_ROWS}) t(i)"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    database = tmp_path / "shared.duckdb"
    make_database(database)
    with Cluster(f"dir://{tmp_path}/registry", database) as started:
        for node_id in NODES:
            started.start(node_id)
        yield started


@pytest.fixture
def start_gateway(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts a gateway of the cluster, and answers where it is."""
    del cluster
    with ExitStack() as stack:

        def start(mode: str) -> str:
            flags = ("--registry", f"dir://{tmp_path}/registry", "--service", SERVICE)
            started = stack.enter_context(running("gateway", *flags, "--data", mode))
            location: str = started.line()["location"]
            return location

        yield start


class Readers:
    """Threads of ADBC connections that read until told to stop, and check every answer."""

    def __init__(self, location: str) -> None:
        self.reads = 0
        self.wrong: list[str] = []
        self._location = location
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._read, args=(seed,), name=f"read-{seed}")
            for seed in range(_READERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _read(self, seed: int) -> None:
        rng = random.Random(seed)
        login = {"username": f"reader-{seed}", "password": "any"}
        with adbc.connect(self._location, db_kwargs=login, autocommit=True) as connection:
            while not self._stop.is_set():
                self._one(connection, rng.randrange(90_000))

    def _one(self, connection: Any, low: int) -> None:
        sql = f"SELECT i, v FROM number WHERE i >= {low} AND i < {low + 5000}"
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                table = cursor.fetch_arrow_table()
            got = (table.num_rows, sum(table["v"].to_numpy().tolist()))
        except adbc.Error as exc:
            got = (-1, 0)
            sql += f": {exc}"
        with self._lock:
            self.reads += 1
            if got != expected(low, low + 5000):
                self.wrong.append(f"{sql}: {got}")


def test_reads_of_adbc_do_not_notice_that_nodes_are_killed(
    cluster: Cluster, start_gateway: Callable[[str], str]
) -> None:
    """In both modes at once: the same nodes die under both."""
    both = [Readers(start_gateway(mode)) for mode in MODES]
    try:
        for victim in NODES[:_KILLS]:
            before = [readers.reads for readers in both]
            while any(r.reads < b + 20 for r, b in zip(both, before, strict=True)):
                time.sleep(0.05)
            cluster.kill(victim)
    finally:
        for readers in both:
            readers.stop()
    for readers in both:
        assert not readers.wrong, readers.wrong[:3]
        assert readers.reads > 20 * _KILLS


def test_a_result_whose_node_is_killed_half_way_is_an_error(
    cluster: Cluster, start_gateway: Callable[[str], str], tmp_path: Path
) -> None:
    connection: Any = flight.FlightClient(start_gateway("proxy"))
    options = _logged_in(connection)
    with client.connect(cluster.url, cache_dir=tmp_path) as nodes:
        by_life = {node.instance.incarnation: node.instance.node_id for node in nodes.nodes()}
    info = connection.get_flight_info(_query(_BIG), options)
    (endpoint,) = info.endpoints
    reader = connection.do_get(endpoint.ticket, options)
    rows = reader.read_chunk().data.num_rows
    cluster.kill(_owner(endpoint.ticket.ticket, by_life))
    with pytest.raises(flight.FlightUnavailableError, match="rows were delivered by node"):
        rows += sum(chunk.data.num_rows for chunk in reader)
    assert rows < _BIG_ROWS
    # The gateway has others, and they go on at once.
    again = connection.get_flight_info(_query("SELECT 42 AS v"), options)
    assert connection.do_get(again.endpoints[0].ticket, options).read_all()["v"].to_pylist() == [42]


def test_a_transaction_whose_node_is_killed_is_lost_and_says_so(
    cluster: Cluster, start_gateway: Callable[[str], str]
) -> None:
    with WireClient(start_gateway("proxy"), basic("ada")) as stock:
        transaction = stock.begin()
        assert stock.value("SELECT count(*) FROM number", transaction) == ROWS
        for node_id in NODES:
            cluster.kill(node_id)
        with pytest.raises(pa.ArrowKeyError, match="nothing of it was committed"):
            stock.query("SELECT count(*) FROM number", transaction)
        assert stock.received[headers.REASON] == headers.Reason.SESSION_LOST


def _logged_in(connection: Any) -> flight.FlightCallOptions:
    return flight.FlightCallOptions(headers=[connection.authenticate_basic_token("ada", "any")])


def _query(text: str) -> flight.FlightDescriptor:
    return flight.FlightDescriptor.for_command(pack(CommandStatementQuery(query=text)))


def _owner(ticket: bytes, by_life: Mapping[str, str]) -> str:
    """The node that has the answer of a ticket."""
    handle = unpack(ticket).statement_handle  # type: ignore[attr-defined]
    lives = [body.incarnation for body in unverified(handle, Statement)]
    return next(by_life[life] for life in lives if life in by_life)
