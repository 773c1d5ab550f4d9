"""Metadata of a database with everything in it: odd names, views, temporary and broken tables."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.catalog import TableFilter, quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flightsql import schemas

_ODD = 'odd "näme".x'


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    for command in (
        "ATTACH ':memory:' AS other",
        "CREATE SCHEMA s_1",
        "CREATE SCHEMA sx1",
        "CREATE TABLE t (a INT NOT NULL, b VARCHAR, c DECIMAL(10, 2))",
        f"CREATE TABLE s_1.{quoted(_ODD)} ({quoted(_ODD)} INT)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE gone (a INT)",
        "CREATE VIEW broken AS SELECT a FROM gone",
        "DROP TABLE gone",
        "CREATE TEMP TABLE passing (a INT)",
        "CREATE TABLE other.main.far (a INT)",
    ):
        made.command(command)
    yield made
    made.close()
    database.close()


def listed(connection: Connection, wanted: TableFilter) -> list[tuple[str, str, str]]:
    rows = catalog.tables(connection, wanted, include_schema=False).to_pylist()
    return [(row["catalog_name"], row["table_name"], row["table_type"]) for row in rows]


def test_catalogs(connection: Connection) -> None:
    found = catalog.catalogs(connection)
    assert found.schema == schemas.CATALOGS
    assert found["catalog_name"].to_pylist() == ["memory", "other"]


def test_schemas_are_sorted_and_filtered(connection: Connection) -> None:
    found = catalog.db_schemas(connection, None, None)
    assert found.schema == schemas.DB_SCHEMAS
    pairs = [tuple(row.values()) for row in found.to_pylist()]
    assert pairs == sorted(pairs)
    assert {("memory", "main"), ("memory", "s_1"), ("other", "main")} <= set(pairs)

    def names(of: str | None, pattern: str | None) -> list[str | None]:
        return catalog.db_schemas(connection, of, pattern)["db_schema_name"].to_pylist()

    assert names("memory", "s_1") == ["s_1", "sx1"]
    assert names("memory", r"s\_1") == ["s_1"]
    assert names("", None) == []
    assert names("memory", "") == []


def test_tables_are_sorted(connection: Connection) -> None:
    assert listed(connection, TableFilter()) == [
        ("memory", "broken", "VIEW"),
        ("memory", "t", "TABLE"),
        ("memory", "v", "VIEW"),
        ("memory", _ODD, "TABLE"),
        ("other", "far", "TABLE"),
        ("temp", "passing", "LOCAL TEMPORARY"),
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (TableFilter(catalog="other"), ["far"]),
        (TableFilter(catalog=""), []),
        (TableFilter(schema_pattern="s%"), [_ODD]),
        (TableFilter(table_pattern="_"), ["t", "v"]),
        (TableFilter(table_pattern=r"\_"), []),
        (TableFilter(types=["VIEW"]), ["broken", "v"]),
        (TableFilter(types=["base table"], catalog="memory"), ["t", _ODD]),
        (TableFilter(types=["TEMPORARY"]), ["passing"]),
        (TableFilter(types=["SYSTEM TABLE"]), []),
    ],
)
def test_tables_are_filtered(connection: Connection, wanted: TableFilter, names: list[str]) -> None:
    assert [name for _, name, _ in listed(connection, wanted)] == names


def schema_of(connection: Connection, table: str) -> pa.Schema:
    answer = catalog.tables(connection, TableFilter(table_pattern=table), include_schema=True)
    assert answer.schema == schemas.TABLES_WITH_SCHEMA
    (encoded,) = answer["table_schema"].to_pylist()
    assert isinstance(encoded, bytes)
    return pa.ipc.read_schema(pa.py_buffer(encoded))


def test_a_table_comes_with_its_schema(connection: Connection) -> None:
    schema = schema_of(connection, "t")
    assert [(f.name, f.type) for f in schema] == [
        ("a", pa.int32()),
        ("b", pa.string()),
        ("c", pa.decimal128(10, 2)),
    ]
    assert schema.field("c").metadata == {
        b"ARROW:FLIGHT:SQL:CATALOG_NAME": b"memory",
        b"ARROW:FLIGHT:SQL:SCHEMA_NAME": b"main",
        b"ARROW:FLIGHT:SQL:DB_SCHEMA_NAME": b"main",
        b"ARROW:FLIGHT:SQL:TABLE_NAME": b"t",
        b"ARROW:FLIGHT:SQL:TYPE_NAME": b"DECIMAL(10,2)",
    }


def test_odd_names_come_with_their_schema(connection: Connection) -> None:
    assert schema_of(connection, "odd%").names == [_ODD]


def test_a_broken_view_does_not_hide_the_others(connection: Connection) -> None:
    assert schema_of(connection, "broken").names == []
    everything = catalog.tables(connection, TableFilter(), include_schema=True)
    assert everything.num_rows == 6


def test_table_types() -> None:
    found = catalog.table_types()
    assert found.schema == schemas.TABLE_TYPES
    assert found["table_type"].to_pylist() == sorted(catalog.TABLE_TYPES)


def test_quoting() -> None:
    assert quoted('a"b') == '"a""b"'
