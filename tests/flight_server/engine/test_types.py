"""Every type of DuckDB on the wire: its Arrow type, its extreme values, and its name."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import duckdb
import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine import types
from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.engine.types import Columns, presented
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.arrow_values import meaning
from tests.flight_server.wire_client import Served, WireClient

NEW = duckdb.__version__ >= "2"
_MAX = 2**63 - 1
_DAY_NS = 86_400_000_000_000
_ZONE = "Asia/Tokyo"

_NEW_TYPES: list[tuple[str, str, pa.DataType, dict[str, Any]]] = [
    (
        "TIMESTAMPTZ_NS",
        "TIMESTAMPTZ_NS",
        pa.timestamp("ns", _ZONE),
        {"'1970-01-01 09:00:00.000000001+09'": 1, "'infinity'": _MAX},
    ),
    (
        "TUPLE",
        "TUPLE(INTEGER, VARCHAR)",
        pa.struct([("element1", pa.int32()), ("element2", pa.string())]),
        {"(1, 'x')": (("element1", 1), ("element2", "x"))},
    ),
]

TYPES: list[tuple[str, str, pa.DataType, dict[str, Any]]] = [
    ("BOOLEAN", "BOOLEAN", pa.bool_(), {"true": True, "false": False}),
    ("TINYINT", "TINYINT", pa.int8(), {"-128": -128, "127": 127}),
    ("SMALLINT", "SMALLINT", pa.int16(), {"-32768": -(2**15), "32767": 2**15 - 1}),
    ("INTEGER", "INTEGER", pa.int32(), {"-2147483648": -(2**31), "2147483647": 2**31 - 1}),
    ("BIGINT", "BIGINT", pa.int64(), {"'-9223372036854775808'": -(2**63), f"{_MAX}": _MAX}),
    ("UTINYINT", "UTINYINT", pa.uint8(), {"0": 0, "255": 255}),
    ("USMALLINT", "USMALLINT", pa.uint16(), {"65535": 2**16 - 1}),
    ("UINTEGER", "UINTEGER", pa.uint32(), {"4294967295": 2**32 - 1}),
    ("UBIGINT", "UBIGINT", pa.uint64(), {"18446744073709551615": 2**64 - 1}),
    (
        "HUGEINT",
        "HUGEINT",
        pa.decimal128(38, 0),
        {f"'{n}'": Decimal(n) for n in (-(2**127), 2**127 - 1, 10**38 - 1, 0)},
    ),
    ("UHUGEINT", "UHUGEINT", pa.string(), {f"'{n}'": str(n) for n in (0, 2**128 - 1)}),
    ("BIGNUM", "BIGNUM", pa.string(), {f"'{n}'": str(n) for n in (-5, 0, 10**90 + 7)}),
    ("DECIMAL", "DECIMAL(4,1)", pa.decimal128(4, 1), {"-999.9": Decimal("-999.9")}),
    ("DECIMAL", "DECIMAL(38,0)", pa.decimal128(38, 0), {"'" + "9" * 38 + "'": Decimal("9" * 38)}),
    (
        "DECIMAL",
        "DECIMAL(38,38)",
        pa.decimal128(38, 38),
        {"'-0." + "9" * 38 + "'": Decimal("-0." + "9" * 38)},
    ),
    (
        "FLOAT",
        "FLOAT",
        pa.float32(),
        {"'nan'": "nan", "'-inf'": "-inf", "'-0.0'": "-0x0.0p+0", "0.1": "0x1.99999a0000000p-4"},
    ),
    (
        "DOUBLE",
        "DOUBLE",
        pa.float64(),
        {"'nan'": "nan", "'inf'": "inf", "5e-324": "0x0.0000000000001p-1022"},
    ),
    ("VARCHAR", "VARCHAR", pa.string(), {"''": "", "'ü𝄞'": "ü𝄞", "'a' || chr(0) || 'b'": "a\0b"}),
    (
        "VARCHAR",
        "JSON",
        pa.string(),
        {"""'{"a": [1, null]}'""": '{"a": [1, null]}', "'null'": "null"},
    ),
    ("BLOB", "BLOB", pa.binary(), {r"'\x00\xFF'::BLOB": b"\0\xff", "''::BLOB": b""}),
    ("BIT", "BIT", pa.string(), {"'0'": "0", "'101010101'": "101010101"}),
    (
        "UUID",
        "UUID",
        pa.string(),
        {
            f"'{u}'": u
            for u in (
                "0" * 8 + "-0000-0000-0000-" + "0" * 12,
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            )
        },
    ),
    (
        "DATE",
        "DATE",
        pa.date32(),
        {
            "'1970-01-02'": 1,
            "'infinity'": 2**31 - 1,
            "'-infinity'": -(2**31) + 1,
            "'5877642-06-25 (BC)'": -(2**31) + 2,
            "'5881580-07-10'": 2**31 - 2,
        },
    ),
    (
        "TIME",
        "TIME",
        pa.time64("us"),
        {"'00:00:00.000001'": 1000, "'23:59:59.999999'": _DAY_NS - 1000, "'24:00:00'": _DAY_NS},
    ),
    (
        "TIME_NS",
        "TIME_NS",
        pa.time64("ns"),
        {"'00:00:00.000000001'": 1, "'23:59:59.999999999'": _DAY_NS - 1},
    ),
    (
        "TIME WITH TIME ZONE",
        "TIME WITH TIME ZONE",
        pa.string(),
        {f"'{t}'": t for t in ("00:00:00+15:59:59", "23:59:59.999999-15:59:59", "24:00:00+05:30")},
    ),
    (
        "TIMESTAMP",
        "TIMESTAMP",
        pa.timestamp("us"),
        {
            "'1970-01-01 00:00:00.000001'": 1000,
            "'infinity'": _MAX,
            "'-infinity'": -_MAX,
            "'290309-12-22 (BC)'": -9_223_372_022_400_000_000_000,
            "'294247-01-10 04:00:54.775806'": (_MAX - 1) * 1000,
        },
    ),
    (
        "TIMESTAMP_S",
        "TIMESTAMP_S",
        pa.timestamp("s"),
        {"'1969-12-31 23:59:59'": -1_000_000_000, "'infinity'": _MAX},
    ),
    (
        "TIMESTAMP_MS",
        "TIMESTAMP_MS",
        pa.timestamp("ms"),
        {"'1970-01-01 00:00:00.001'": 1_000_000, "'-infinity'": -_MAX},
    ),
    (
        "TIMESTAMP_NS",
        "TIMESTAMP_NS",
        pa.timestamp("ns"),
        {
            "'1970-01-01 00:00:00.000000001'": 1,
            "'1677-09-22'": -9_223_286_400_000_000_000,
            "'2262-04-11 23:47:16.854775806'": _MAX - 1,
        },
    ),
    (
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMP WITH TIME ZONE",
        pa.timestamp("us", _ZONE),
        {"'1970-01-01 09:00:00+09'": 0, "'infinity'": _MAX},
    ),
    (
        "INTERVAL",
        "INTERVAL",
        pa.month_day_nano_interval(),
        {
            "'1 year -2 days 3.000001 seconds'": (12, -2, 3_000_001_000),
            "'-178956970 years'": (-2147483640, 0, 0),
        },
    ),
    ("ENUM", "ENUM('b', 'a')", pa.dictionary(pa.uint8(), pa.string()), {"'a'": "a", "'b'": "b"}),
    ("LIST", "INTEGER[]", pa.list_(pa.field("l", pa.int32())), {"[1, NULL]": [1, None], "[]": []}),
    (
        "LIST",
        "UUID[][]",
        pa.list_(pa.field("l", pa.list_(pa.field("l", pa.string())))),
        {
            "[['00000000-0000-0000-0000-000000000000'], NULL]": [
                ["00000000-0000-0000-0000-000000000000"],
                None,
            ]
        },
    ),
    ("LIST", "BIT[]", pa.list_(pa.field("l", pa.string())), {"['101', NULL]": ["101", None]}),
    ("ARRAY", "UHUGEINT[2]", pa.list_(pa.field("", pa.string()), 2), {"[1, NULL]": ["1", None]}),
    (
        "STRUCT",
        'STRUCT(a HUGEINT, "b ""c" BIT)',
        pa.struct([("a", pa.decimal128(38, 0)), ('b "c', pa.string())]),
        {"{'a': 1, 'b \"c': '1'}": (("a", Decimal(1)), ('b "c', "1"))},
    ),
    (
        "STRUCT",
        "STRUCT(a INTEGER, b ENUM('x'))",
        pa.struct([("a", pa.int32()), ("b", pa.dictionary(pa.uint8(), pa.string()))]),
        {"{'a': NULL, 'b': 'x'}": (("a", None), ("b", "x"))},
    ),
    (
        "MAP",
        "MAP(UHUGEINT, TIME WITH TIME ZONE)",
        pa.map_(pa.string(), pa.string()),
        {"MAP {1: '01:00:00+00'}": [("1", "01:00:00+00")], "MAP {}": []},
    ),
    (
        "UNION",
        "UNION(n INTEGER, s BIT)",
        pa.sparse_union([pa.field("n", pa.int32()), pa.field("s", pa.string())]),
        {"union_value(n := 7)": ("n", 7), "union_value(s := '10'::BIT)": ("s", "10")},
    ),
    (
        "VARIANT",
        "VARIANT",
        pa.string(),
        {
            "{'a': [1, NULL], 'b': DATE '2024-02-29'}": '{"a":[1,null],"b":"2024-02-29"}',
            "42": "42",
            "'x'": '"x"',
        },
    ),
    (
        "GEOMETRY",
        "GEOMETRY",
        pa.binary(),
        {"'POINT (1 2)'": bytes.fromhex("0101000000000000000000f03f0000000000000040")},
    ),
    *(_NEW_TYPES if NEW else []),
]
"""Logical type, name of a type, its Arrow type, and values as SQL and by their meaning."""


def statement(name: str, values: dict[str, Any]) -> str:
    """A query for the values in order, and NULL."""
    rows = ", ".join(f"({number}, ({text})::{name})" for number, text in enumerate(values))
    return f"SELECT v FROM (VALUES {rows}, ({len(values)}, NULL)) t(n, v) ORDER BY n"


@pytest.fixture(scope="module")
def driver(served: Served) -> Iterator[Any]:
    options = {"username": "stock", "password": ""}
    with adbc.connect(served.location, db_kwargs=options, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SET TimeZone = '{_ZONE}'")
        yield connection


def test_the_table_has_every_type_of_this_version() -> None:
    there = duckdb.sql("SELECT DISTINCT logical_type FROM duckdb_types()").fetchall()
    known = {logical for logical, *_ in TYPES}
    assert {name for (name,) in there} == known | {"TYPE", "NULL"}


@pytest.mark.parametrize(
    ("name", "kind", "values"), [case[1:] for case in TYPES], ids=[case[1] for case in TYPES]
)
def test_a_type_and_its_values_reach_every_client(
    client: WireClient, driver: Any, name: str, kind: pa.DataType, values: dict[str, Any]
) -> None:
    client.update(f"SET TimeZone = '{_ZONE}'")
    query = statement(name, values)
    plan = client.plan(query)
    table = client.fetch(plan)
    assert plan.schema.equals(table.schema, check_metadata=True)
    assert table.schema.field("v").type == kind
    assert table.schema.field("v").nullable
    assert (table.schema.field("v").metadata or {})[TYPE_NAME].decode() == name
    assert meaning(table["v"]) == [*values.values(), None]
    with driver.cursor() as cursor:
        by_driver = cursor.execute(query).fetch_arrow_table()
    assert by_driver.schema.equals(table.schema, check_metadata=True)
    assert meaning(by_driver["v"]) == meaning(table["v"])
    assert client.schema(sql.CommandStatementQuery(query=query)) == table.schema


def columns_of(query: str) -> Columns:
    relation = duckdb.sql(query)
    return Columns(relation.columns, relation.types)


def test_what_arrow_has_is_left_alone() -> None:
    columns = columns_of("SELECT 1 AS a, {'BIT': [1]} AS b, 'x'::ENUM('x', 'VARIANT') AS c")
    assert columns.selection() is None


def test_only_what_arrow_has_not_is_converted() -> None:
    columns = columns_of("""SELECT 1 AS "a ""b", 1::UHUGEINT AS a, [{'x y': '1'::BIT}] AS a""")
    assert columns.selection() == (
        """#1 AS "a ""b", CAST(#2 AS VARCHAR) AS "a", CAST(#3 AS STRUCT("x y" VARCHAR)[]) AS "a\""""
    )


