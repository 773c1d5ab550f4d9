"""The stock ADBC driver: results of every type, in every form it hands them out, and in parts."""

import datetime as dt
import decimal
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest
from adbc_driver_flightsql import StatementOptions

from tests.conformance.conftest import Pair, connect

TOOL = "ADBC DB-API (Python)"
types = pytest.mark.tool(TOOL, "results of every type")
forms = pytest.mark.tool(TOOL, "results as rows, Arrow, pandas and polars")
partitions = pytest.mark.tool(TOOL, "partitions, which any node delivers")
incremental = pytest.mark.tool(
    TOOL, "incremental execution", limit="Arrow's server for Python has no PollFlightInfo"
)

moment = dt.datetime.fromisoformat
interval: Any = pa.MonthDayNano
VALUES: list[tuple[str, pa.DataType, object]] = [
    ("true", pa.bool_(), True),
    ("(-128)::TINYINT", pa.int8(), -128),
    ("255::UTINYINT", pa.uint8(), 255),
    ("(-32768)::SMALLINT", pa.int16(), -32768),
    ("65535::USMALLINT", pa.uint16(), 65535),
    ("(-2147483648)::INTEGER", pa.int32(), -(2**31)),
    ("4294967295::UINTEGER", pa.uint32(), 2**32 - 1),
    ("9223372036854775807::BIGINT", pa.int64(), 2**63 - 1),
    ("18446744073709551615::UBIGINT", pa.uint64(), 2**64 - 1),
    ("1.5::FLOAT", pa.float32(), 1.5),
    ("1e300::DOUBLE", pa.float64(), 1e300),
    ("'-inf'::DOUBLE", pa.float64(), float("-inf")),
    ("123456789.01::DECIMAL(11,2)", pa.decimal128(11, 2), decimal.Decimal("123456789.01")),
    ("repeat('9', 38)::DECIMAL(38,0)", pa.decimal128(38, 0), decimal.Decimal("9" * 38)),
    ("'äöü 🦆'", pa.string(), "äöü 🦆"),
    (r"'\x00\xFF'::BLOB", pa.binary(), b"\x00\xff"),
    ("'x'::ENUM('x', 'y')", pa.dictionary(pa.uint8(), pa.string()), "x"),
    ("DATE '0001-01-01'", pa.date32(), dt.date(1, 1, 1)),
    ("TIME '23:59:59.999999'", pa.time64("us"), dt.time(23, 59, 59, 999999)),
    ("TIMESTAMP_S '2024-02-29 01:02:03'", pa.timestamp("s"), moment("2024-02-29T01:02:03")),
    ("TIMESTAMP_MS '1969-12-31 23:59:59'", pa.timestamp("ms"), moment("1969-12-31T23:59:59")),
    ("TIMESTAMP '2024-02-29 01:02:03.4'", pa.timestamp("us"), moment("2024-02-29T01:02:03.400")),
    ("TIMESTAMP_NS '2024-02-29 01:02:03.4'", pa.timestamp("ns"), moment("2024-02-29T01:02:03.4")),
    (
        "INTERVAL '1 month 2 days 3 seconds'",
        pa.month_day_nano_interval(),
        interval([1, 2, 3_000_000_000]),
    ),
    ("[1, NULL, 3]", pa.list_(pa.int32()), [1, None, 3]),
    ("[['a'], []]", pa.list_(pa.list_(pa.string())), [["a"], []]),
    ("array_value(1.5, 2.5)::DOUBLE[2]", pa.list_(pa.float64(), 2), [1.5, 2.5]),
    ("{'a': 1, 'b': 'x'}", pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": "x"}),
    ("MAP {'k': 1}", pa.map_(pa.string(), pa.int32()), [("k", 1)]),
    ("NULL::INTEGER", pa.int32(), None),
]


@types
@pytest.mark.parametrize(
    ("expression", "kind", "value"), VALUES, ids=[expression for expression, *_ in VALUES]
)
def test_a_value_arrives_with_its_type(
    cursor: Any, expression: str, kind: pa.DataType, value: object
) -> None:
    table = cursor.execute(f"SELECT {expression} AS a").fetch_arrow_table()
    assert table["a"].to_pylist() == [value]
    # Names of the fields inside lists are nobody's business.
    assert table["a"].type == kind or str(table["a"].type).replace("l:", "item:") == str(kind)


@types
def test_moments_with_a_zone_are_the_same_moment_in_any_zone(cursor: Any) -> None:
    statement = "SELECT TIMESTAMPTZ '2024-02-29 12:00:00+02' AS a"
    before = cursor.execute(statement).fetch_arrow_table()["a"]
    cursor.execute("SET TimeZone = 'Asia/Tokyo'")
    after = cursor.execute(statement).fetch_arrow_table()["a"]
    assert after.type == pa.timestamp("us", "Asia/Tokyo")
    assert before.to_pylist() == after.to_pylist() == [moment("2024-02-29T10:00:00+00:00")]


@types
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'12345678-1234-5678-1234-567812345678'::UUID", "12345678-1234-5678-1234-567812345678"),
        ("(2::HUGEINT ** 100)::HUGEINT", str(2**100)),
        ("""'{"a": [1, null]}'::JSON""", '{"a": [1, null]}'),
    ],
)
def test_values_of_duckdbs_own_types_arrive_readable(
    cursor: Any, expression: str, text: str
) -> None:
    assert str(cursor.execute(f"SELECT {expression}").fetchone()[0]) == text


