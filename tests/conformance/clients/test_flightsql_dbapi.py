"""flightsql-dbapi, a client in Python alone: its Flight SQL client, its DB-API, its SQLAlchemy."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import flightsql
import pytest
import sqlalchemy as sa

from tests.conformance.conftest import PASSWORD, USER

TOOL = "flightsql-dbapi"
queries = pytest.mark.tool(TOOL, "queries and changes")
parameters = pytest.mark.tool(TOOL, "parameters of the types it can send")
metadata = pytest.mark.tool(TOOL, "metadata, with primary and foreign keys")
dialect = pytest.mark.tool(TOOL, "SQLAlchemy 1.4 (datafusion://)")


@pytest.fixture
def client(solo: str) -> Iterator[Any]:
    """A logged in Flight SQL client; the schema `work` is new."""
    where = urlsplit(solo)
    opened = flightsql.FlightSQLClient(
        host=where.hostname, port=where.port, user=USER, password=PASSWORD, insecure=True
    )
    opened.execute_update("DROP SCHEMA IF EXISTS work CASCADE")
    opened.execute_update("CREATE SCHEMA work")
    yield opened
    opened.close()


@pytest.fixture
def cursor(client: Any) -> Any:
    """A cursor of its DB-API."""
    return flightsql.connect(client).cursor()


@queries
def test_changes_are_counted(client: Any) -> None:
    assert client.execute_update("CREATE TABLE work.t AS SELECT range AS a FROM range(10)") == 10
    assert client.execute_update("UPDATE work.t SET a = -a WHERE a > 5") == 4
    assert client.execute_update("DELETE FROM work.t WHERE a < 0") == 4


@queries
def test_a_result_is_read_from_its_endpoints(client: Any) -> None:
    info = client.execute("SELECT range AS a FROM range(500000)")
    rows = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    assert sum(table.num_rows for table in rows) == 500_000
    assert sum(sum(table["a"].to_pylist()) for table in rows) == 124_999_750_000


@queries
def test_the_cursor_fetches_rows_and_describes_them(cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT, b VARCHAR)")
    cursor.execute("INSERT INTO work.t VALUES (1, 'x'), (2, 'ü')")
    cursor.execute("SELECT b, a FROM work.t ORDER BY a")
    assert [column[0] for column in cursor.description] == ["b", "a"]
    assert cursor.fetchone() == ["x", 1]
    assert cursor.fetchall() == [["ü", 2]]


@parameters
@pytest.mark.parametrize("given", [42, 2.5, "text", True, b"\x00\xff"], ids=str)
def test_parameters_arrive_though_it_keeps_its_first_handle(cursor: Any, given: Any) -> None:
    cursor.execute("SELECT ?", (given,))
    assert cursor.fetchall() == [[given]]
    with pytest.raises(flightsql.Error, match="date"):
        cursor.execute("SELECT ?", (dt.date(2024, 2, 29),))


@metadata
def test_tables_columns_and_keys_are_told(client: Any) -> None:
    client.execute_update("CREATE TABLE work.parent (a INT, b INT, PRIMARY KEY (a, b))")
    client.execute_update(
        "CREATE TABLE work.child (x INT, y INT, FOREIGN KEY (x, y) REFERENCES work.parent (a, b))"
    )
    connection = flightsql.connect(client)
    assert connection.flightsql_get_table_names("work") == ["child", "parent"]
    assert "work" in connection.flightsql_get_schema_names()
    columns = connection.flightsql_get_columns("child", "work")
    assert [column["name"] for column in columns] == ["x", "y"]
    keys = connection.flightsql_get_primary_keys("parent", "work")
    assert [(key["column_name"], key["key_sequence"]) for key in keys] == [("a", 1), ("b", 2)]
    found = connection.flightsql_get_foreign_keys("child", "work")
    assert [(key["fk_column_name"], key["pk_column_name"]) for key in found] == [
        ("x", "a"),
        ("y", "b"),
    ]


@metadata
def test_types_table_types_and_facts_are_told(client: Any) -> None:
    def read(info: Any) -> Any:
        return client.do_get(info.endpoints[0].ticket).read_all()

    types = read(client.get_xdbc_type_info(None))["type_name"].to_pylist()
    assert {"INTEGER", "VARCHAR"} <= set(types)
    assert {"TABLE", "VIEW"} <= set(read(client.get_table_types())["table_type"].to_pylist())
    facts = flightsql.connect(client).flightsql_get_sql_info([0, 1])
    assert facts[0] == "Flightkeeper"
    assert facts[1].startswith("duckdb v")


@dialect
def test_sqlalchemy_lists_and_reads_a_table(client: Any, solo: str) -> None:
    client.execute_update("CREATE TABLE work.t AS SELECT range::INT AS a FROM range(10)")
    where = f"{USER}:{quote(PASSWORD)}@{urlsplit(solo).netloc}"
    engine = sa.create_engine(f"datafusion://{where}?insecure=true")
    inspector = sa.inspect(engine)
    assert inspector.get_table_names(schema="work") == ["t"]
    table = sa.Table("t", sa.MetaData(), schema="work", autoload_with=engine)
    with engine.connect() as connection:
        found = connection.execute(sa.select(table).where(table.c.a > 7).order_by(table.c.a))
        assert [tuple(row) for row in found] == [(8,), (9,)]
    engine.dispose()
