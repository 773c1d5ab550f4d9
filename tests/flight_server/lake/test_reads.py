"""Reads of a lake that two nodes share: each sees one version, whoever runs it and when."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql.messages import unpack
from flightkeeper.flightsql.tickets import unverified
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement as StatementBody
from tests.flight_server.wire_client import Served, WireClient, eventually, sharing
from tests.support.postgres_server import PostgresServer

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def nodes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Served]]:
    home = tmp_path_factory.mktemp("lake")
    where = {}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("server")
        server.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        where = {"lake": server.lake, "lake_data": str(home / "files")}
    with sharing(home, **where) as both:
        yield both


@pytest.fixture
def here(nodes: tuple[Served, Served]) -> Iterator[WireClient]:
    with nodes[0].client() as made:
        made.update("CREATE OR REPLACE TABLE t AS SELECT range AS i FROM range(10)")
        yield made


@pytest.fixture
def there(nodes: tuple[Served, Served]) -> Iterator[WireClient]:
    with nodes[1].client() as made:
        yield made


def ticket(info: flight.FlightInfo) -> StatementBody:
    (endpoint,) = info.endpoints
    message = unpack(endpoint.ticket.ticket)
    assert isinstance(message, sql.TicketStatementQuery)
    told = unverified(message.statement_handle, StatementBody)
    return next(body for body in told if body.query)


def fetched(client: WireClient, info: flight.FlightInfo) -> list[Any]:
    rows: pa.Table = client.fetch(info)
    return rows.column(0).to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM t",
        "SELECT count(*) FROM lake.main.t AS x(j) WHERE x.j >= 0",
        "WITH t AS (SELECT * FROM t) SELECT count(*) FROM t",
        "SELECT (SELECT count(*) FROM t) FROM t AS u JOIN t USING (i) LIMIT 1",
        "SELECT count(*) FROM seen",
        "SELECT * FROM (SELECT count(*) AS n FROM main.t /* ; */ -- to the end",
    ],
)
def test_a_ticket_is_for_one_version(here: WireClient, there: WireClient, text: str) -> None:
    here.update("CREATE OR REPLACE VIEW seen AS SELECT * FROM lake.main.t")
    text = text if text.count("(") == text.count(")") else f"{text}\n)"
    info = here.plan(text)
    assert fetched(there, info) == [10]
    there.update("INSERT INTO t VALUES (100)")
    here.update("DELETE FROM t WHERE i = 1")
    here.update("INSERT INTO t VALUES (101)")
    for client in (there, here, here, there):
        assert fetched(client, info) == [10]
    assert fetched(there, there.plan(text)) == [11]


def test_what_reads_nothing_of_the_lake_has_no_version(here: WireClient) -> None:
    assert ticket(here.plan("SELECT count(*) FROM t")).HasField("snapshot")
    here.update("CREATE OR REPLACE TABLE memory.main.own AS SELECT 1 AS i")
    here.update(
        "CREATE OR REPLACE VIEW memory.main.seen AS SELECT count(*) AS n FROM memory.main.own"
    )
    for text in (
        "SELECT 1",
        "FROM range(3)",
        "WITH t AS (SELECT 1) FROM t",
        "FROM memory.main.own",
        "FROM memory.main.seen",
        "SELECT table_name FROM information_schema.tables",
        "EXPLAIN SELECT count(*) FROM t",
    ):
        info = here.plan(text)
        assert not ticket(info).HasField("snapshot"), text
        here.fetch(info)


def test_views_outside_of_the_lake_are_not_read_at_an_older_version(here: WireClient) -> None:
    here.update("CREATE OR REPLACE VIEW memory.main.over AS SELECT count(*) AS n FROM lake.main.t")
    info = here.plan("SELECT * FROM memory.main.over")
    assert ticket(info).HasField("snapshot")
    assert fetched(here, info) == [10]
    assert fetched(here, info) == [10]
    here.update("INSERT INTO t VALUES (100)")
    with pytest.raises(pa.lib.ArrowKeyError, match="run the statement again"):
        here.fetch(info)


def test_macros_are_not_read_at_an_older_version(here: WireClient) -> None:
    here.update("CREATE OR REPLACE MACRO counted() AS (SELECT count(*) FROM t)")
    info = here.plan("SELECT counted() AS n")
    assert [fetched(here, info), fetched(here, info)] == [[10], [10]]
    here.update("INSERT INTO t VALUES (100)")
    with pytest.raises(pa.lib.ArrowKeyError, match="calls macros"):
        here.fetch(info)
    assert fetched(here, here.plan("SELECT counted() AS n")) == [11]


def test_a_version_that_is_gone_is_told(
    here: WireClient, there: WireClient, nodes: tuple[Served, Served]
) -> None:
    info = here.plan("SELECT count(*) FROM t")
    assert fetched(here, info) == [10]
    here.update("INSERT INTO t VALUES (100)")
    version = ticket(info).snapshot.version
    connection = nodes[0].node._database.lend()
    connection.table(f"CALL ducklake_expire_snapshots('lake', versions => [{version}])")
    nodes[0].node._database.take_back(connection)
    for client in (here, there):
        with pytest.raises(pa.lib.ArrowKeyError, match=r"no longer kept.*") as caught:
            client.fetch(info)
        assert f"version {version}" in str(caught.value)
        assert "run the statement again" in str(caught.value)


def test_a_transaction_keeps_its_own_version(here: WireClient, there: WireClient) -> None:
    transaction = here.begin()
    info = here.plan("SELECT count(*) FROM t", transaction)
    assert not ticket(info).HasField("snapshot")
    there.update("INSERT INTO t VALUES (100)")
    assert fetched(here, info) == [10]
    assert here.value("SELECT count(*) FROM t", transaction) == 10
    here.end(transaction)
    assert here.value("SELECT count(*) FROM t") == 11


def test_a_session_with_state_reads_one_version_too(here: WireClient, there: WireClient) -> None:
    here.update("CREATE OR REPLACE TABLE big AS SELECT range AS i FROM range(600000)")
    here.update("CREATE TEMP TABLE mine AS SELECT 1 AS i")
    info = here.plan("SELECT i FROM big")
    there.update("INSERT INTO big VALUES (-1)")
    # The result is still open, and sets nobody's version for what runs beside it.
    assert here.value("SELECT count(*) FROM big") == 600001
    assert here.fetch(info).num_rows == 600000
    assert here.value("SELECT count(*) FROM mine") == 1
    assert here.fetch(info).num_rows == 600000


def test_all_rows_of_parameters_see_one_version(here: WireClient, there: WireClient) -> None:
    here.update("CREATE OR REPLACE TABLE big AS SELECT range AS i FROM range(400000)")
    prepared = here.prepare("SELECT i FROM big WHERE i >= ?")
    handle = here.bind(prepared.prepared_statement_handle, pa.table({"1": [0, 0]}))
    info = here.info(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))
    there.update("INSERT INTO big VALUES (400000)")
    for client in (here, there, here):
        assert client.fetch(info).num_rows == 800000


def test_a_result_of_one_version_ends_its_transaction(
    here: WireClient, nodes: tuple[Served, Served]
) -> None:
    here.update("CREATE OR REPLACE TABLE big AS SELECT range AS i FROM range(600000)")
    here.get(here.plan("FROM big").endpoints[0].ticket).cancel()
    here.fetch(here.plan("FROM big"))
    eventually(lambda: not nodes[0].running)
    for connection in nodes[0].node._database._idle:
        assert not connection._reading
        assert not connection.spoiled


def versions(client: WireClient) -> int:
    return ticket(client.plan("SELECT count(*) FROM t")).snapshot.version


def test_a_session_can_read_an_older_version(here: WireClient, there: WireClient) -> None:
    version = versions(here)
    here.update("INSERT INTO t VALUES (100)")
    here.update(f"SET snapshot = {version}")
    prepared = here.prepare("SELECT count(*) FROM t WHERE i < ?").prepared_statement_handle
    assert here.value("SELECT count(*) FROM t") == 10
    assert here.execute(here.bind(prepared, pa.table({"1": [1000]})))[0].to_pylist() == [10]
    assert here.value(f"SELECT count(*) FROM t AT (VERSION => {version} + 1)") == 11
    assert here.value("SELECT 1") == 1
    for text in (
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE memory.main.made AS FROM t",
        "CHECKPOINT memory",
    ):
        with pytest.raises(pa.ArrowInvalid, match="RESET snapshot"):
            here.update(text)
    with pytest.raises(pa.ArrowInvalid, match="calls macros"):
        here.query("SUMMARIZE t")
    here.update("RESET snapshot")
    assert here.value("SELECT count(*) FROM t") == 11
    there.extra_headers["x-flightkeeper-snapshot"] = str(version)
    assert there.value("SELECT count(*) FROM t") == 10
    info = there.plan("SELECT count(*) FROM t")
    del there.extra_headers["x-flightkeeper-snapshot"]
    for client in (there, there, here):
        assert fetched(client, info) == [10]


def test_versions_that_are_not_there_are_told(here: WireClient) -> None:
    here.update("SET snapshot = 100000")
    with pytest.raises(pa.ArrowInvalid, match="no longer kept, or never was"):
        here.query("SELECT count(*) FROM t")
    with pytest.raises(pa.ArrowInvalid, match="number of a version"):
        here.update("SET snapshot = 'yesterday'")
    here.update("SET snapshot = ''")
    assert here.value("SELECT count(*) FROM t") == 10
