"""Commits whose answer is lost, of a lake in an object store, with the keys of docs/lake.md.

DuckLake takes such a commit for failed, and deletes its files. A key that may not delete objects
leaves them where they are; a bucket with versions gives them back.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pyarrow import flight

from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.gates import gate
from flightkeeper.flight_server.lake.location import parse
from flightkeeper.flight_server.lake.part import rounds
from flightkeeper.flight_server.lake.turns import Line
from flightkeeper.flight_server.lake.upkeep import Keeping, Step
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.headers import Reason
from tests.flight_server.wire_client import Served, WireClient, serving
from tests.support.object_store import BUCKET, KEY_ID, WRITER_ID, ObjectStore, object_store
from tests.support.postgres_relay import PostgresRelay, losing_commits
from tests.support.postgres_server import postgres_server
from tests.support.s3_requests import ask

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.xdist_group("postgres")]

DATA = f"s3://{BUCKET}/tables"
SUM = "SELECT sum(i)::BIGINT FROM t"
"""Read from the files: what the catalog knows of them is not enough."""
FILES = f"SELECT count(*) FROM glob('{DATA}/**/ducklake-*')"
CHANGES = {
    "INSERT INTO t FROM range(1000, 2000)": (1_000, 1_999_000),
    "DELETE FROM t WHERE i < 500": (500, 374_750),
    "UPDATE t SET i = 0 WHERE i < 500": (500, 374_750),
    "CREATE OR REPLACE TABLE t AS SELECT range AS i FROM range(2000)": (2_000, 1_999_000),
}
"""Each with how many rows it changes, and the sum after it; 499,500 before."""
DAY_S = 86_400.0
KEEPING = Keeping(7 * DAY_S, 2 * DAY_S, 7 * DAY_S, 1 << 27)
TRANSACTION = ("INSERT INTO t FROM range(1000, 2000)", "CREATE TABLE u AS SELECT 1 AS i")


@dataclass
class Lake:
    """A lake in PostgreSQL and an object store, and the way to both."""

    store: ObjectStore
    relay: PostgresRelay

    @property
    def url(self) -> str:
        return f"ducklake:postgres://postgres@/postgres?host={self.relay.home}"

    def options(self, key_id: str) -> DatabaseOptions:
        return DatabaseOptions(
            lake=LakeOptions(parse(self.url, DATA)),
            extensions=("httpfs",),
            start_file=self.store.start_file(key_id),
        )


@contextmanager
def opened(home: Path) -> Iterator[Lake]:
    """A new lake, with its servers."""
    with (
        object_store(home) as store,
        postgres_server() as server,
        losing_commits(server.home) as relay,
    ):
        yield Lake(store, relay)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with opened(tmp_path_factory.mktemp("objects")) as made:
        yield made


@contextmanager
def started(lake: Lake, key_id: str) -> Iterator[Served]:
    """A node with this key."""
    with serving(
        lake=lake.url,
        lake_data=DATA,
        extensions="httpfs",
        start_file=lake.store.start_file(key_id),
    ) as node:
        yield node


@pytest.fixture(scope="module")
def nodes(lake: Lake) -> Iterator[list[Served]]:
    """Two that may not delete objects."""
    with started(lake, WRITER_ID) as one, started(lake, WRITER_ID) as other:
        yield [one, other]


@pytest.fixture
def clients(nodes: list[Served]) -> Iterator[tuple[WireClient, WireClient]]:
    """Of these nodes, whose lake has one table of 1,000 rows."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(node.client()) for node in nodes)
        one.update("CREATE OR REPLACE TABLE t AS SELECT range AS i FROM range(1000)")
        one.update("DROP TABLE IF EXISTS u")
        yield one, other


@pytest.fixture(params=["losing", "cutting"])
def fault(request: pytest.FixtureRequest, lake: Lake) -> Iterator[str]:
    """What happens to the next COMMIT: its answer is lost, or it never gets to the server."""
    setattr(lake.relay, request.param, 1)
    yield request.param
    assert getattr(lake.relay, request.param) == 0


@pytest.mark.parametrize("text", CHANGES)
def test_a_change_is_done_once_and_its_files_are_there(
    clients: tuple[WireClient, WireClient], fault: str, text: str
) -> None:
    rows, total = CHANGES[text]
    assert clients[0].update(text) == rows, fault
    assert [client.value(SUM) for client in clients] == [total] * 2


def test_a_commit_whose_answer_is_lost_is_done(
    clients: tuple[WireClient, WireClient], lake: Lake
) -> None:
    transaction = changed(clients[0])
    lake.relay.losing = 1
    clients[0].end(transaction)
    assert lake.relay.losing == 0
    assert [client.value(SUM) for client in clients] == [1_999_000] * 2
    assert clients[1].value("FROM u") == 1


def test_a_commit_that_was_not_done_is_undone(
    clients: tuple[WireClient, WireClient], lake: Lake
) -> None:
    transaction = changed(clients[0])
    lake.relay.cutting = 1
    with pytest.raises(flight.FlightError, match="nothing of it was written: begin it again"):
        clients[0].end(transaction)
    assert clients[0].received[headers.REASON] == Reason.UNDONE
    whole(clients)


