"""What was changed of a table of the lake, for who may read the table, over the wire."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.cluster.granted import PASSWORD, Granted, granted
from tests.flight_server.handlers.test_partitions import ENDPOINTS
from tests.flight_server.wire_client import WireClient, basic, serving

pytestmark = pytest.mark.lake

CHANGES = (
    "CREATE TABLE orders (id INTEGER, pay INTEGER)",
    "INSERT INTO orders VALUES (1, 10), (2, 20)",
    "UPDATE orders SET pay = 21 WHERE id = 2",
    "DELETE FROM orders WHERE id = 1",
)
"""They make the versions 1 to 4."""
ALL = [
    (2, "insert", 1, 10),
    (2, "insert", 2, 20),
    (3, "update_postimage", 2, 21),
    (3, "update_preimage", 2, 20),
    (4, "delete", 1, 10),
]
OTHERS = (
    "CREATE SCHEMA s",
    "CREATE TABLE s.orders (word VARCHAR)",
    "INSERT INTO s.orders VALUES ('inside')",
    "CREATE TABLE part (id INTEGER, pay INTEGER)",
    "CREATE TABLE rows (id INTEGER, pay INTEGER)",
    "CREATE TABLE secret (word VARCHAR)",
    "INSERT INTO secret VALUES ('canary')",
    "DELETE FROM secret",
    "ALTER TABLE secret RENAME TO renamed",
    "CREATE TABLE replaced AS SELECT 'canary' AS word",
    "CREATE OR REPLACE TABLE replaced (word VARCHAR)",
    "CREATE TABLE s.gone AS SELECT 'canary' AS word",
    "CREATE TABLE gone (word VARCHAR)",
    "DROP TABLE s.gone",
    "CREATE SCHEMA again",
    "CREATE TABLE again.inside AS SELECT 'canary' AS word",
    "DROP SCHEMA again CASCADE",
    "CREATE SCHEMA again",
    "CREATE TABLE again.inside (word VARCHAR)",
    "CREATE TABLE shown AS SELECT 'canary' AS word",
    "CREATE VIEW whole AS FROM shown",
    "CREATE OR REPLACE TABLE shown (word VARCHAR)",
    "CREATE TABLE anew AS SELECT i AS id, 0 AS pay FROM range(4) t(i)",
    "DELETE FROM anew WHERE id < 2",
    "CALL ducklake_rewrite_data_files('lake', 'anew', delete_threshold => 0.0001)",
)
GRANTS = (
    "SELECT ON lake.main.orders TO amy",
    "SELECT (id) ON lake.main.part TO amy",
    "SELECT ON lake.main.rows TO amy WHERE id = 1",
    *(
        f"SELECT ON lake.main.{name} TO amy"
        for name in ("renamed", "replaced", "gone", "whole", "anew")
    ),
    "SELECT ON lake.again.inside TO amy",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("granted")


@pytest.fixture(scope="module")
def cluster(home: Path) -> Iterator[Granted]:
    lake = f"ducklake:sqlite:{home}/l.sqlite"
    with granted(f"dir://{home}/registry", "amy", "bob", lake=lake) as made:
        for change in (*CHANGES, *OTHERS, *(f"GRANT {grant}" for grant in GRANTS)):
            made.root.update(change)
        yield made


@pytest.fixture
def amy(cluster: Granted) -> Iterator[WireClient]:
    with cluster.login("amy") as client:
        yield client


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    told = table.select(["snapshot_id", "change_type", "id", "pay"]).to_pydict()
    return sorted(zip(*told.values(), strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "FROM lake.table_changes('orders', 0, 4)",
        "FROM table_changes('Orders', 0, 4)",
        "FROM LAKE . main . \"table_changes\"('orders', 0, 4) AS o",
        "SELECT o.* FROM main.table_changes('orders', 0, 4) AS o",
        "WITH orders AS (SELECT 1 AS id) SELECT c.* FROM lake.table_changes('orders', 0, 4) AS c",
        "SELECT * FROM (FROM lake.table_changes('orders', 0, 4))",
        "FROM lake.table_changes('orders', 0, 4) WHERE id IN (SELECT id FROM orders) OR id < 9",
    ],
)
def test_who_may_read_the_table_is_told_what_was_changed(amy: WireClient, text: str) -> None:
    assert rows(amy.query(text)) == ALL


def test_insertions_and_deletions_are_told_alone(amy: WireClient) -> None:
    added = amy.query("FROM lake.table_insertions('orders', 3, 4)")
    assert added.to_pydict() == {"id": [2], "pay": [21]}
    taken = amy.query("FROM lake.table_deletions('orders', 4, 4)")
    assert taken.to_pydict() == {"id": [1], "pay": [10]}
    described = amy.query("DESCRIBE FROM lake.table_changes('orders', 3, 4)")
    assert described["column_name"].to_pylist() == [
        *("snapshot_id", "rowid", "change_type", "id", "pay"),
    ]
    amy.update("CREATE TEMP TABLE copied AS FROM lake.table_changes('orders', 0, 4)")
    assert rows(amy.query("FROM temp.copied")) == ALL


def test_versions_are_bound_and_times_are_told(cluster: Granted, amy: WireClient) -> None:
    prepared = amy.prepare("FROM lake.table_changes('orders', ?, ?)").prepared_statement_handle
    for begin, end in ((0, 4), (3, 3), (4, 4)):
        handle = amy.bind(prepared, pa.table({"1": [begin], "2": [end]}))
        assert rows(amy.execute(handle or prepared)) == [
            row for row in ALL if begin <= row[0] <= end
        ]
    asked = "SELECT snapshot_time FROM lake.snapshots() WHERE snapshot_id = 2"
    at = cluster.root.value(f"SELECT strftime(({asked}), '%Y-%m-%d %H:%M:%S.%f%z')")
    text = f"FROM lake.table_changes('orders', TIMESTAMPTZ '{at}', now())"
    # Other tests write, too.
    assert rows(amy.query(f"{text} WHERE snapshot_id <= 4")) == ALL


def test_files_that_are_written_anew_change_nothing(cluster: Granted, amy: WireClient) -> None:
    asked = "SELECT change_type, id FROM lake.table_changes('anew', ?, ?) ORDER BY ALL"
    prepared = amy.prepare(asked).prepared_statement_handle
    told = "SELECT max(snapshot_id) FROM lake.snapshots() WHERE changes::VARCHAR LIKE '%rewrite%'"
    version = cluster.root.value(told)
    handle = amy.bind(prepared, pa.table({"1": [version - 1], "2": [version]})) or prepared
    plan = amy.info(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))
    assert plan.schema.names == ["change_type", "id"]
    for _ in range(2):
        assert amy.fetch(plan).to_pydict() == {"change_type": ["delete"] * 2, "id": [0, 1]}


def test_a_ticket_tells_the_same_again_after_others_have_written(
    cluster: Granted, amy: WireClient
) -> None:
    named = amy.plan("FROM lake.table_changes('orders', 0, 4), (SELECT count(*) AS n FROM orders)")
    moving = amy.plan(
        "FROM lake.table_changes('orders', TIMESTAMPTZ '2020-01-01', now()), (SELECT 1 FROM orders)"
    )
    cluster.root.update("INSERT INTO orders VALUES (3, 30)")
    try:
        for _ in range(2):
            table = amy.fetch(named)
            assert rows(table) == ALL
            assert set(table["n"].to_pylist()) == {1}
        assert rows(amy.fetch(moving)) == ALL
        with pytest.raises(KeyError, match="run the statement again"):
            amy.fetch(moving)
    finally:
        cluster.root.update("DELETE FROM orders WHERE id = 3")


def test_within_a_transaction_and_a_session_at_a_version(amy: WireClient) -> None:
    transaction = amy.begin()
    assert rows(amy.query("FROM lake.table_changes('orders', 0, 4)", transaction)) == ALL
    amy.end(transaction)
    amy.update("SET snapshot = 3")
    assert rows(amy.query("FROM lake.table_changes('orders', 0, 4)")) == ALL
    with pytest.raises(pa.ArrowInvalid, match="cannot be read at version 3"):
        amy.query("FROM lake.table_changes('orders', 0, (now()))")
    amy.update("RESET snapshot")


def test_a_node_that_only_reads_tells_it_too(cluster: Granted, home: Path) -> None:
    del cluster
    settings: dict[str, Any] = {
        "registry": f"dir://{home}/registry",
        "lake": f"ducklake:sqlite:{home}/l.sqlite",
        "accounts": "registry",
        "read_only": True,
    }
    with (
        serving(**settings) as other,
        WireClient(other.location, basic("amy", PASSWORD)) as client,
    ):
        assert rows(client.query("FROM lake.table_changes('orders', 0, 4)")) == ALL
        with pytest.raises(flight.FlightUnauthorizedError):
            client.query("FROM lake.s.table_changes('orders', 0, 9)")


def test_a_read_in_parts_goes_by_files_and_shows_none(cluster: Granted) -> None:
    for change in (
        "CREATE TABLE big (id BIGINT)",
        # Each more than a batch, or the parts would be all here already.
        *["INSERT INTO big SELECT range FROM range(300_000)"] * 7,
        "GRANT SELECT ON lake.main.big TO bob",
    ):
        cluster.root.update(change)
    bob = cluster.clients["bob"]
    bob.extra_headers[ENDPOINTS] = "16"
    info = bob.plan("SELECT id FROM big")
    assert len(info.endpoints) > 1
    for _ in range(2):
        tables = [bob.get(endpoint.ticket).read_all() for endpoint in info.endpoints]
        assert sum(table.num_rows for table in tables) == 2_100_000
    with pytest.raises(pa.ArrowInvalid, match="filename"):
        bob.plan("SELECT filename FROM big")


@pytest.mark.parametrize("begin", [0, 12])
@pytest.mark.parametrize(
    "call",
    [
        *("lake.s.table_changes('orders'", "s.table_changes('orders'", "table_changes('shown'"),
        *("table_changes('part'", "lake.table_deletions('rows'", "table_changes('nowhere'"),
        *("table_changes('renamed'", "table_insertions('replaced'", "table_changes('s.orders'"),
        *("again.table_changes('inside'", "table_changes('lake.main.orders'"),
        *("table_changes('\"orders\"'", "memory.main.table_changes('orders'"),
    ],
)
def test_what_is_not_granted_or_was_something_else_is_refused(
    amy: WireClient, call: str, begin: int
) -> None:
    for text in (
        f"FROM {call}, {begin}, 26)",
        f"EXPLAIN ANALYZE FROM {call}, {begin}, 26)",
        f"CREATE TEMP TABLE taken AS FROM {call}, {begin}, 26)",
    ):
        with pytest.raises(flight.FlightUnauthorizedError, match="nothing was run"):
            amy.query(text)


def test_a_grant_that_ends_or_is_limited_ends_it(cluster: Granted, amy: WireClient) -> None:
    text = "FROM lake.table_changes('orders', 0, 4)"
    planned = amy.plan(text)
    prepared = amy.prepare(text).prepared_statement_handle
    cluster.root.update("REVOKE SELECT ON lake.main.orders FROM amy")
    try:
        cluster.root.update("GRANT SELECT (id, pay) ON lake.main.orders TO amy")
        ways: tuple[Callable[[], pa.Table], ...] = (
            lambda: amy.query(text),
            lambda: amy.fetch(planned),
            lambda: amy.execute(prepared),
        )
        for again in ways:
            with pytest.raises(flight.FlightUnauthorizedError, match="all of its rows and columns"):
                again()
        cluster.root.update("REVOKE SELECT (id, pay) ON lake.main.orders FROM amy")
    finally:
        cluster.root.update("GRANT SELECT ON lake.main.orders TO amy")
    assert rows(amy.query(text)) == ALL
