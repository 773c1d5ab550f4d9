"""Statements that read system tables, through a node: with rights, transactions, full nodes."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument, PermissionDenied
from flightkeeper.flight_server.sql import translation
from flightkeeper.flight_server.system.reads import SystemReads, is_urgent
from flightkeeper.flight_server.system.tables import NODES
from flightkeeper.flightsql.messages import pack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.system.callers import caller
from tests.flight_server.system.granting import rights
from tests.flight_server.wire_client import Served, WireClient, eventually, serving

LONG = "SELECT count(*) FROM range(1000000000000) t(i) WHERE i % 7 = 3"


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    with serving(node_id="n1", statements_max=2) as served:
        yield served


@pytest.fixture
def client(node: Served) -> Iterator[WireClient]:
    with node.client() as found:
        yield found


def test_only_who_may_sees_them() -> None:
    asked: list[frozenset[str]] = []

    def collect(_call: object, names: frozenset[str]) -> dict[str, pa.Table]:
        asked.append(names)
        return {name: NODES.schema.empty_table() for name in names}

    reads = SystemReads(collect, rights("ada"))
    with closing(Database(DatabaseOptions())) as database, closing(database.connect()) as own:
        with pytest.raises(PermissionDenied, match=r"bob may not read system\.events; nothing"):
            reads.fill(caller("bob"), parse("FROM system.events"), own)
        assert not asked
        reads.fill(caller("ada"), parse("FROM system.nodes"), own)
        reads.fill(caller("bob"), parse("SELECT 1"), own)
        assert asked == [frozenset({"nodes"})]


def test_a_text_that_reads_them_holds_nothing_but_reads() -> None:
    reads = SystemReads(lambda _call, _names: {}, rights())
    assert reads.wanted(parse("SELECT 1; FROM system.nodes; FROM system.events")) == {
        "nodes",
        "events",
    }
    for text in ("SET threads = 1; FROM system.nodes", "FROM system.nodes; CREATE TABLE t (a INT)"):
        with pytest.raises(InvalidArgument, match="nothing but reads"):
            reads.wanted(parse(text))


@pytest.mark.parametrize(
    ("text", "urgent"),
    [
        ("FROM system.nodes", True),
        ("KILL 'x'", True),
        ("SELECT 1", False),
        ("FROM system.nodes; SELECT 1", False),
    ],
)
def test_what_is_urgent(text: str, urgent: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert is_urgent(translation.parse(text, "duckdb")) == urgent


def test_columns_are_known_without_rows() -> None:
    with closing(Database(DatabaseOptions())) as database, closing(database.connect()) as own:
        reads = SystemReads(lambda _call, _names: {}, rights("ada"))
        reads.outline(caller("bob"), frozenset({"nodes"}), own)
        assert own.describe(parse("FROM system.nodes")[0]).names == NODES.schema.names
        with pytest.raises(PermissionDenied):
            reads.outline(caller("bob"), frozenset({"events"}), own)


def test_they_are_joined_with_tables_of_the_user(client: WireClient) -> None:
    client.update("CREATE TABLE nodes (node_id VARCHAR, rack INT)")
    client.update("INSERT INTO nodes VALUES ('n1', 7), ('n2', 8)")
    found = client.query(
        "SELECT rack, s.state FROM nodes AS mine JOIN system.nodes AS s USING (node_id)"
    )
    assert found.to_pylist() == [{"rack": 7, "state": "up"}]
    assert client.value("SELECT count(*) FROM nodes") == 2
    client.update("DROP TABLE nodes")


def test_within_a_transaction_they_are_read_beside_it(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE t AS SELECT 1 AS a", transaction)
    assert client.value("SELECT node_id FROM system.nodes", transaction) == "n1"
    assert client.value(
        "SELECT in_transaction FROM system.sessions WHERE principal = 'ada' AND in_transaction",
        transaction,
    )
    client.end(transaction, commit=False)
    with pytest.raises(pa.ArrowException, match="transaction"):
        client.query("SELECT node_id FROM system.nodes", transaction)


def test_they_are_prepared_and_described(client: WireClient) -> None:
    prepared = client.prepare("SELECT state FROM system.nodes WHERE node_id = ?")
    assert pa.ipc.read_schema(pa.py_buffer(prepared.dataset_schema)).names == ["state"]
    bound = client.bind(prepared.prepared_statement_handle, pa.table({"1": ["n1"]}))
    assert client.execute(bound).to_pylist() == [{"state": "up"}]
    schema = client.schema(sql.CommandStatementQuery(query="FROM system.nodes"))
    assert schema.names == NODES.schema.names


def test_they_are_read_whole_by_who_wants_results_in_parts(client: WireClient) -> None:
    client.extra_headers["x-flightkeeper-endpoints"] = "4"
    assert len(client.plan("FROM system.settings").endpoints) == 1


def test_they_are_joined_with_what_is_sent_along(client: WireClient) -> None:
    command = pack(sql.CommandStatementQuery(query="SELECT a, state FROM input, system.nodes"))
    descriptor = flight.FlightDescriptor.for_command(command)
    sent = pa.table({"a": [1, 2]})
    writer, reader = client.flight.do_exchange(descriptor, client.options())
    with writer:
        writer.begin(sent.schema)
        writer.write_table(sent)
        writer.done_writing()
        assert reader.read_all().to_pylist() == [{"a": 1, "state": "up"}, {"a": 2, "state": "up"}]


def test_errors_know_nothing_of_other_names(client: WireClient) -> None:
    with pytest.raises(pa.ArrowInvalid, match='column "nope" not found') as told:
        client.query("SELECT nope FROM system.nodes")
    assert "temp" not in str(told.value)
    # DuckDB 2.0 has a second look for the place, where it does not find the table.
    _, line, shown = str(told.value).partition("LINE 1: ")
    assert not line or shown.startswith("SELECT nope FROM system.nodes")


def test_a_full_node_still_says_why_and_ends_it(node: Served, client: WireClient) -> None:
    errors: list[BaseException] = []

    def run() -> None:
        with node.client("busy") as busy:
            try:
                busy.query(LONG)
            except pa.ArrowException as exc:
                errors.append(exc)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    eventually(lambda: node.running == 2)
    with pytest.raises(flight.FlightUnavailableError, match="which is its limit"):
        client.query("SELECT 1")
    text = "SELECT statement_id FROM system.statements WHERE principal = 'busy'"
    ids = client.query(text).column(0).to_pylist()
    assert len(ids) == 2
    for name in ids:
        assert client.query(f"KILL STATEMENT '{name}'").column("outcome").to_pylist() == ["stopped"]
    for thread in threads:
        thread.join(10)
    assert len(errors) == 2
    assert all("killed by ada" in str(error) for error in errors)
