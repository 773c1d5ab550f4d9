"""Grants on a real node: by every way in, and at once when they change."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.discovery.principals.model import Grant, Kind, Privilege, Securable
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.cluster.granted import PASSWORD, Granted, granted
from tests.flight_server.wire_client import WireClient, basic, eventually

_DENIED = (flight.FlightUnauthorizedError, flight.FlightUnauthenticatedError)
T = Securable(None, "main", "t")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    home: Path = tmp_path_factory.mktemp("registry")
    with granted(f"dir://{home}", "amy", "bob") as made:
        made.root.update(
            "CREATE TABLE t (a INT, b INT); INSERT INTO t VALUES (1, 10), (2, 20);"
            "CREATE TABLE u (c INT PRIMARY KEY); CREATE SCHEMA other; CREATE TABLE other.v (d INT)"
        )
        yield made


@pytest.fixture
def amy(cluster: Granted) -> Iterator[WireClient]:
    """A session of a user who may do nothing yet."""
    cluster.root.update("DROP USER IF EXISTS amy")
    cluster.root.update(f"CREATE USER amy PASSWORD '{PASSWORD}'")
    with cluster.login("amy") as client:
        yield client


def may(cluster: Granted, what: str) -> None:
    cluster.root.update(f"GRANT {what} TO amy")


def test_a_grant_holds_at_once_and_so_does_its_end(cluster: Granted, amy: WireClient) -> None:
    with pytest.raises(flight.FlightUnauthorizedError, match=r"SELECT on TABLE t is needed"):
        amy.query("FROM t")
    may(cluster, "SELECT ON t")
    assert amy.query("FROM t").num_rows == 2
    prepared = amy.prepare("SELECT a FROM t").prepared_statement_handle
    assert amy.execute(prepared).num_rows == 2
    cluster.root.update("REVOKE SELECT ON t FROM amy")
    with pytest.raises(flight.FlightUnauthorizedError):
        amy.query("FROM t")
    with pytest.raises(flight.FlightUnauthorizedError):
        amy.execute(prepared)


def test_a_ticket_shows_what_is_granted_when_it_is_fetched(
    cluster: Granted, amy: WireClient
) -> None:
    may(cluster, "SELECT ON t")
    whole, later = amy.plan("FROM t"), amy.plan("FROM t")
    cluster.root.update("REVOKE SELECT ON t FROM amy")
    with pytest.raises(flight.FlightUnauthorizedError):
        amy.fetch(whole)
    cluster.root.update("GRANT SELECT ON t TO amy WHERE a = 1")
    assert amy.fetch(later).num_rows == 1


def test_the_answer_of_a_change_is_not_given_after_grants_have_changed(
    cluster: Granted, amy: WireClient
) -> None:
    may(cluster, "INSERT, SELECT ON t")
    cluster.root.update("DELETE FROM t WHERE a > 2")
    planned = amy.plan("INSERT INTO t VALUES (3, 30) RETURNING b")
    assert amy.fetch(planned).to_pydict() == {"b": [30]}
    cluster.root.update("REVOKE SELECT ON t FROM amy")
    with pytest.raises((flight.FlightError, KeyError), match="no longer kept"):
        amy.fetch(planned)
    cluster.root.update("DELETE FROM t WHERE a > 2")


def test_each_statement_of_a_text_is_judged_when_its_turn_comes(
    cluster: Granted, amy: WireClient
) -> None:
    may(cluster, "SELECT ON t")
    assert amy.value("CREATE TEMP TABLE x AS FROM t; SELECT count(*) FROM x") == 2
    with pytest.raises(flight.FlightUnauthorizedError, match="statement 2 of 2 failed"):
        amy.query("FROM t; FROM u")


def test_a_prepared_statement_with_parameters_is_held_to_the_rows(
    cluster: Granted, amy: WireClient
) -> None:
    may(cluster, "SELECT, UPDATE ON t")
    cluster.root.update("REVOKE SELECT, UPDATE ON t FROM amy")
    cluster.root.update("GRANT SELECT, UPDATE ON t TO amy WHERE a = 1")
    handle = amy.prepare("SELECT b FROM t WHERE b >= ?").prepared_statement_handle
    bound = amy.bind(handle, pa.table({"1": [0]}))
    assert amy.execute(bound)["b"].to_pylist() == [10]
    update = amy.prepare("UPDATE t SET b = b + ? WHERE b > ?").prepared_statement_handle
    assert amy.execute_update(update, pa.table({"1": [1, 1], "2": [0, 0]})) == 2
    assert cluster.root.query("FROM t ORDER BY a")["b"].to_pylist() == [12, 20]
    cluster.root.update("UPDATE t SET b = 10 WHERE a = 1")


def test_transactions_are_judged_like_everything(cluster: Granted, amy: WireClient) -> None:
    may(cluster, "SELECT, INSERT ON t")
    transaction = amy.begin()
    amy.update("INSERT INTO t VALUES (9, 90)", transaction)
    assert amy.value("SELECT count(*) FROM t", transaction) == 3
    cluster.root.update("REVOKE ALL ON t FROM amy")
    with pytest.raises(flight.FlightUnauthorizedError):
        amy.query("FROM t", transaction)
    amy.end(transaction, commit=False)


def ingest(client: WireClient, table: str, if_exists: int, rows: pa.Table, schema: str) -> None:
    options = sql.CommandStatementIngest.TableDefinitionOptions
    client.put(
        sql.CommandStatementIngest(
            table=table,
            schema=schema,
            table_definition_options=options(
                if_not_exist=options.TABLE_NOT_EXIST_OPTION_CREATE,
                if_exists=if_exists,  # type: ignore[arg-type]
            ),
        ),
        rows,
    )


def test_ingest_needs_what_the_insert_would(cluster: Granted, amy: WireClient) -> None:
    options = sql.CommandStatementIngest.TableDefinitionOptions
    append, replace = options.TABLE_EXISTS_OPTION_APPEND, options.TABLE_EXISTS_OPTION_REPLACE
    rows = pa.table({"d": pa.array([1], pa.int32())})
    for table in ("v", "w"):
        with pytest.raises(flight.FlightUnauthorizedError):
            ingest(amy, table, append, rows, "other")
    may(cluster, "INSERT ON other.v")
    ingest(amy, "v", append, rows, "other")
    with pytest.raises(flight.FlightUnauthorizedError):
        ingest(amy, "v", replace, rows, "other")
    may(cluster, "CREATE ON SCHEMA other")
    ingest(amy, "w", append, rows, "other")
    with pytest.raises(flight.FlightUnauthorizedError):
        ingest(amy, "v", replace, rows, "other")
    may(cluster, "ALL ON SCHEMA other")
    ingest(amy, "v", replace, rows, "other")
    assert cluster.root.value("SELECT count(*) FROM other.v") == 1


def names(client: WireClient, **wanted: bool) -> list[str]:
    table = client.command(sql.CommandGetTables(**wanted))  # type: ignore[arg-type]
    return [name for name in table["table_name"].to_pylist() if name in {"t", "u", "v"}]


def test_metadata_shows_what_is_granted(cluster: Granted, amy: WireClient) -> None:
    assert names(cluster.root) == ["t", "u", "v"]
    assert names(amy) == []
    assert amy.command(sql.CommandGetDbSchemas()).num_rows == 0
    assert amy.command(sql.CommandGetPrimaryKeys(table="u")).num_rows == 0
    may(cluster, "SELECT (a) ON t")
    assert names(amy) == ["t"]
    schemas = amy.command(sql.CommandGetDbSchemas())["db_schema_name"].to_pylist()
    assert schemas == ["main"]
    (shown,) = amy.command(sql.CommandGetTables(include_schema=True))["table_schema"].to_pylist()
    assert shown is not None
    assert pa.ipc.read_schema(pa.py_buffer(shown)).names == ["a"]
    assert amy.query("SHOW TABLES").to_pydict() == {"name": ["t"]}
    listed = [info.descriptor.path for info in amy.flight.list_flights(options=amy.options())]
    assert [path and path[-1] for path in listed] == [b"t"]


def test_a_path_is_a_query(cluster: Granted, amy: WireClient) -> None:
    for table in ("t", "nowhere"):
        descriptor = flight.FlightDescriptor.for_path("main", table)
        with pytest.raises(flight.FlightUnauthorizedError, match="or there is no such table"):
            amy.flight.get_flight_info(descriptor, amy.options())
    may(cluster, "SELECT (a) ON t")
    descriptor = flight.FlightDescriptor.for_path("main", "t")
    assert amy.flight.get_flight_info(descriptor, amy.options()).schema.names == ["a"]


def test_parts_of_a_scan_are_granted_like_the_whole(cluster: Granted, amy: WireClient) -> None:
    cluster.root.update("CREATE OR REPLACE TABLE big AS SELECT range AS a FROM range(1000000)")
    amy.extra_headers["x-flightkeeper-endpoints"] = "4"
    with pytest.raises(flight.FlightUnauthorizedError):
        amy.plan("SELECT * FROM big")
    may(cluster, "SELECT ON big")
    parts = amy.plan("SELECT * FROM big").endpoints
    assert len(parts) > 1
    cluster.root.update("REVOKE SELECT ON big FROM amy")
    for part in parts:
        with pytest.raises(flight.FlightUnauthorizedError):
            amy.get(part.ticket).read_all()
    cluster.root.update("GRANT SELECT ON big TO amy WHERE a % 2 = 0")
    limited = amy.plan("SELECT * FROM big").endpoints
    assert sum(amy.get(part.ticket).read_all().num_rows for part in limited) == 500_000


def test_an_exchange_reads_its_upload_and_what_is_granted(
    cluster: Granted, amy: WireClient
) -> None:
    def exchanged(text: str) -> pa.Table:
        from flightkeeper.flightsql.messages import pack  # noqa: PLC0415

        command = flight.FlightDescriptor.for_command(pack(sql.CommandStatementQuery(query=text)))
        writer, reader = amy.flight.do_exchange(command, amy.options())
        rows = pa.table({"a": pa.array([1], pa.int32())})
        with writer:
            writer.begin(rows.schema)
            writer.write_table(rows)
            writer.done_writing()
            return reader.read_all()

    assert exchanged("SELECT a FROM input").num_rows == 1
    with pytest.raises(flight.FlightUnauthorizedError):
        exchanged("SELECT t.b FROM input JOIN t USING (a)")
    may(cluster, "SELECT ON t")
    assert exchanged("SELECT t.b FROM input JOIN t USING (a)")["b"].to_pylist() == [10]


def test_who_is_dropped_is_out_with_all_sessions(cluster: Granted, amy: WireClient) -> None:
    may(cluster, "SELECT ON t")
    amy.query("SET TimeZone = 'UTC'")
    assert amy.value("SELECT count(*) FROM t") == 2
    cluster.root.update("DROP USER amy")
    with pytest.raises(flight.FlightUnauthenticatedError, match="dropped"):
        amy.query("SELECT 1")
    cluster.root.update(f"CREATE USER amy PASSWORD '{PASSWORD}'")
    with pytest.raises(flight.FlightUnauthenticatedError):
        amy.query("SELECT 1")
    with cluster.login("amy") as again, pytest.raises(flight.FlightUnauthorizedError):
        again.query("FROM t")


def test_another_password_ends_the_logins_with_the_old_one(
    cluster: Granted, amy: WireClient
) -> None:
    amy.query("SELECT 1")
    cluster.root.update("ALTER USER amy PASSWORD 'another'")
    with pytest.raises(flight.FlightUnauthenticatedError):
        amy.query("SELECT 1")
    with cluster.login("amy") as old, pytest.raises(flight.FlightUnauthenticatedError):
        old.query("SELECT 1")
    with WireClient(cluster.served.location, basic("amy", "another")) as new:
        assert new.value("SELECT 1") == 1


def test_basic_on_each_call_is_checked_against_the_account_as_it_is(
    cluster: Granted, amy: WireClient
) -> None:
    for _ in range(2):
        with cluster.login("amy") as client:
            assert client.value("SELECT 1") == 1
    cluster.root.update("DROP USER amy")
    with cluster.login("amy") as client, pytest.raises(flight.FlightUnauthenticatedError):
        client.query("SELECT 1")
    del amy


def test_changes_from_elsewhere_hold_within_two_seconds(cluster: Granted, amy: WireClient) -> None:
    cluster.accounts.grant("amy", [Grant(Privilege.SELECT, T)])

    def reads() -> bool:
        try:
            return amy.query("FROM t").num_rows == 2
        except flight.FlightUnauthorizedError:
            return False

    eventually(reads, within_s=2)
    cluster.accounts.revoke("amy", [Privilege.SELECT], T)
    eventually(lambda: not reads(), within_s=2)
    cluster.accounts.drop("amy", Kind.USER)

    def known() -> bool:
        try:
            amy.query("SELECT 1")
        except flight.FlightUnauthenticatedError:
            return False
        return True

    eventually(lambda: not known(), within_s=2)


def test_a_long_text_is_not_judged(cluster: Granted, amy: WireClient) -> None:
    del cluster
    with pytest.raises(flight.FlightUnauthorizedError, match="too long"):
        amy.query(f"SELECT '{'x' * 300_000}'")


def test_names_of_the_client_are_those_of_the_table_that_is_limited(
    cluster: Granted, amy: WireClient
) -> None:
    may(cluster, "SELECT (a) ON t")
    for text in (
        "SELECT t.a FROM t",
        "SELECT x.a FROM main.t AS x",
        "SELECT main.t.a FROM main.t",
        'SELECT "T"."A" FROM T',
    ):
        assert amy.query(text).num_rows == 2
    assert amy.query("SELECT * FROM t").column_names == ["a"]


def test_reference_tables_are_made_by_superusers(cluster: Granted, amy: WireClient) -> None:
    may(cluster, "ALL ON SCHEMA main")
    for name in ("mine", "temp.mine"):
        with pytest.raises(flight.FlightUnauthorizedError, match="only superusers make"):
            amy.update(f"CREATE REFERENCE TABLE {name} AS SELECT 1 AS a")
