"""Reads of a lake whose catalog's server is lost at each point of a read."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.location import parse
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.wire_client import Served, WireClient, serving
from tests.support.postgres_relay import PostgresRelay, losing_commits
from tests.support.postgres_server import postgres_server

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

COUNT = "SELECT count(*) FROM t"
READS = {
    "the version": (b"MAX(snapshot_id)", COUNT),
    "the files": (b"ducklake_delete_file", COUNT),
    "what is in the files": (b"column_stats", "SELECT count(*) FROM t JOIN t again USING (i)"),
    "a name, which is looked for in the lake": (b"COMMIT", "SELECT count(*) FROM range(10)"),
}
"""Where the connection ends, and in which read; all answer 10."""


@pytest.fixture(scope="module")
def relay() -> Iterator[PostgresRelay]:
    with postgres_server() as server, losing_commits(server.home) as opened:
        yield opened


@pytest.fixture(scope="module")
def node(relay: PostgresRelay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lake = f"ducklake:postgres://postgres@/postgres?host={relay.home}"
    files = str(tmp_path_factory.mktemp("files"))
    # Over a copy of its table a read asks for no files.
    with serving(lake=lake, lake_data=files, lake_upkeep_s=0, lake_copies_bytes=0) as started:
        with started.client() as client:
            client.update("CREATE TABLE t AS SELECT range AS i FROM range(10)")
            client.update("CREATE TABLE other (i INTEGER)")
        yield started


@pytest.fixture
def client(node: Served) -> Iterator[WireClient]:
    with node.client() as made:
        yield made


@pytest.fixture(params=READS)
def read(request: pytest.FixtureRequest, relay: PostgresRelay) -> Iterator[str]:
    relay.breaks_at, text = READS[request.param]
    yield text
    relay.breaks = 0


@pytest.mark.parametrize("prepared", [False, True])
def test_a_read_whose_connection_ends_is_begun_again(
    client: WireClient, relay: PostgresRelay, read: str, *, prepared: bool
) -> None:
    for _ in range(10):
        relay.breaks = 1
        if prepared:
            found = client.execute(client.prepare(read).prepared_statement_handle)
            assert found.column(0).to_pylist() == [10]
        else:
            assert client.value(read) == 10
        assert relay.breaks == 0


def test_a_read_that_cannot_be_begun_can_go_to_another_node(
    client: WireClient, relay: PostgresRelay, read: str
) -> None:
    relay.breaks = 1_000
    with pytest.raises(flight.FlightUnavailableError, match="nothing was run: try again"):
        client.query(read)
    assert client.received[headers.REASON] == Reason.AWAY
    relay.breaks = 0
    assert client.value(read) == 10


def test_a_ticket_that_is_fetched_again_is_begun_again(
    client: WireClient, relay: PostgresRelay
) -> None:
    info = client.plan(COUNT)
    client.fetch(info)
    client.update("INSERT INTO other SELECT 1")
    relay.breaks_at, relay.breaks = b"ducklake_delete_file", 1
    assert client.fetch(info).column(0).to_pylist() == [10]
    assert relay.breaks == 0


def test_a_transaction_is_told_that_it_is_lost(client: WireClient, relay: PostgresRelay) -> None:
    transaction = client.begin()
    assert client.value(COUNT, transaction) == 10
    relay.breaks_at, relay.breaks = b"ducklake", 1
    with pytest.raises(flight.FlightServerError) as lost:
        client.query("SELECT count(*) FROM other", transaction)
    assert headers.REASON not in client.received, str(lost.value)
    client.end(transaction, commit=False)
    assert client.value(COUNT) == 10


_FAIL = """
import sys
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake.location import parse

database = Database(DatabaseOptions(lake=LakeOptions(parse(sys.argv[1], sys.argv[2]))))
connection = database.connect()
connection.command("CREATE TABLE broken AS SELECT 1 AS i")
((table,),) = connection.rows(
    "SELECT max(table_id) FROM __ducklake_metadata_lake.ducklake_table"
)
assert database.works()
print(table, flush=True)
sys.stdin.readline()
for _ in range(2):
    try:
        connection.rows("FROM broken")
    except NodeError as exc:
        print(type(exc).__name__, exc.reason, flush=True)
print(database.works(), flush=True)
"""


def test_an_engine_that_an_outage_has_ended_says_so(tmp_path: Path) -> None:
    """In a process of its own, which DuckDB ends when it is to close what has failed."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with postgres_server() as server, losing_commits(server.home) as relay:
        lake = f"ducklake:postgres://postgres@/postgres?host={relay.home}"
        command = [sys.executable, "-c", _FAIL, lake, str(tmp_path)]
        with subprocess.Popen(command, text=True, **pipes) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()
            # DuckLake takes an answer that failed for one without columns.
            relay.breaks_at, relay.breaks = b"ducklake_inlined_data_%d_" % int(line), 1
            told, errors = process.communicate("go on\n", timeout=60)
        assert relay.breaks == 0
    assert told.splitlines() == ["Internal None", f"Unavailable {Reason.DRAINING}", "False"], errors


def test_a_lake_whose_catalog_is_away_is_no_engine_that_has_failed(tmp_path: Path) -> None:
    with postgres_server() as server:
        where = parse(server.lake, str(tmp_path))
        with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database:
            assert database.works()
            with server.away():
                # All there are, and one that has to be made.
                assert database.works()
                database.lend()
                assert database.works()
            assert database.works()
