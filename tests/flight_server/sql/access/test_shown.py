"""Tables that tell of tables, without those that are not granted."""

import duckdb
import pytest

from flightkeeper.discovery.principals.model import Access, Grant, Privilege, Securable
from flightkeeper.flight_server.sql.access.shown import (
    FUNCTIONS,
    RELATIONS,
    columns_seen,
    query,
)

ORDERS = Securable(None, "main", "orders")
SOME = Grant(Privilege.SELECT, ORDERS, columns=frozenset({"id"}))
ACCESS = Access(superuser=False, grants=(SOME,))


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("CREATE TABLE Orders (Id INT, secret INT DEFAULT 42); CREATE TABLE others (a INT)")
    made.execute("CREATE TEMP TABLE mine (a INT)")
    return made


@pytest.mark.parametrize(
    "source", [*(f"{name}()" for name in FUNCTIONS), *(".".join(name) for name in RELATIONS)]
)
def test_each_of_them_can_be_asked_and_hides(
    connection: duckdb.DuckDBPyConnection, source: str
) -> None:
    shown = FUNCTIONS.get(source.removesuffix("()")) or RELATIONS[tuple(source.split("."))]
    asked = connection.execute(query(source, shown, ACCESS, "memory"))
    assert [column[0] for column in asked.description] == [
        column[0] for column in connection.execute(f"FROM {source}").description
    ]
    seen = str(connection.execute(query(source, shown, ACCESS, "memory")).fetchall())
    assert "others" not in seen
    assert "secret" not in seen
    assert "42" not in seen


def test_tables_and_columns_that_are_granted_are_there(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    tables = query("duckdb_tables()", FUNCTIONS["duckdb_tables"], ACCESS, "memory")
    found = connection.execute(f"SELECT table_name FROM ({tables}) ORDER BY 1").fetchall()
    assert found == [("Orders",), ("mine",)]
    columns = query("duckdb_columns()", FUNCTIONS["duckdb_columns"], ACCESS, "memory")
    names = f"SELECT column_name FROM ({columns}) WHERE table_name = 'Orders'"
    assert connection.execute(names).fetchall() == [("Id",)]


def test_nobody_sees_only_their_own(connection: duckdb.DuckDBPyConnection) -> None:
    nothing = Access(superuser=False)
    tables = query("duckdb_tables()", FUNCTIONS["duckdb_tables"], nothing, "memory")
    assert connection.execute(f"SELECT table_name FROM ({tables})").fetchall() == [("mine",)]


def test_columns_are_seen_if_some_grant_is_of_all() -> None:
    assert columns_seen(ACCESS.index("memory"), ORDERS) == frozenset({"id"})
    both = Access(superuser=False, grants=(SOME, Grant(Privilege.INSERT, ORDERS)))
    assert columns_seen(both.index("memory"), ORDERS) is None
