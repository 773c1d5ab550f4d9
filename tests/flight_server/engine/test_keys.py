"""Keys of a database where they are as odd as DuckDB lets them be."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import keys
from flightkeeper.flight_server.engine.catalog import quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.keys import TableName
from flightkeeper.flightsql import schemas

_ODD = 'o"d,d\\_%ü'
_NO_ACTION = 3


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    odd = quoted(_ODD)
    for command in (
        "CREATE TABLE Parent (A INT, b INT, c INT UNIQUE, PRIMARY KEY (b, A), UNIQUE (A, b))",
        """CREATE TABLE child (x INT, y INT, z INT, FOREIGN KEY (x, y) REFERENCES parent (a, B),
           FOREIGN KEY (z) REFERENCES parent (C))""",
        "CREATE TABLE tree (id INT PRIMARY KEY, up INT REFERENCES tree (id))",
        "CREATE TABLE q (c INT PRIMARY KEY)",
        # Both keys get one name.
        "CREATE TABLE twice (x INT REFERENCES parent (c), FOREIGN KEY (x) REFERENCES q (c))",
        """CREATE TABLE billing (a INT, b INT, c INT, d INT,
           FOREIGN KEY (a, b) REFERENCES parent, FOREIGN KEY (c, d) REFERENCES parent)""",
        "CREATE SCHEMA other",
        "CREATE TABLE other.q (c INT PRIMARY KEY)",
        "CREATE TABLE other.r (c INT REFERENCES other.q (c) ON DELETE RESTRICT)",
        f"CREATE TABLE {odd} ({odd} INT PRIMARY KEY, up INT REFERENCES {odd} ({odd}))",
        "CREATE TABLE loose (a INT NOT NULL, b INT UNIQUE)",
        # What is generated counts as a column; names may be written in any case.
        "CREATE TABLE cased (x INT, g INT GENERATED ALWAYS AS (x + 1), Id INT, PRIMARY KEY (ID))",
        """CREATE TABLE to_cased (g INT GENERATED ALWAYS AS (Ref), Ref INT,
           FOREIGN KEY (REF) REFERENCES CASED (iD))""",
        "CREATE TEMP TABLE passing (a INT PRIMARY KEY)",
    ):
        made.command(command)
    yield made
    made.close()
    database.close()


def rows(answer: pa.Table, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in answer.to_pylist()]


def test_a_primary_key_has_its_own_order(connection: Connection) -> None:
    found = keys.primary(connection, TableName("memory", "main", "Parent"))
    assert found.schema == schemas.PRIMARY_KEYS
    assert found.to_pylist() == [
        {
            "catalog_name": "memory",
            "db_schema_name": "main",
            "table_name": "Parent",
            "column_name": name,
            "key_sequence": place,
            "key_name": "Parent_b_a_pkey",
        }
        for place, name in ((1, "b"), (2, "A"))
    ]


@pytest.mark.parametrize(
    ("of", "places"),
    [
        (TableName(table="q"), [("memory", "main"), ("memory", "other")]),
        (TableName(schema="other", table="q"), [("memory", "other")]),
        (TableName(catalog="memory", table="tree"), [("memory", "main")]),
        (TableName(table="passing"), [("temp", "main")]),
        (TableName(table=_ODD), [("memory", "main")]),
        (TableName(catalog="", table="q"), []),
        (TableName(schema="", table="q"), []),
        (TableName(table=""), []),
        (TableName(table="parent"), []),
        (TableName(table="tr_e"), []),
        (TableName(table="%"), []),
        (TableName(schema="oth%", table="q"), []),
        (TableName(table="loose"), []),
        (TableName(table="nowhere"), []),
    ],
)  # fmt: skip
def test_tables_are_named_exactly(
    connection: Connection, of: TableName, places: list[tuple[str, str]]
) -> None:
    found = keys.primary(connection, of)
    assert found.schema == schemas.PRIMARY_KEYS
    assert rows(found, "catalog_name", "db_schema_name") == places


def test_imported_keys_are_those_a_table_has(connection: Connection) -> None:
    found = keys.imported(connection, TableName("memory", "main", "child"))
    assert found.schema == schemas.FOREIGN_KEYS
    first, *rest = found.to_pylist()
    assert first == {
        "pk_catalog_name": "memory",
        "pk_db_schema_name": "main",
        "pk_table_name": "Parent",
        "pk_column_name": "A",
        "fk_catalog_name": "memory",
        "fk_db_schema_name": "main",
        "fk_table_name": "child",
        "fk_column_name": "x",
        "key_sequence": 1,
        "fk_key_name": "child_x_y_a_b_fkey",
        "pk_key_name": "Parent_b_a_pkey",
        "update_rule": _NO_ACTION,
        "delete_rule": _NO_ACTION,
    }
    assert [
        (row["pk_column_name"], row["fk_column_name"], row["key_sequence"]) for row in rest
    ] == [
        ("b", "y", 2),
        ("c", "z", 1),
    ]
    assert rest[1]["pk_key_name"] == "Parent_c_key"


def test_keys_to_the_same_columns_are_told_apart_in_the_order_of_the_specification(
    connection: Connection,
) -> None:
    found = keys.imported(connection, TableName(table="billing"))
    assert rows(found, "key_sequence", "fk_column_name", "pk_column_name") == [
        (1, "a", "b"),
        (1, "c", "b"),
        (2, "b", "A"),
        (2, "d", "A"),
    ]


def test_exported_keys_are_those_that_refer_to_a_table(connection: Connection) -> None:
    found = keys.exported(connection, TableName(table="Parent"))
    assert found.schema == schemas.FOREIGN_KEYS
    assert rows(found, "fk_table_name", "fk_key_name", "key_sequence", "fk_column_name") == [
        ("billing", "billing_a_b_b_a_fkey", 1, "a"),
        ("billing", "billing_a_b_b_a_fkey", 2, "b"),
        ("billing", "billing_c_d_b_a_fkey", 1, "c"),
        ("billing", "billing_c_d_b_a_fkey", 2, "d"),
        ("child", "child_x_y_a_b_fkey", 1, "x"),
        ("child", "child_x_y_a_b_fkey", 2, "y"),
        ("child", "child_z_c_fkey", 1, "z"),
        ("twice", "twice_x_c_fkey", 1, "x"),
    ]


def test_a_table_may_refer_to_itself(connection: Connection) -> None:
    for found in (
        keys.imported(connection, TableName(table="tree")),
        keys.exported(connection, TableName(table="tree")),
        keys.cross_reference(connection, TableName(table="tree"), TableName(table="tree")),
    ):
        assert rows(found, "pk_column_name", "fk_column_name") == [("id", "up")]


@pytest.mark.parametrize(
    ("parent", "foreign", "pairs"),
    [
        (TableName(table="q"), TableName(table="twice"), [("q", "twice")]),
        (TableName(table="Parent"), TableName(table="twice"), [("Parent", "twice")]),
        (TableName(table="q"), TableName(table="r"), [("q", "r")]),
        (TableName(schema="other", table="q"), TableName(schema="other", table="r"), [("q", "r")]),
        (TableName(schema="main", table="q"), TableName(table="r"), []),
        (TableName(table="q"), TableName(catalog="", table="r"), []),
        (TableName(table="twice"), TableName(table="q"), []),
        (TableName(table=_ODD), TableName(table=_ODD), [(_ODD, _ODD)]),
        (TableName(table="q"), TableName(table="loose"), []),
    ],
)  # fmt: skip
def test_a_cross_reference_is_between_two_tables(
    connection: Connection,
    parent: TableName,
    foreign: TableName,
    pairs: list[tuple[str, str]],
) -> None:
    found = keys.cross_reference(connection, parent, foreign)
    assert found.schema == schemas.FOREIGN_KEYS
    assert rows(found, "pk_table_name", "fk_table_name") == pairs


def test_columns_have_the_names_they_were_declared_with(connection: Connection) -> None:
    assert rows(keys.primary(connection, TableName(table="cased")), "column_name") == [("Id",)]
    found = keys.imported(connection, TableName(table="to_cased"))
    assert rows(found, "pk_table_name", "pk_column_name", "fk_column_name") == [
        ("cased", "Id", "Ref")
    ]


def test_two_keys_of_one_name_keep_their_targets(connection: Connection) -> None:
    found = keys.imported(connection, TableName(table="twice"))
    assert rows(found, "pk_table_name", "fk_key_name") == [
        ("Parent", "twice_x_c_fkey"),
        ("q", "twice_x_c_fkey"),
    ]