def test_an_enum_with_many_values_is_sent_as_text(client: WireClient) -> None:
    members = ", ".join(f"'value number {number:05}'" for number in range(5000))
    client.update(f"CREATE TYPE many AS ENUM ({members})")
    table = client.query(
        "SELECT 'value number 04999'::many AS v, ['value number 00001'::many] AS w"
    )
    assert table.schema.types == [pa.string(), pa.list_(pa.field("w", pa.string()))]
    assert table.to_pylist() == [{"v": "value number 04999", "w": ["value number 00001"]}]
    assert [(field.metadata or {})[TYPE_NAME] for field in table.schema] == [b"ENUM", b"ENUM"]
    client.update("DROP TYPE many")


def test_fields_without_names_get_some(client: WireClient) -> None:
    table = client.query("SELECT row(1, 'x') AS v")
    assert table.to_pylist() == [{"v": {"element1": 1, "element2": "x"}}]


def test_a_type_is_shown_as_text(client: WireClient) -> None:
    assert client.query("SELECT get_type(1) AS v").to_pylist() == [{"v": "INTEGER"}]


@pytest.mark.parametrize("column", ["i", "i::UHUGEINT", "'x'::ENUM('x')", "['x'::ENUM('x', 'y')]"])
def test_a_long_result_has_the_announced_schema_and_every_row(
    client: WireClient, column: str
) -> None:
    plan = client.plan(f"SELECT i, {column} AS v FROM range(300000) t(i) ORDER BY i")
    table = client.fetch(plan)
    assert plan.schema.equals(table.schema, check_metadata=True)
    assert table["i"].to_pylist() == list(range(300_000))
    assert table["v"].null_count == 0


