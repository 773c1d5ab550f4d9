"""What drivers learn of types: the natural one first, literals that DuckDB reads."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine import catalog, type_info
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flightsql import xdbc
from flightkeeper.flightsql.xdbc import DataType, Searchable, Subcode, TypeInfo

_NATURAL = {
    DataType.BIT: "BOOLEAN",
    DataType.TINYINT: "TINYINT",
    DataType.SMALLINT: "SMALLINT",
    DataType.INTEGER: "INTEGER",
    DataType.BIGINT: "BIGINT",
    DataType.DECIMAL: "DECIMAL",
    DataType.NUMERIC: "NUMERIC",
    DataType.REAL: "FLOAT",
    DataType.DOUBLE: "DOUBLE",
    DataType.CHAR: "CHAR",
    DataType.VARCHAR: "VARCHAR",
    DataType.LONGVARCHAR: "JSON",
    DataType.VARBINARY: "BLOB",
    DataType.DATE: "DATE",
    DataType.TIME: "TIME",
    DataType.TIMESTAMP: "TIMESTAMP",
    DataType.INTERVAL: "INTERVAL",
}
_VALUES = {
    "DATE": "2020-01-02",
    "TIME": "04:05:06",
    "TIMESTAMP": "2020-01-02 04:05:06",
    "INTERVAL": "1 day",
    "UUID": "00000000-0000-0000-0000-000000000001",
    "JSON": '{"a": 1}',
    "BLOB": r"\xAB",
    "BIT": "0101",
    "BIGNUM": "12345678901234567890123456789012345678901234567890",
}


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    yield made
    made.close()
    database.close()


@pytest.fixture(scope="module")
def known(connection: Connection) -> dict[str, TypeInfo]:
    found = type_info.types(catalog.type_names(connection))
    assert len({kind.type_name for kind in found}) == len(found)
    return {kind.type_name: kind for kind in found}


def test_every_type_of_a_column_is_among_them(
    connection: Connection, known: dict[str, TypeInfo]
) -> None:
    described = connection.rows("DESCRIBE SELECT * FROM test_all_types()")
    kinds = {type_info.of_column(str(row[1])).type_name for row in described}
    assert kinds - {"LIST", "ARRAY"} <= known.keys()
    assert not {"NULL", "TYPE"} & known.keys()


def test_the_first_type_of_a_number_is_the_natural_one(known: dict[str, TypeInfo]) -> None:
    rows = xdbc.table(known.values()).to_pylist()
    first: dict[object, object] = {}
    for row in rows:
        first.setdefault(row["data_type"], row["type_name"])
    first.pop(DataType.UNKNOWN)
    assert first == _NATURAL


def test_every_name_makes_a_column(connection: Connection, known: dict[str, TypeInfo]) -> None:
    arguments = {
        "ENUM": "ENUM('a')",
        "LIST": "INT[]",
        "ARRAY": "INT[2]",
        "STRUCT": "STRUCT(a INT)",
        "MAP": "MAP(INT, INT)",
        "UNION": "UNION(a INT)",
        "TUPLE": "TUPLE(INT)",
    }
    for name in known:
        connection.command(f"CREATE OR REPLACE TABLE made (a {arguments.get(name, name)})")
        connection.command("DROP TABLE made")


def test_literals_are_of_their_type(connection: Connection, known: dict[str, TypeInfo]) -> None:
    for kind in known.values():
        if kind.literal_prefix is None or kind.type_name in ("CHAR", "ENUM", "VARCHAR"):
            continue
        value = _VALUES.get(kind.type_name) or _VALUES.get(kind.data_type.name, "")
        literal = f"{kind.literal_prefix}{value}{kind.literal_suffix}"
        assert connection.rows(f"SELECT typeof({literal})") == [(kind.type_name,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INTEGER", ("INTEGER", 4, 10, 0, False)),
        ("UBIGINT", ("UBIGINT", -5, 20, 0, False)),
        ("DECIMAL(10,2)", ("DECIMAL", 3, 10, 2, False)),
        ("VARCHAR", ("VARCHAR", 12, None, None, True)),
        ("ENUM('a', 'b(')", ("ENUM", 1, None, None, True)),
        ("TIMESTAMP_MS", ("TIMESTAMP_MS", 93, 23, 3, False)),
        ("TIMESTAMP WITH TIME ZONE", ("TIMESTAMP WITH TIME ZONE", 93, 32, 6, False)),
        ("DECIMAL(10,2)[]", ("LIST", 0, None, None, False)),
        ("INTEGER[3]", ("LIST", 0, None, None, False)),
        ("STRUCT(a DECIMAL(10,2))", ("STRUCT", 0, None, None, False)),
        ("OF_AN_EXTENSION", ("OF_AN_EXTENSION", 0, None, None, False)),
    ],
)
def test_a_column_is_described_by_the_text_of_its_type(
    text: str, expected: tuple[object, ...]
) -> None:
    kind = type_info.of_column(text)
    assert (
        kind.type_name,
        kind.data_type,
        kind.column_size,
        kind.maximum_scale,
        kind.case_sensitive,
    ) == expected


def test_numbers_say_how_their_size_is_counted(known: dict[str, TypeInfo]) -> None:
    assert (known["FLOAT"].column_size, known["FLOAT"].num_prec_radix) == (24, 2)
    assert (known["DOUBLE"].column_size, known["DOUBLE"].num_prec_radix) == (53, 2)
    assert known["INTEGER"].num_prec_radix == 10
    assert known["VARCHAR"].num_prec_radix is None
    assert known["UINTEGER"].unsigned_attribute is True
    assert known["INTEGER"].unsigned_attribute is False
    assert known["VARCHAR"].unsigned_attribute is None
    assert known["DECIMAL"].create_params == ("precision", "scale")


def test_dates_and_times_share_a_generic_type(known: dict[str, TypeInfo]) -> None:
    rows = {row["type_name"]: row for row in xdbc.table(known.values()).to_pylist()}
    for name, subcode in (
        ("DATE", Subcode.DATE),
        ("TIME", Subcode.TIME),
        ("TIME WITH TIME ZONE", Subcode.TIME_WITH_TIMEZONE),
        ("TIMESTAMP_NS", Subcode.TIMESTAMP),
        ("TIMESTAMP WITH TIME ZONE", Subcode.TIMESTAMP_WITH_TIMEZONE),
    ):
        assert (rows[name]["sql_data_type"], rows[name]["datetime_subcode"]) == (9, subcode)
    assert rows["INTERVAL"]["sql_data_type"] == DataType.INTERVAL


def test_like_takes_texts_only(connection: Connection, known: dict[str, TypeInfo]) -> None:
    assert known["VARCHAR"].searchable is Searchable.FULL
    assert known["UUID"].searchable is Searchable.BASIC
    connection.rows("SELECT 'a'::ENUM('a') LIKE 'a', '1'::JSON LIKE '1'")
