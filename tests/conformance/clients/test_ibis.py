"""Ibis, through its GizmoSQL backend: tables, expressions, writing, and what it makes of them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import ibis
import ibis_gizmosql
import pandas as pd
import pyarrow as pa
import pytest

from tests.conformance.conftest import PASSWORD, USER

TOOL = "Ibis"
expressions = pytest.mark.tool(TOOL, "tables and expressions")
writes = pytest.mark.tool(TOOL, "making and filling tables and views")
lists = pytest.mark.tool(TOOL, "catalogs, databases and schemas")

FLIGHTS = pd.DataFrame(
    {
        "carrier": ["AA", "BB", "AA", "CC"],
        "delay": [10.0, 20.5, None, -3.0],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02", "2024-02-29"]),
    }
)


@pytest.fixture
def connection(solo: str) -> Iterator[Any]:
    """A connected backend; the schema `work` is new, and the current one."""
    where = urlsplit(solo)
    backend = ibis_gizmosql.Backend()
    backend.do_connect(host=where.hostname, port=where.port, user=USER, password=PASSWORD)
    backend.raw_sql("DROP SCHEMA IF EXISTS work CASCADE").close()
    backend.create_database("work")
    yield backend
    backend.disconnect()


@expressions
def test_an_expression_is_computed_by_the_node(connection: Any) -> None:
    connection.raw_sql("CREATE TABLE work.t AS SELECT range AS a FROM range(1000)").close()
    table = connection.table("t", database="work")
    assert table.schema() == ibis.schema({"a": "int64"})
    assert table.a.sum().execute() == 499_500
    found = table.filter(table.a % 100 == 0).mutate(b=table.a * 2).order_by("a").to_pyarrow()
    assert found["b"].to_pylist() == list(range(0, 2000, 200))


@expressions
def test_group_join_and_window(connection: Any) -> None:
    flights = connection.create_table("flights", FLIGHTS, database="work")
    names = connection.create_table(
        "names", pa.table({"carrier": ["AA", "BB"], "name": ["Alpha", "Beta"]}), database="work"
    )
    mean = flights.group_by("carrier").agg(n=flights.count(), mean=flights.delay.mean())
    joined = mean.join(names, "carrier").order_by("name").execute()
    assert joined["name"].tolist() == ["Alpha", "Beta"]
    assert joined["n"].tolist() == [2, 1]
    assert joined["mean"].tolist() == [10.0, 20.5]
    ranked = flights.mutate(r=ibis.row_number().over(order_by=flights.delay)).order_by("r")
    assert ranked.limit(1).execute()["carrier"].tolist() == ["CC"]
    assert flights.day.max().execute().date() == dt.date(2024, 2, 29)


@expressions
def test_sql_becomes_an_expression(connection: Any) -> None:
    table = connection.sql("SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y'")
    assert table.filter(table.a == 2).b.execute().tolist() == ["y"]
    batches = connection.to_pyarrow_batches(table.order_by("a"))
    assert pa.Table.from_batches(batches)["a"].to_pylist() == [1, 2]


@writes
def test_a_table_is_made_filled_replaced_and_dropped(connection: Any) -> None:
    connection.create_table("t", schema=ibis.schema({"a": "int64", "b": "string"}), database="work")
    connection.insert("t", pd.DataFrame({"a": [1, 2], "b": ["x", None]}), database="work")
    connection.insert("t", pd.DataFrame({"a": [3], "b": ["z"]}), database="work")
    table = connection.table("t", database="work")
    assert table.count().execute() == 3
    assert table.b.count().execute() == 2
    connection.create_table("t", pa.table({"c": [1.5]}), database="work", overwrite=True)
    assert connection.table("t", database="work").to_pyarrow().to_pylist() == [{"c": 1.5}]
    connection.drop_table("t", database="work")
    assert connection.list_tables(database="work") == []


@writes
def test_a_view_follows_its_table(connection: Any) -> None:
    connection.create_table("t", pa.table({"a": [1, 2]}), database="work")
    table = connection.table("t", database="work")
    connection.create_view("v", table.filter(table.a > 1), database="work")
    connection.insert("t", pa.table({"a": [5]}).to_pandas(), database="work")
    found = connection.table("v", database="work").order_by("a").to_pyarrow()
    assert found["a"].to_pylist() == [2, 5]


@lists
def test_what_there_is_is_listed(connection: Any) -> None:
    connection.create_table("t", pa.table({"a": [1]}), database="work")
    assert connection.current_catalog == "memory"
    assert "memory" in connection.list_catalogs()
    assert {"main", "work"} <= set(connection.list_databases())
    assert connection.list_tables(database="work") == ["t"]
    assert connection.version.startswith("v1.") or connection.version.startswith("1.")
