"""Data from outside in DuckDB: with the types it says it has, and no others."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.intake import importable, says_more
from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.engine.types import Columns
from flightkeeper.flight_server.errors import InvalidArgument

_NEW = duckdb.__version__ >= "2"


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def column(array: Any, metadata: Any = None, name: str = "a") -> pa.Table:
    return pa.table([array], schema=pa.schema([pa.field(name, array.type, metadata=metadata)]))


def said(array: Any, name: str) -> pa.Table:
    """A column that says it is of a type."""
    return column(array, {TYPE_NAME: name.encode()})


def taken(duck: duckdb.DuckDBPyConnection, table: pa.Table) -> duckdb.DuckDBPyRelation:
    intake = importable(table.schema)
    batches = [intake.taken(batch) for batch in table.to_batches()]
    found = duck.from_arrow(pa.Table.from_batches(batches, intake.schema))
    return found.project(intake.selection)


def kind_of(duck: duckdb.DuckDBPyConnection, table: pa.Table) -> str:
    return str(taken(duck, table).types[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUGEINT", "99999999999999999999999999999999999999"),
        ("UHUGEINT", "340282366920938463463374607431768211455"),
        ("BIGNUM", "-123456789012345678901234567890123456789012345"),
        ("BIT", "'0101'"),
        ("UUID", "'12345678-1234-5678-1234-567812345678'"),
        ("JSON", """'{"a": [1]}'"""),
        ("TIME WITH TIME ZONE", "'23:59:59.999999-15:59:59'"),
        ("ENUM('b', 'a''c')", "'a''c'"),
        ("VARIANT", "{'a': [1, NULL]}"),
        ("GEOMETRY", "'POINT (1 2)'"),
        ("UUID[][2]", "[['12345678-1234-5678-1234-567812345678'], NULL]"),
        ('STRUCT(a BIT, "b c" MAP(HUGEINT, UUID[]))', "{'a': '1', 'b c': MAP {1: []}}"),
        ("UNION(a BIT, b UUID)", "union_value(a := '1'::BIT)"),
        *([("TUPLE(INTEGER, BIT)", "(1, '1'::BIT)")] if _NEW else []),
    ],
)  # fmt: skip
def test_a_result_goes_back_as_it_came(
    duck: duckdb.DuckDBPyConnection, name: str, value: str
) -> None:
    sent = duck.sql(f"SELECT ({value})::{name} AS a UNION ALL SELECT NULL ORDER BY a NULLS LAST")
    columns = Columns(sent.columns, sent.types)
    shown = sent.project(columns.selection() or "*").to_arrow_table()
    result = pa.Table.from_batches(shown.to_batches(), columns.named(shown.schema))
    back = taken(duck, result)
    assert list(map(str, back.types)) == [name]
    assert back.project("CAST(a AS VARCHAR)").fetchall() == (
        sent.project("CAST(a AS VARCHAR)").fetchall()
    )


@pytest.mark.parametrize(
    ("array", "name", "becomes"),
    [
        (pa.array([1], pa.int64()), "INTEGER", "BIGINT"),
        (pa.array(["x"]), "varchar(20)", "VARCHAR"),
        (pa.array(["x"]), "NUMBER", "VARCHAR"),
        (pa.array(["x"]), "INTEGER", "VARCHAR"),
        (pa.array(["x"]), "TYPE", "VARCHAR"),
        (pa.array(["x"]), "", "VARCHAR"),
        (pa.array(["x"]), "INTEGER; DROP TABLE t", "VARCHAR"),
        (pa.array(["x"]), "UUID) FROM t --", "VARCHAR"),
        (pa.array(["x"]), "INTEGER" + "[]" * 90, "VARCHAR"),
        (pa.array(["x"]), "INTEGER" + "[]" * 1000, "VARCHAR"),
        (pa.array(["x"]), "UUID" + " " * 5000, "VARCHAR"),
        (pa.array([None], pa.null()), '"NULL"', "INTEGER"),
        (pa.array([b"x"]), "UUID", "BLOB"),
        (pa.array([b"x"]), "GEOMETRY", "BLOB"),
        (pa.array([[1]]), "UUID[]", "BIGINT[]"),
    ],
)
def test_another_databases_words_are_ignored(
    duck: duckdb.DuckDBPyConnection, array: Any, name: str, becomes: str
) -> None:
    assert kind_of(duck, said(array, name)) == becomes
    assert not says_more(said(array, name).schema.field(0))


def test_a_name_that_is_not_text_is_ignored(duck: duckdb.DuckDBPyConnection) -> None:
    assert kind_of(duck, column(pa.array(["x"]), {TYPE_NAME: b"\xff"})) == "VARCHAR"


def test_values_must_be_of_the_type_they_claim(duck: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.ConversionException, match=r"UUID|INT128"):
        taken(duck, said(pa.array(["x"]), "UUID")).fetchall()


@pytest.mark.parametrize(
    ("metadata", "becomes"),
    [
        ({"ARROW:extension:name": "geoarrow.wkb"}, "GEOMETRY"),
        ({"ARROW:extension:name": "geoarrow.point"}, "BLOB"),
        ({"ARROW:extension:name": "duckdb.hugeint"}, "BLOB"),
        ({"anything": "else"}, "BLOB"),
    ],
)
def test_only_known_extensions_reach_duckdb(
    duck: duckdb.DuckDBPyConnection, metadata: dict[str, str], becomes: str
) -> None:
    point = bytes.fromhex("0101000000000000000000f03f0000000000000040")
    for kind in (pa.binary(), pa.binary_view()):
        table = column(pa.array([point], kind), metadata)
        assert kind_of(duck, table) == becomes
        assert says_more(table.schema.field(0)) == (becomes == "GEOMETRY")
        assert taken(duck, table).fetchall()


@pytest.mark.parametrize(
    ("array", "becomes"),
    [
        (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16], pa.binary(16))), "UUID"),
        (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["[1]"])), "JSON"),
        (pa.ExtensionArray.from_storage(pa.bool8(), pa.array([2], pa.int8())), "BOOLEAN"),
        (
            pa.ExtensionArray.from_storage(
                pa.opaque(pa.binary(16), "uhugeint", "DuckDB"), pa.array([b"x" * 16], pa.binary(16))
            ),
            "UHUGEINT",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrows_own_extensions_are_understood(
    duck: duckdb.DuckDBPyConnection, array: Any, becomes: str
) -> None:
    assert kind_of(duck, column(array)) == becomes
    nested = pa.ListArray.from_arrays([0, 1], array)
    assert kind_of(duck, column(nested)) == f"{becomes}[]"


def test_json_must_be_json(duck: duckdb.DuckDBPyConnection) -> None:
    array = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{no"]))
    with pytest.raises(duckdb.Error, match="Malformed JSON"):
        taken(duck, column(array)).fetchall()


def test_names_may_be_as_odd_as_they_come(duck: duckdb.DuckDBPyConnection) -> None:
    names = ['a "b', "#1", "ü𝄞", "select", "'"]
    table = pa.table({name: [number] for number, name in enumerate(names)})
    assert taken(duck, table).columns == names
    assert taken(duck, table).fetchall() == [(0, 1, 2, 3, 4)]


def test_errors_name_the_column_and_its_type() -> None:
    with pytest.raises(InvalidArgument, match=r"column 'a' of type struct<> cannot be taken"):
        importable(pa.schema([("b", pa.int8()), ("a", pa.struct([]))]))
    table = column(pa.array([2**62]).view(pa.timestamp("s")))
    intake = importable(table.schema)
    with pytest.raises(InvalidArgument, match=r"'a' of type timestamp\[s\] .* calendar"):
        intake.taken(table.to_batches()[0])
    table = column(pa.array([1], pa.duration("ns")))
    intake = importable(table.schema)
    with pytest.raises(InvalidArgument, match="would lose data"):
        intake.taken(table.to_batches()[0])