def test_answers_of_changes_are_converted_and_applied_once(client: WireClient) -> None:
    client.update("CREATE TEMP TABLE changed (b BIT, u UHUGEINT)")
    insert = "INSERT INTO changed VALUES ('101', 7), ('1', NULL) RETURNING *"
    assert client.query(insert).to_pylist() == [{"b": "101", "u": "7"}, {"b": "1", "u": None}]
    assert client.query("FROM changed").to_pylist() == [
        {"b": "101", "u": "7"},
        {"b": "1", "u": None},
    ]


def test_the_schema_cache_keeps_no_long_names() -> None:
    name = f"STRUCT({', '.join(f'a{number} INTEGER' for number in range(1000))})"
    columns = columns_of(f"SELECT NULL::{name} AS a")
    (field,) = columns.named(pa.schema([("a", pa.int32())]))
    assert (field.metadata or {})[TYPE_NAME] == b"STRUCT"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("BIT[][2]", "VARCHAR[][2]"),
        ("MAP(BIT, INTEGER)", "MAP(VARCHAR, INTEGER)"),
        ("UNION(a BIT, b INTEGER)", 'UNION("a" VARCHAR, "b" INTEGER)'),
        ("STRUCT(a VARIANT, b TIMETZ)", 'STRUCT("a" JSON, "b" VARCHAR)'),
        ("DECIMAL(9,2)", "DECIMAL(9,2)"),
    ],
)
def test_a_type_is_rewritten_in_its_depth(name: str, shown: str) -> None:
    assert presented(duckdb.sqltype(name)) == shown


def test_ids_name_a_type_and_all_its_parts() -> None:
    assert types.ids(duckdb.sqltype("STRUCT(a BIT[], b UNION(c UUID))")) == {
        "struct",
        "list",
        "bit",
        "union",
        "uuid",
    }
