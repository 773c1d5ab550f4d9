"""One way each of asking a statement: raw Flight, DuckDB in process, our node, our client, ADBC.

A contender makes an `Ask` for each client thread. All of them read every batch of the answer and
return how many rows and bytes there were.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import adbc_driver_flightsql.dbapi as adbc
import duckdb
import pyarrow as pa
from pyarrow import flight

from benchmarks.data import BATCH_ROWS, CREATE_TABLES
from flightkeeper import client
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire.flight_sql_pb2 import CommandStatementQuery

_START_TIMEOUT_S = 60
_END_TIMEOUT_S = 20


class Size(NamedTuple):
    """How much an answer was."""

    rows: int
    bytes: int


Ask = Callable[[str], Size]


class Contender(NamedTuple):
    """A name and a way to open one more client of it."""

    name: str
    ask: Callable[[], Ask]


@contextmanager
def contenders() -> Iterator[tuple[list[Contender], int]]:
    """Everything that is measured, started and loaded; and the node's process id."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        raw = stack.enter_context(starting("benchmarks.baselines", "raw"))
        smallest = stack.enter_context(starting("benchmarks.baselines", "smallest"))
        registry = f"dir://{directory}/registry"
        node = stack.enter_context(serving(":memory:", "--registry", registry))
        proxy = stack.enter_context(passing(registry, "proxy"))
        direct = stack.enter_context(passing(registry, "direct"))
        here = duckdb.connect()
        # All hold them in memory: of a file's tables DuckDB has to decompress every batch.
        load = _node(node.location)
        for statement in CREATE_TABLES:
            here.execute(statement)
            load(statement)
        yield (
            [
                Contender("raw Flight, from memory", lambda: _flight(raw.location)),
                Contender("DuckDB in process", lambda: _in_process(here)),
                Contender("smallest pyarrow.flight + DuckDB", lambda: _flight(smallest.location)),
                Contender("node, pyarrow.flight", lambda: _node(node.location)),
                Contender("node, flightkeeper.client", lambda: _client(registry)),
                Contender("node, ADBC", lambda: _adbc(node.location)),
                Contender("gateway, proxy", lambda: _located(proxy.location)),
                Contender("gateway, direct", lambda: _located(direct.location)),
            ],
            node.process.pid,
        )


class Started(NamedTuple):
    """A server process that told where it listens."""

    location: str
    process: "subprocess.Popen[str]"


@contextmanager
def serving(database: Path | str, *flags: str) -> Iterator[Started]:
    """A node as people run it."""
    arguments = ("serve", "--insecure", "--database", str(database), *flags)
    with starting("flightkeeper.cli", *arguments) as started:
        yield started._replace(location=json.loads(started.location)["location"])


@contextmanager
def passing(registry: str, mode: str) -> Iterator[Started]:
    """A gateway as people run it."""
    flags = ("gateway", "--registry", registry, "--data", mode)
    with starting("flightkeeper.cli", *flags) as started:
        yield started._replace(location=json.loads(started.location)["location"])


@contextmanager
def starting(module: str, *arguments: str) -> Iterator[Started]:
    """A server process; what it says first is where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield Started(process.stdout.readline().strip(), process)
    finally:
        process.terminate()
        process.wait(_END_TIMEOUT_S)


def _flight(location: str) -> Ask:
    connection = flight.connect(location)

    def ask(statement: str) -> Size:
        descriptor = flight.FlightDescriptor.for_command(statement.encode())
        info = connection.get_flight_info(descriptor)
        return _size(connection.do_get(info.endpoints[0].ticket).to_reader())

    return ask


def _node(location: str) -> Ask:
    connection = flight.connect(location)
    token = connection.authenticate_basic_token("bench", "")
    options = flight.FlightCallOptions(headers=[token])

    def ask(statement: str) -> Size:
        command = pack(CommandStatementQuery(query=statement))
        descriptor = flight.FlightDescriptor.for_command(command)
        info = connection.get_flight_info(descriptor, options)
        return _size(connection.do_get(info.endpoints[0].ticket, options).to_reader())

    return ask


def _located(location: str) -> Ask:
    """As `_node`, by a client that fetches results from where the plan says they are."""
    connections = {"": flight.connect(location)}
    token = connections[""].authenticate_basic_token("bench", "")
    options = flight.FlightCallOptions(headers=[token])

    def ask(statement: str) -> Size:
        command = pack(CommandStatementQuery(query=statement))
        descriptor = flight.FlightDescriptor.for_command(command)
        (endpoint,) = connections[""].get_flight_info(descriptor, options).endpoints
        place = endpoint.locations[0].uri.decode() if endpoint.locations else ""
        if place not in connections:
            connections[place] = flight.connect(place)
        return _size(connections[place].do_get(endpoint.ticket, options).to_reader())

    return ask


def _in_process(database: duckdb.DuckDBPyConnection) -> Ask:
    cursor = database.cursor()
    return lambda statement: _size(cursor.execute(statement).to_arrow_reader(BATCH_ROWS))


def _client(registry: str) -> Ask:
    connection = client.connect(f"flightsql+{registry}")
    return lambda statement: _size(connection.query(statement).reader)


def _adbc(location: str) -> Ask:
    connection: Any = adbc.connect(location, autocommit=True)

    def ask(statement: str) -> Size:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return _size(cursor.fetch_record_batch())

    return ask


def _size(reader: pa.RecordBatchReader) -> Size:
    rows = size = 0
    for batch in reader:
        rows += batch.num_rows
        size += batch.nbytes
    return Size(rows, size)
