"""Tables over files in an object store: a real S3 server, to which the nodes alone have the key."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pyarrow as pa
import pytest

from flightkeeper.client import connect
from flightkeeper.flight_server.engine import lake_upkeep
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.location import parse
from flightkeeper.flight_server.lake.upkeep import Keeping, cutoffs
from tests.flight_server.wire_client import WireClient, basic, eventually
from tests.support.cluster import Cluster
from tests.support.object_store import BUCKET, KEY_ID, SECRET, ObjectStore, object_store
from tests.support.postgres_server import postgres_server
from tests.support.processes import Running, running

pytestmark = [pytest.mark.cluster]

_KEEPING = Keeping(1e6, 1e5, 1e6, 1 << 20)
_SALES = f"s3://{BUCKET}/sales"
_DAYS = "SELECT list(DISTINCT day ORDER BY day) FROM s.t"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with object_store(tmp_path_factory.mktemp("objects")) as started:
        yield started


@pytest.fixture
def nodes(store: ObjectStore, tmp_path: Path) -> Iterator[list[Running]]:
    """Two nodes that are told the key by a file."""
    environment = {
        "FLIGHTKEEPER_EXTENSIONS": "httpfs",
        "FLIGHTKEEPER_START_FILE": str(store.start_file()),
        "FLIGHTKEEPER_CATALOG_DISCOVERY_S": "1",
        "FLIGHTKEEPER_LOG_LEVEL": "debug",
    }
    flags = ("serve", "--insecure", "--registry", f"dir://{tmp_path}/registry", "--node-id")
    with ExitStack() as stack:
        yield [stack.enter_context(running(*flags, name, env=environment)) for name in ("n1", "n2")]


@pytest.fixture
def clients(nodes: list[Running]) -> Iterator[list[WireClient]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(WireClient(node.line()["location"], basic("ada"))) for node in nodes
        ]


def write(client: WireClient, folder: str, day: int) -> None:
    rows = f"SELECT i AS id FROM range({day * 10}) t(i)"
    client.update(f"COPY ({rows}) TO '{folder}/day={day}/a.parquet'")


def test_a_table_of_partitions_in_an_object_store(clients: list[WireClient]) -> None:
    first, second = clients
    for day in (1, 2, 3):
        write(first, _SALES, day)
    first.update(
        "CREATE EXTERNAL TABLE s.t (id BIGINT) PARTITIONED BY (day INT) STORED AS PARQUET "
        f"LOCATION '{_SALES}/'"
    )
    second.update("MSCK REPAIR TABLE s.t")
    assert [client.value(_DAYS) for client in clients] == [[1, 2, 3]] * 2
    shown = first.query("SHOW PARTITIONS s.t").to_pylist()
    assert [(row["location"], row["files"], row["rows"]) for row in shown] == [
        (f"{_SALES}/day={day}", 1, day * 10) for day in (1, 2, 3)
    ]
    for client in clients:
        assert client.value("SELECT count(*) FROM s.t WHERE day = 2") == 20
        plan = str(
            client.query("EXPLAIN ANALYZE SELECT id FROM s.t WHERE day = 2").column(
                "explain_value"
            )[0]
        )
        assert re.search(r"Total Files Read: 1\b", plan)
    # One file elsewhere in the store, and a table whose columns are those of the files.
    second.update(f"ALTER TABLE s.t ADD PARTITION (day = 9) LOCATION 's3://{BUCKET}/sales/day=3'")
    assert first.value("SELECT count(*) FROM s.t WHERE day = 9") == 30
    first.update(
        f"CREATE EXTERNAL TABLE s.one STORED AS PARQUET LOCATION '{_SALES}/day=1/a.parquet'"
    )
    assert second.value("SELECT count(*) FROM s.one") == 10


def test_partitions_in_an_object_store_are_discovered(clients: list[WireClient]) -> None:
    folder = f"s3://{BUCKET}/found"
    clients[0].update(
        "CREATE EXTERNAL TABLE s.t (id BIGINT) PARTITIONED BY (day INT) STORED AS PARQUET "
        f"LOCATION '{folder}' TBLPROPERTIES ('discover.partitions' = 'true')"
    )
    write(clients[0], folder, 4)
    for client in clients:
        eventually(lambda client=client: client.value(_DAYS) == [4], 20)  # type: ignore[misc]
    found = "SELECT node_id FROM system.events WHERE event = 'partitions discovered'"
    assert clients[1].query(found).num_rows == 1


def test_nobody_sees_the_key(clients: list[WireClient], nodes: list[Running]) -> None:
    first, second = clients
    write(first, f"s3://{BUCKET}/seen", 1)
    first.update(
        f"CREATE EXTERNAL TABLE s.t (id BIGINT) STORED AS PARQUET LOCATION 's3://{BUCKET}/seen/day=1'"
    )
    told = []
    for text in (
        "FROM s.t",
        "FROM duckdb_secrets()",
        "FROM which_secret('s3://lake/seen', 's3')",
        "FROM duckdb_settings()",
        "FROM duckdb_views()",
        "FROM system.catalog",
        "FROM system.settings",
        "FROM system.query_log",
        "FROM system.events",
    ):
        told += [str(client.query(text).to_pylist()) for client in clients]
    for text in (
        "FROM duckdb_secrets(redact = false)",
        "SET GLOBAL allow_unredacted_secrets = true",
        f"FROM read_parquet('s3://{BUCKET}/nothing.parquet')",
        f"FROM read_parquet('s3://{BUCKET}/nothing/*.parquet')",
    ):
        with pytest.raises(pa.ArrowException) as refused:
            second.query(text)
        told.append(str(refused.value))
    assert KEY_ID in "".join(told), "it names the secret, so the search looks where one is"
    assert SECRET not in "".join(told)
    for node in nodes:
        assert SECRET not in node.stderr


@pytest.mark.lake
def test_small_changes_are_kept_in_the_catalog_in_postgresql(store: ObjectStore) -> None:
    with postgres_server() as server, ExitStack() as stack:
        # Where the files are, only who makes the lake has to say.
        for data in (f"s3://{BUCKET}/small", ""):
            where = parse(server.lake, data)
            options = DatabaseOptions(
                extensions=("httpfs",), start_file=store.start_file(), lake=LakeOptions(where)
            )
            database = stack.enter_context(closing(Database(options)))
            connection = stack.enter_context(closing(database.connect()))
            connection.command("CREATE OR REPLACE TABLE t (i BIGINT)")
            connection.command("INSERT INTO t VALUES (1), (2)")
            limits = cutoffs(_KEEPING, time.time(), times_are_texts=False)
            backlog = lake_upkeep.backlog(connection, where.backend, _KEEPING, limits)
            assert backlog.tables[0].inlined == 2
            assert not backlog.rows_in_files


@pytest.mark.lake
def test_a_lakes_files_in_an_object_store(store: ObjectStore, tmp_path: Path) -> None:
    names = ("n1", "n2", "n3")
    with Cluster(
        f"dir://{tmp_path}/registry",
        None,
        FLIGHTKEEPER_EXTENSIONS="httpfs",
        FLIGHTKEEPER_START_FILE=str(store.start_file()),
        FLIGHTKEEPER_LAKE=f"ducklake:sqlite:{tmp_path}/lake.sqlite",
        FLIGHTKEEPER_LAKE_DATA=f"s3://{BUCKET}/tables",
    ) as cluster:
        for name in names:
            cluster.start(name)
        with connect(cluster.url, cache_dir=tmp_path) as connection:
            connection.execute("CREATE TABLE sale (id BIGINT, price DOUBLE)")
            rows = pa.table({"id": range(1_000), "price": [0.5] * 1_000})
            with ThreadPoolExecutor(3) as pool:
                written = [pool.submit(connection.ingest, "sale", rows) for _ in range(9)]
                cluster.kill("n2")
                assert [each.result() for each in written] == [1_000] * 9
            assert connection.execute("DELETE FROM sale WHERE id < 100") == 900
            assert connection.execute("INSERT INTO sale SELECT i, 1 FROM range(50) t(i)") == 50
            files = connection.query("SELECT data_file FROM ducklake_list_files('lake', 'sale')")
            assert all(file.startswith(f"s3://{BUCKET}/tables/") for (file,) in files.fetchall())
            for _ in names:
                found = connection.query("SELECT count(*), sum(price) FROM sale").fetchall()
                assert found == [(8_150, 4_100.0)]
        assert SECRET not in "".join(cluster.said(name) for name in names)
