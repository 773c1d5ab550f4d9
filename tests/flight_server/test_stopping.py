"""What is stopped has no effect: also when it waited, and when its client left in between."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import duckdb
import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.wiring import Wiring
from flightkeeper.flight_server.errors import Cancelled, NodeError
from flightkeeper.flight_server.handlers import ingest as module
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient, eventually, serving

_ENDLESS = "SELECT count(*) FROM range(100000000000) t(i) WHERE hash(i) % 7 = 9"
_ONE_ROW_LATE = "SELECT i FROM range(100000000000) t(i) WHERE i < 300000 OR hash(i) % 7 = 9"
_APPEND = sql.CommandStatementIngest.TableDefinitionOptions(
    if_not_exist=sql.CommandStatementIngest.TableDefinitionOptions.TABLE_NOT_EXIST_OPTION_FAIL,
    if_exists=sql.CommandStatementIngest.TableDefinitionOptions.TABLE_EXISTS_OPTION_APPEND,
)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[WireClient]:
    """With a session whose statements share a connection, and a table `t`."""
    with served.client() as client:
        client.update("CREATE TABLE t (a INT)")
        client.update("CREATE TEMP TABLE mine (a INT)")
        yield client


def again(served: Served, client: WireClient) -> WireClient:
    """Another connection of the same session."""
    return WireClient(served.location, client.authorization)


@pytest.mark.parametrize("limited", [True, False])
def test_a_change_that_is_stopped_while_it_waits_never_runs(
    served: Served, client: WireClient, *, limited: bool
) -> None:
    def occupy() -> None:
        with again(served, client) as slow, pytest.raises(flight.FlightError):
            slow.info(sql.CommandStatementQuery(query=_ENDLESS), timeout_s=3)

    busy = threading.Thread(target=occupy)
    busy.start()
    eventually(lambda: served.running == 1)
    with again(served, client) as other:
        if limited:
            other.extra_headers["x-flightkeeper-statement-timeout"] = "300ms"
        with pytest.raises(flight.FlightTimedOutError):
            other.put(
                sql.CommandStatementUpdate(query="INSERT INTO t VALUES (1)"),
                timeout_s=30 if limited else 0.3,
            )
        eventually(lambda: served.running <= 1)
        assert busy.is_alive()
    busy.join(30)
    assert client.value("SELECT count(*) FROM t") == 0


def test_a_change_that_waits_for_another_result_can_be_stopped(
    served: Served, client: WireClient
) -> None:
    reading = client.get(client.plan(_ONE_ROW_LATE).endpoints[0].ticket)
    assert reading.read_chunk().data.num_rows
    with again(served, client) as other:
        other.extra_headers["x-flightkeeper-statement-timeout"] = "300ms"
        with pytest.raises(flight.FlightTimedOutError, match="300 ms"):
            other.update("INSERT INTO t VALUES (1)")
    reading.cancel()
    assert client.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("moment", [0, 1], ids=["before", "after"])
def test_an_upload_whose_client_leaves_is_not_committed_with_its_transaction(
    monkeypatch: pytest.MonkeyPatch, client: WireClient, moment: int
) -> None:
    check, asked = module._check_wanted, []

    def left(call: object) -> None:
        asked.append(call)
        if len(asked) == moment + 1:
            raise Cancelled("the call ended before the upload was applied")
        check(call)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_check_wanted", left)
    transaction = client.begin()
    client.update("INSERT INTO t VALUES (7)", transaction)
    upload = sql.CommandStatementIngest(
        table="t", transaction_id=transaction, table_definition_options=_APPEND
    )
    told = "nothing was applied" + (", and the open transaction is aborted" if moment else "")
    with pytest.raises(flight.FlightCancelledError, match=told):
        client.put(upload, pa.table({"a": [1, 2]}))
    if moment:
        with pytest.raises(pa.ArrowException, match="nothing of it was written"):
            client.end(transaction)
    else:
        client.end(transaction)
    assert client.query("FROM t").to_pylist() == ([] if moment else [{"a": 7}])


def test_begin_is_refused_where_it_would_be_lost(client: WireClient) -> None:
    transaction = client.begin()
    client.update("INSERT INTO mine VALUES (1)", transaction)
    with pytest.raises(pa.ArrowInvalid, match="open already; nothing was run"):
        client.update("BEGIN")
    client.update("BEGIN; INSERT INTO t VALUES (1); ROLLBACK")
    client.end(transaction)
    client.update("BEGIN")
    client.update("INSERT INTO t VALUES (2)")
    client.update("ROLLBACK")
    assert client.value("SELECT count(*) FROM t") == 0


def test_a_ticket_whose_columns_have_changed_is_not_served(client: WireClient) -> None:
    info = client.plan("FROM t")
    assert client.fetch(info).schema.names == ["a"]
    assert client.fetch(info).schema.names == ["a"]
    client.update("ALTER TABLE t ADD COLUMN b VARCHAR")
    with pytest.raises(KeyError, match="columns of this result have changed"):
        client.fetch(info)


def test_the_ends_of_transactions_are_never_interrupted() -> None:
    """Interrupted, a ROLLBACK leaves the transaction open, and a COMMIT may have happened."""
    with duckdb.connect() as cursor:
        connection = Connection(cursor, Wiring(1_000_000))
        told: list[str] = []
        over = threading.Event()

        def interrupt() -> None:
            while not over.is_set():
                connection.interrupt()

        connection.rows("CREATE TABLE t (a INT)")
        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            for _ in range(300):
                told.extend(_in_a_transaction(connection))
        finally:
            over.set()
            thread.join(10)
        ((rows,),) = connection.rows("SELECT count(*) FROM t")
        assert not connection.spoiled
        assert told.count("committed") == rows
        assert told.count("committed") + told.count("rolled back") == 300


def _in_a_transaction(connection: Connection) -> Iterator[str]:
    connection.begin()
    try:
        connection.rows("INSERT INTO t VALUES (1)")
        connection.commit()
        yield "committed"
    except NodeError:
        connection.rollback()
        yield "rolled back"


def test_a_spoiled_connection_is_not_lent_again() -> None:
    database = Database(DatabaseOptions())
    for spoiled in (False, True):
        connection = database.lend()
        connection.spoiled = spoiled
        database.take_back(connection)
        assert (connection in database._idle) is not spoiled
    begun = database.lend()
    begun.begin()
    database.take_back(begun)
    assert begun not in database._idle
    database.close()


def test_a_query_for_several_rows_stops_in_any_of_them(served: Served, client: WireClient) -> None:
    text = "SELECT count(*) AS n FROM range(?::BIGINT) t(i) WHERE random() < 2"
    client.extra_headers["x-flightkeeper-statement-timeout"] = "500ms"
    handle = client.prepare(text).prepared_statement_handle
    bound = client.bind(handle, pa.table({"0": [10, 100_000_000_000]}))
    info = client.info(sql.CommandPreparedStatementQuery(prepared_statement_handle=bound))
    with pytest.raises(flight.FlightTimedOutError, match="500 ms"):
        client.get(info.endpoints[0].ticket).read_all()
    eventually(lambda: served.running == 0)


def test_a_change_that_waits_does_not_outlive_its_transaction(
    served: Served, client: WireClient
) -> None:
    transaction = client.begin()
    client.update("INSERT INTO t VALUES (7)", transaction)

    def occupy() -> None:
        query = sql.CommandStatementQuery(query=_ENDLESS, transaction_id=transaction)
        with again(served, client) as slow, pytest.raises(flight.FlightError):
            slow.info(query, timeout_s=1)

    def insert() -> None:
        with again(served, client) as other, suppress(flight.FlightError, pa.ArrowException):
            other.update("INSERT INTO t VALUES (8)", transaction)

    threads = [threading.Thread(target=occupy), threading.Thread(target=insert)]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        eventually(lambda: served.running >= number)  # noqa: B023 - it is called at once
    # It waits as well, and whether it comes before the other one is chance.
    client.end(transaction, commit=False)
    for thread in threads:
        thread.join(30)
    assert client.value("SELECT count(*) FROM t") == 0