def test_a_commit_that_others_were_faster_than_is_undone(
    clients: tuple[WireClient, WireClient],
) -> None:
    transaction = clients[0].begin()
    clients[0].update("DELETE FROM t WHERE i < 500", transaction)
    clients[1].update("UPDATE t SET i = i WHERE i < 500")
    with pytest.raises(flight.FlightError, match="nothing of it was written: begin it again"):
        clients[0].end(transaction)
    assert clients[0].received[headers.REASON] == Reason.UNDONE
    whole(clients)


@pytest.mark.parametrize("ends", ["rolled back", "refused"])
def test_a_transaction_that_takes_back_its_files_is_undone(
    clients: tuple[WireClient, WireClient], ends: str
) -> None:
    transaction = clients[0].begin()
    clients[0].update("CREATE TABLE u AS FROM range(1000)", transaction)
    if ends == "refused":
        with pytest.raises(flight.FlightError, match="Could not remove file"):
            clients[0].update("DROP TABLE u", transaction)
    clients[0].end(transaction, commit=False)
    whole(clients)
    assert clients[0].update("INSERT INTO t FROM range(1000, 2000)") == 1_000
    assert clients[0].value(SUM) == 1_999_000


def test_changes_that_are_committed_together_meet_nothing_of_that(
    clients: tuple[WireClient, WireClient], nodes: list[Served]
) -> None:
    def delete(number: int) -> int:
        with nodes[number % 2].client() as client:
            return client.update(
                f"DELETE FROM t WHERE i BETWEEN {number * 20} AND {number * 20} + 19"
            )

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(delete, range(24))) == [20] * 24
    assert clients[0].value("SELECT count(*) FROM t") == 1_000 - 24 * 20


def changed(client: WireClient) -> bytes:
    """A transaction that has written files of two tables."""
    transaction = client.begin()
    for text in TRANSACTION:
        client.update(text, transaction)
    return transaction


def whole(clients: tuple[WireClient, WireClient]) -> None:
    """The table is as it was, and may be written to."""
    assert [client.value(SUM) for client in clients] == [499_500] * 2
    assert clients[0].value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'u'") == 0


def upkeep(lake: Lake, key_id: str, later_s: float) -> dict[Step, tuple[str, str]]:
    """What a round does that far in the future: the outcome and detail of each step."""
    with closing(Database(lake.options(key_id))) as database:
        where, clocks = parse(lake.url, DATA), Clocks(wall_s=lambda: time.time() + later_s)
        line = Line(gate(where, database))
        done = rounds(where, database, line, clocks, lambda: "n1").round(KEEPING, lambda: None)
    return {run.step: (run.outcome, run.detail) for run in done or ()}


def test_the_upkeep_takes_away_what_is_left_with_a_key_that_may(
    clients: tuple[WireClient, WireClient], lake: Lake
) -> None:
    for number in range(1_000, 1_200, 25):
        clients[0].update(f"INSERT INTO t FROM range({number}, {number + 25})")
    lake.relay.cutting = 1
    clients[0].update("INSERT INTO t FROM range(1200, 2000)")
    done = upkeep(lake, WRITER_ID, 0)
    assert done[Step.MERGE] == ("done", "main.t: 10 files into 1")
    # Nothing is old enough.
    assert done[Step.ORPHANS] == ("done", "0 files")
    before = clients[0].value(FILES)
    assert upkeep(lake, WRITER_ID, 8 * DAY_S)[Step.EXPIRE][0] == "done"
    refused = upkeep(lake, WRITER_ID, 30 * DAY_S)
    for step in (Step.CLEAN, Step.ORPHANS):
        outcome, detail = refused[step]
        assert outcome == "failed"
        assert "run `flightkeeper lake maintain` with a key that may" in detail
    assert clients[0].value(FILES) == before
    done = upkeep(lake, KEY_ID, 32 * DAY_S)
    assert done[Step.CLEAN][0] == done[Step.ORPHANS][0] == "done"
    assert clients[0].value(FILES) == 1
    assert [client.value(SUM) for client in clients] == [1_999_000] * 2


def markers(store: ObjectStore) -> list[tuple[str, str]]:
    """The key and version of each delete marker that hides an object of the lake."""
    told = ask(store, "GET", f"/{BUCKET}", {"versions": "", "prefix": "tables/main/"})
    return [
        (str(marker.findtext("{*}Key")), str(marker.findtext("{*}VersionId")))
        for marker in ET.fromstring(told).findall("{*}DeleteMarker")
        if marker.findtext("{*}IsLatest") == "true"
    ]


def test_versions_of_a_bucket_give_back_what_was_deleted(tmp_path: Path) -> None:
    with opened(tmp_path) as lake:
        lake.store.keep_versions()
        with started(lake, KEY_ID) as node, node.client() as client:
            client.update("CREATE TABLE t AS SELECT range AS i FROM range(1000)")
            assert not markers(lake.store)
            lake.relay.losing = 1
            assert client.update("INSERT INTO t FROM range(1000, 2000)") == 1_000
            with pytest.raises(flight.FlightError, match="404"):
                client.value(SUM)
            ((key, version),) = markers(lake.store)
            ask(lake.store, "DELETE", f"/{BUCKET}/{key}", {"versionId": version})
            assert client.value(SUM) == 1_999_000
