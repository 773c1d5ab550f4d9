"""Values for binding: DuckDB gets what Arrow said, in value and in type."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from flightkeeper.flight_server.engine.type_info import TYPE_NAME
from flightkeeper.flight_server.engine.values import bindable, exact
from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.any_arrow import made

_MAX = 2**63 - 1


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def bound(duck: duckdb.DuckDBPyConnection, array: Any, metadata: Any = None) -> Any:
    """Type and text of each value, as DuckDB has it once it is bound."""
    field = pa.field("a", array.type, metadata=metadata)
    rows = bindable(pa.Table.from_arrays([array], schema=pa.schema([field])))
    values = [exact([row["a"]])[0] for row in rows]
    query = "SELECT typeof($1), $1::VARCHAR"
    return [duck.execute(query, [value]).fetchone() for value in values]


def ticks(kind: Any, *numbers: int) -> Any:
    return pa.array(numbers, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)


@pytest.mark.parametrize(
    ("array", "name", "texts"),
    [
        (pa.array([True, False]), "BOOLEAN", ["true", "false"]),
        (pa.array([-128, 127], pa.int8()), "TINYINT", ["-128", "127"]),
        (pa.array([1], pa.int16()), "SMALLINT", ["1"]),
        (pa.array([1], pa.int32()), "INTEGER", ["1"]),
        (pa.array([1, _MAX]), "BIGINT", ["1", str(_MAX)]),
        (pa.array([1], pa.uint8()), "UTINYINT", ["1"]),
        (pa.array([1], pa.uint16()), "USMALLINT", ["1"]),
        (pa.array([1], pa.uint32()), "UINTEGER", ["1"]),
        (pa.array([2**64 - 1], pa.uint64()), "UBIGINT", [str(2**64 - 1)]),
        (pa.array([float("nan"), -0.0, 0.1], pa.float32()), "FLOAT", ["nan", "-0.0", "0.1"]),
        (pa.array([float("nan"), float("-inf")]), "DOUBLE", ["nan", "-inf"]),
        (pa.array(["", "a\0b", "ü𝄞"]), "VARCHAR", ["", "a\0b", "ü𝄞"]),
        (pa.array([b"\0\xff", b""], pa.binary_view()), "BLOB", [r"\x00\xFF", ""]),
        (pa.array([b"ab"], pa.binary(2)), "BLOB", ["ab"]),
        (pa.array([Decimal("1.50")]), "DECIMAL(3,2)", ["1.50"]),
        (pa.array([Decimal("-0." + "9" * 38)]), "DECIMAL(38,38)", ["-." + "9" * 38]),
        (ticks(pa.date32(), 0, 2**31 - 1), "DATE", ["1970-01-01", "infinity"]),
        (ticks(pa.time32("ms"), 1), "TIME", ["00:00:00.001"]),
        (ticks(pa.time64("ns"), 1), "TIME_NS", ["00:00:00.000000001"]),
        (ticks(pa.timestamp("s"), -1, _MAX), "TIMESTAMP_S", ["1969-12-31 23:59:59", "infinity"]),
        (ticks(pa.timestamp("ms"), 1), "TIMESTAMP_MS", ["1970-01-01 00:00:00.001"]),
        (ticks(pa.timestamp("us"), 1), "TIMESTAMP", ["1970-01-01 00:00:00.000001"]),
        (ticks(pa.timestamp("us"), -_MAX), "TIMESTAMP", ["-infinity"]),
        (ticks(pa.timestamp("ns"), 1), "TIMESTAMP_NS", ["1970-01-01 00:00:00.000000001"]),
        (
            ticks(pa.timestamp("s", "Nowhere/At all"), 1),
            "TIMESTAMP WITH TIME ZONE",
            ["1970-01-01 00:00:01+00"],
        ),
        (
            ticks(pa.timestamp("us", "-03:00"), _MAX, -62_135_596_800_000_001),
            "TIMESTAMP WITH TIME ZONE",
            ["infinity", "0001-12-31 (BC) 23:59:59.999999+00"],
        ),
        (pa.array([5], pa.duration("s")), "INTERVAL", ["00:00:05"]),
        (
            pa.array([(14, -3, 1000)], pa.month_day_nano_interval()),
            "INTERVAL",
            ["1 year 2 months -3 days 00:00:00.000001"],
        ),
        (pa.array(["a"]).dictionary_encode(), "VARCHAR", ["a"]),
        (pa.array([[1, None], []], pa.list_(pa.int8())), "TINYINT[]", ["[1, NULL]", "[]"]),
        (pa.array([[None, None]], pa.list_(pa.int8(), 2)), "TINYINT[2]", ["[NULL, NULL]"]),
        (pa.array([[], [None]]), '"NULL"[]', ["[]", "[NULL]"]),
        (
            made(pa.struct([("a", pa.date32()), ("b", pa.string())]), [(None, "NULL")]),
            "STRUCT(a DATE, b VARCHAR)",
            ["{'a': NULL, 'b': 'NULL'}"],
        ),
        (pa.array([[]], pa.map_(pa.int8(), pa.uint8())), "MAP(TINYINT, UTINYINT)", ["{}"]),
        (made(pa.uuid(), [b"\0" * 16]), "UUID", ["00000000-0000-0000-0000-000000000000"]),
        (made(pa.json_(), ["[1]"]), "JSON", ["[1]"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else None,
)
def test_a_value_is_bound_as_what_it_is(
    duck: duckdb.DuckDBPyConnection, array: Any, name: str, texts: list[str]
) -> None:
    assert bound(duck, array) == [(name, text) for text in texts]


@pytest.mark.parametrize(
    "kind", [pa.null(), pa.int8(), pa.int64(), pa.string(), pa.uuid()], ids=str
)
def test_null_is_null_of_no_type(duck: duckdb.DuckDBPyConnection, kind: Any) -> None:
    assert bound(duck, made(kind, [None])) == [('"NULL"', None)]


def test_brackets_and_quotes_in_nested_texts_do_no_harm(duck: duckdb.DuckDBPyConnection) -> None:
    odd = ["]", "}", "'", '"', "\\", "[{(", "NULL", "", " x ", "a,b=c:d", "\n\0"]
    lists = pa.array([[[text, "y"], None] for text in odd])
    structs = pa.array([{"k": [{"v": text}]} for text in odd])
    maps = pa.array([[(text, [text])] for text in odd], pa.map_(pa.string(), pa.list_(pa.string())))
    arrays: list[Any] = [lists, structs, maps]
    for array in arrays:
        rows = bindable(pa.table({"a": array}))
        back = [duck.execute("SELECT ?", [row["a"]]).fetchone() for row in rows]
        plain = [
            (dict(v) if isinstance(v, list) and array is maps else v,) for v in array.to_pylist()
        ]
        assert back == plain


def test_a_union_is_bound_as_the_value_it_holds(duck: duckdb.DuckDBPyConnection) -> None:
    kind = pa.dense_union([pa.field("it's", pa.int8()), pa.field("b", pa.list_(pa.string()))])
    array = made(kind, [(0, 1), (1, ["x"]), (0, None)])
    assert bound(duck, array) == [("TINYINT", "1"), ("VARCHAR[]", "[x]"), ('"NULL"', None)]
    duck.execute("""CREATE TABLE t (a UNION("it's" TINYINT, b VARCHAR[]))""")
    for row in bindable(pa.table({"a": array})):
        duck.execute("INSERT INTO t VALUES (?)", [row["a"]])
    assert duck.execute("SELECT union_tag(a)::VARCHAR FROM t").fetchall() == [
        ("it's",),
        ("b",),
        (None,),
    ]


def test_a_union_inside_of_something_is_refused() -> None:
    union = pa.sparse_union([pa.field("a", pa.int8()), pa.field("b", pa.int8())])
    with pytest.raises(InvalidArgument, match="load it into a table"):
        bindable(pa.table({"a": made(pa.list_(union), [[(1, 1)]])}))


@pytest.mark.parametrize(
    ("array", "name", "became"),
    [
        (pa.array(["101"]), "BIT", ("BIT", "101")),
        (pa.array(["5"]), "UHUGEINT", ("UHUGEINT", "5")),
        (pa.array([Decimal(5)], pa.decimal128(38, 0)), "HUGEINT", ("HUGEINT", "5")),
        (pa.array(["x"]).dictionary_encode(), "ENUM('x', 'y')", ("ENUM('x', 'y')", "x")),
        (pa.array([["1"]]), "BIT[]", ("BIT[]", "[1]")),
        (pa.array(['{"a":1}']), "VARIANT", ("JSON", '{"a":1}')),
        (pa.array([5]), "INTEGER", ("BIGINT", "5")),
    ],
)
def test_what_a_column_says_of_itself_counts(
    duck: duckdb.DuckDBPyConnection, array: Any, name: str, became: tuple[str, str]
) -> None:
    assert bound(duck, array, {TYPE_NAME: name.encode()}) == [became]


def test_geometry_is_bound_as_geometry(duck: duckdb.DuckDBPyConnection) -> None:
    point = pa.array([bytes.fromhex("0101000000000000000000f03f0000000000000040")])
    metadata = {"ARROW:extension:name": "geoarrow.wkb"}
    assert bound(duck, point, metadata) == [("GEOMETRY", "POINT (1 2)")]


def test_rows_keep_the_order_of_columns_and_rows() -> None:
    table = pa.table({"b": [1, 2], "a": [[1], None], "c": ["x", None]})
    first, second = bindable(table)
    assert list(first) == ["b", "a", "c"]
    assert (first["b"], first["c"]) == (1, "x")
    assert (second["b"], second["a"], second["c"]) == (2, None, None)
    assert bindable(table.slice(0, 0)) == []


def test_columns_of_one_name_are_told_apart() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    assert bindable(table) == [{"0": 1, "1": 2}]


@pytest.mark.parametrize("kind", [pa.int8(), pa.struct([("zz", pa.int8())])], ids=str)
def test_names_that_are_not_text_are_refused(kind: Any) -> None:
    sink = pa.BufferOutputStream()
    name = "zz" if kind == pa.int8() else "a"
    batch = pa.record_batch([made(kind, [None])], names=[name])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    odd = sink.getvalue().to_pybytes().replace(b"zz", b"\xff\xff")
    with pytest.raises(InvalidArgument, match="is not UTF-8; nothing was run"):
        bindable(pa.ipc.open_stream(odd).read_all())


def test_plain_numbers_are_bigints_where_that_is_asked_for() -> None:
    (number, flag, text) = exact([5, True, "x"])
    assert (number.object, str(number.type), flag, text) == (5, "BIGINT", True, "x")
    assert exact({"a": 5})["a"].object == 5
    assert exact(()) == []
