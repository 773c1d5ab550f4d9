"""Reads of a lake whose catalog's server is lost at each point of a read."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
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
def lake(relay: PostgresRelay, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Where it is, and the folder of its files."""
    files = str(tmp_path_factory.mktemp("files"))
    return f"ducklake:postgres://postgres@/postgres?host={relay.home}", files


@pytest.fixture(scope="module")
def node(lake: tuple[str, str]) -> Iterator[Served]:
    url, files = lake
    # Over a copy of its table a read asks for no files.
    with serving(lake=url, lake_data=files, lake_copies_bytes=0) as started:
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


_ENGINE = """
import sys
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake.location import parse

database = Database(DatabaseOptions(lake=LakeOptions(parse(sys.argv[1], sys.argv[2]))))
connection = database.connect()
for text in sys.stdin:
    try:
        connection.rows(text)
        told = "done"
    except NodeError as exc:
        told = f"{type(exc).__name__} {exc.reason}"
    print(told, database.works(), sep=", ", flush=True)
"""


class Engine:
    """In a process of its own, which DuckDB ends when it is to close what has failed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, text: str) -> str:
        """What came of a text, and whether the engine still works."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@pytest.fixture
def engine(relay: PostgresRelay, lake: tuple[str, str]) -> Iterator[Engine]:
    """With a table of a file and of some that were added."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", _ENGINE, *lake], text=True, **pipes) as process:
        started = Engine(process)
        assert started.run("CREATE OR REPLACE TABLE few AS SELECT range AS i FROM range(100)")
        for text in ("INSERT INTO few VALUES (1000)", "DELETE FROM few WHERE i = 50"):
            assert started.run(text) == "done, True"
        yield started
        relay.breaks = relay.spared = 0


@pytest.mark.parametrize(
    "text",
    [
        "SELECT sum(i) FROM few",
        "SELECT count(*) FROM few",
        "INSERT INTO few VALUES (1001), (1002)",
        "UPDATE few SET i = i + 1 WHERE i >= 1000",
        "DELETE FROM few WHERE i = 1000 OR i = 51",
    ],
)
def test_an_engine_survives_the_end_of_its_connection_wherever_it_comes(
    engine: Engine, relay: PostgresRelay, text: str
) -> None:
    relay.breaks_at = b""
    for place in count():
        relay.spared, relay.breaks = place, 1
        told = engine.run(text)
        assert told.endswith(", True"), f"{place}: {told}"
        if relay.breaks:
            break
    assert place > 5
    assert told == "done, True"


_ROWS_OF_OTHERS = (
    "CALL ducklake_set_option('lake', 'data_inlining_row_limit', '10', table_name => 'few')"
)
"""Lets rows be kept in the catalog, as other programs do."""


def test_an_engine_that_an_outage_has_ended_says_so(engine: Engine, relay: PostgresRelay) -> None:
    for text in (_ROWS_OF_OTHERS, "INSERT INTO few VALUES (1001)"):
        assert engine.run(text) == "done, True"
    # DuckLake takes an answer that failed for one without columns.
    relay.breaks_at, relay.breaks = b'"end_snapshot", "i"', 1
    assert engine.run("SELECT sum(i) FROM few") == "Internal None, False"
    assert relay.breaks == 0
    assert engine.run("SELECT sum(i) FROM few") == f"Unavailable {Reason.DRAINING}, False"


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
