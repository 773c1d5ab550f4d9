"""Where statements run: together with the state they need, and only with that."""

import jwt
import pyarrow as pa
import pytest

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient


def pinned(client: WireClient) -> bool:
    """Whether the node has said that the caller's session lives here."""
    before = client.authorization
    client.query("SELECT 1")
    assert client.authorization == before, "it is said with the statement that needs it"
    token = (before or "").removeprefix("Bearer ")
    return "pin" in jwt.decode(token, options={"verify_signature": False})


def tables(client: WireClient) -> list[object]:
    command = sql.CommandGetTables(table_name_filter_pattern="placed%")
    return client.command(command)["table_name"].to_pylist()


def test_a_transaction_that_leaves_nothing_behind_pins_nothing(client: WireClient) -> None:
    transaction = client.begin()
    client.query("SELECT 1", transaction)
    client.end(transaction)
    assert not pinned(client)


def test_what_is_set_in_a_transaction_stays_after_it(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TEMP TABLE mine AS SELECT 7 AS x", transaction)
    client.update("SET VARIABLE v = 8", transaction)
    client.end(transaction)
    assert pinned(client)
    assert client.value("FROM mine") == 7
    again = client.begin()
    assert client.value("SELECT getvariable('v')", again) == 8
    assert client.value("SELECT x FROM mine", again) == 7
    client.end(again, commit=False)


def test_a_statement_without_the_transaction_is_none_of_its_business(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE placed (a INT); CREATE SCHEMA IF NOT EXISTS s; USE s")
    transaction = client.begin()
    client.update("INSERT INTO main.placed VALUES (1)", transaction)
    assert client.value("SELECT count(*) FROM main.placed") == 0
    assert client.value("SELECT current_schema()") == "s"
    client.end(transaction, commit=False)
    client.update("USE main; DROP TABLE placed; DROP SCHEMA s")


def test_metadata_sees_the_tables_of_the_open_transaction(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE placed_soon (a INT)", transaction)
    assert tables(client) == ["placed_soon"]
    client.end(transaction, commit=False)
    assert tables(client) == []


def test_metadata_outlives_an_aborted_transaction(client: WireClient) -> None:
    transaction = client.begin()
    client.update("CREATE TABLE placed_soon (a INT NOT NULL)", transaction)
    with pytest.raises(pa.ArrowInvalid):
        client.update("INSERT INTO placed_soon VALUES (NULL)", transaction)
    assert tables(client) == []
    client.end(transaction, commit=False)


def test_text_in_a_transaction_ends_and_begins_it(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE placed (a INT)")
    transaction = client.begin()
    client.update("INSERT INTO placed VALUES (1)", transaction)
    client.update("COMMIT", transaction)
    assert client.value("SELECT count(*) FROM placed") == 1
    client.update("INSERT INTO placed VALUES (2)", transaction)
    client.update("ROLLBACK", transaction)
    client.end(transaction)
    assert client.value("SELECT count(*) FROM placed") == 1
    client.update("DROP TABLE placed")


@pytest.mark.parametrize("text", ["COMMIT", "ROLLBACK", "END", "ABORT"])
def test_ending_what_was_not_begun_is_harmless(client: WireClient, text: str) -> None:
    assert client.update(text) == 0
    assert client.query(text).num_rows == 0
    client.update("BEGIN; BEGIN")
    client.update(f"{text}; {text}")
    assert client.value("SELECT 1") == 1


def test_prepared_text_stays_with_its_session(served: Served, client: WireClient) -> None:
    client.update("PREPARE twice AS SELECT 2 * $1::INT AS x")
    assert client.value("EXECUTE twice(21)") == 42
    with served.client(user="other") as other, pytest.raises(pa.ArrowInvalid, match="twice"):
        other.query("EXECUTE twice(21)")
    client.update("DEALLOCATE twice")
    with pytest.raises(pa.ArrowInvalid, match="twice"):
        client.query("EXECUTE twice(21)")


def test_a_temporary_table_joins_the_transaction_that_has_the_session(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE first AS SELECT 1 AS a")
    transaction = client.begin()
    assert client.value("FROM first", transaction) == 1
    client.update("CREATE TEMP TABLE second AS SELECT 2 AS a")
    assert client.value("FROM second", transaction) == 2
    client.end(transaction)
    assert client.value("FROM second") == 2


def test_state_is_refused_where_it_would_be_lost(client: WireClient) -> None:
    client.extra_headers[headers.STATELESS] = "1"
    for text in ("SET dialect = 'duckdb'", "BEGIN", "CREATE TEMP TABLE t (a INT)"):
        with pytest.raises(pa.ArrowInvalid, match="nothing was run: use a transaction"):
            client.update(text)


def test_what_would_be_half_in_a_transaction_is_refused(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE placed (a INT); SET VARIABLE v = 1")
    transaction = client.begin()
    client.update("INSERT INTO placed VALUES (1)", transaction)
    for text in (
        "INSERT INTO placed VALUES (2); SET VARIABLE v = 2",
        "BEGIN; CREATE TEMP TABLE placed_here (a INT); COMMIT",
    ):
        with pytest.raises(pa.ArrowInvalid, match="nothing was run: send them apart"):
            client.update(text)
    client.update("SET VARIABLE v = 3")
    client.update("INSERT INTO placed VALUES (4)")
    client.end(transaction, commit=False)
    assert client.value("SELECT a * 10 + getvariable('v') FROM placed") == 43
    client.update("DROP TABLE placed")