@forms
def test_rows_come_one_by_one_in_portions_and_all_that_are_left(cursor: Any) -> None:
    cursor.execute("SELECT range AS a FROM range(10000)")
    cursor.arraysize = 3
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany() == [(1,), (2,), (3,)]
    assert cursor.fetchmany(2) == [(4,), (5,)]
    assert next(cursor) == (6,)
    assert cursor.rownumber == 7
    assert cursor.fetchall() == [(number,) for number in range(7, 10000)]
    assert cursor.fetchone() is None
    assert cursor.fetchmany(5) == cursor.fetchall() == []


@forms
def test_a_cursor_is_an_iterator(cursor: Any) -> None:
    cursor.execute("SELECT range AS a FROM range(5000)")
    assert sum(a for (a,) in cursor) == 12_497_500


@forms
def test_a_result_can_be_a_stream_of_batches(cursor: Any) -> None:
    cursor.execute("SELECT range AS a FROM range(300000)")
    reader = cursor.fetch_record_batch()
    assert reader.schema == pa.schema([("a", pa.int64())])
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1


@forms
@pytest.mark.parametrize("rows", [0, 1, 200_000])
def test_a_result_can_be_a_data_frame(cursor: Any, rows: int) -> None:
    cursor.execute("SELECT range AS a, range % 3 = 0 AS b FROM range(?)", (rows,))
    frame = cursor.fetch_df()
    assert list(frame.columns) == ["a", "b"]
    assert (len(frame), frame["a"].sum()) == (rows, rows * (rows - 1) // 2)
    cursor.execute("SELECT range AS a, range % 3 = 0 AS b FROM range(?)", (rows,))
    polars = cursor.fetch_polars()
    assert dict(polars.schema) == {"a": polars.schema["a"], "b": polars.schema["b"]}
    assert (polars.height, polars["a"].sum()) == (rows, rows * (rows - 1) // 2)


@forms
def test_wide_and_long_results_are_whole(cursor: Any) -> None:
    columns = ", ".join(f"range + {number} AS c{number}" for number in range(200))
    table = cursor.execute(f"SELECT {columns} FROM range(20000)").fetch_arrow_table()
    assert (table.num_rows, table.num_columns) == (20_000, 200)
    assert table["c199"].to_pylist() == list(range(199, 20_199))


@forms
def test_rows_bigger_than_a_message_may_be_arrive(cursor: Any) -> None:
    """The driver takes 16 MiB in one message; 2048 rows of 64 KiB are eight times that."""
    cursor.execute("SELECT repeat('x', 65536) AS a FROM range(2048)")
    assert sum(len(a) for (a,) in cursor) == 2048 * 65536


@partitions
def test_what_one_node_planned_another_delivers(pair: Pair) -> None:
    """Tickets are portable: a static pair needs no discovery and no shared state."""
    with (
        connect(pair.first, autocommit=True) as one,
        connect(pair.second, autocommit=True) as two,
    ):
        with one.cursor() as planner:
            planned, schema = planner.adbc_execute_partitions(
                "SELECT range AS a FROM range(300000)"
            )
        assert schema.names == ["a"]
        with two.cursor() as reader:
            rows = 0
            for partition in planned:
                reader.adbc_read_partition(partition)
                rows += reader.fetch_arrow_table().num_rows
    assert rows == 300_000


@partitions
def test_partitions_of_a_statement_with_parameters(pair: Pair) -> None:
    with connect(pair.first, autocommit=True) as opened, opened.cursor() as cursor:
        planned, _ = cursor.adbc_execute_partitions("SELECT range * ? AS a FROM range(10)", (3,))
        rows = []
        for partition in planned:
            cursor.adbc_read_partition(partition)
            rows += cursor.fetchall()
    assert sorted(rows) == [(number * 3,) for number in range(10)]


@partitions
@pytest.mark.parametrize("endpoints", ["1", "4"])
def test_a_result_in_parts_has_every_row_once(pair: Pair, cursor: Any, endpoints: str) -> None:
    """The number of parts is a header of the statement; one is what small clients need."""
    cursor.execute("CREATE TABLE work.t AS SELECT range AS a FROM range(500000)")
    header = {f"{StatementOptions.RPC_CALL_HEADER_PREFIX.value}x-flightkeeper-endpoints": endpoints}
    with connect(pair.first, autocommit=True) as opened:
        with opened.cursor(adbc_stmt_kwargs=header) as planner:
            planned, _ = planner.adbc_execute_partitions("SELECT a FROM work.t")
            assert len(planned) == int(endpoints)
        values = []
        with opened.cursor() as reader:
            for partition in planned:
                reader.adbc_read_partition(partition)
                values += reader.fetch_arrow_table()["a"].to_pylist()
    assert sorted(values) == list(range(500_000))


@partitions
def test_a_forged_partition_is_refused(pair: Pair) -> None:
    with connect(pair.first, autocommit=True) as opened, opened.cursor() as cursor:
        (planned, *_), _ = cursor.adbc_execute_partitions("SELECT 'mine' AS a")
        forged = planned.replace(b"mine", b"ours")
        assert forged != planned
        with pytest.raises(adbc.Error):
            cursor.adbc_read_partition(forged)


@incremental
def test_incremental_execution_is_not_supported_and_told_so(pair: Pair) -> None:
    kwargs = {"adbc.statement.exec.incremental": "true"}
    with (
        connect(pair.first, autocommit=True) as opened,
        opened.cursor(adbc_stmt_kwargs=kwargs) as cursor,
        pytest.raises(adbc.NotSupportedError),
    ):
        cursor.adbc_execute_partitions("SELECT 1")
