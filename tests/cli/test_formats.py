"""The forms results are printed in: complete, readable back, any type."""

import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.cli.formats import TABLE_ROWS, Format, unique_names, write

EVERY_TYPE = """
SELECT 1 AS n, 1.5::DOUBLE AS d, 'nan'::DOUBLE AS nan, 12.50::DECIMAL(9,2) AS c, 'a,"b' AS t,
       [1, 2] AS l, {'k': DATE '2020-01-02'} AS s, MAP {'k': 1} AS m,
       TIMESTAMP '2020-01-02 03:04:05' AS ts,
       TIME '10:00' AS tm, INTERVAL 1 DAY AS iv, 'ab'::BLOB AS b, NULL::INT AS z, true AS y,
       3::HUGEINT AS h, uuid() AS u, 'x'::ENUM('x', 'y') AS e
"""


def query(sql: str) -> pa.RecordBatchReader:
    return duckdb.connect().execute(sql).to_arrow_reader()


def printed(reader: pa.RecordBatchReader, output: Format) -> bytes:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    write(reader, output, out)
    out.flush()
    return raw.getvalue()


@pytest.mark.parametrize("output", list(Format))
def test_every_type_in_every_form(output: Format) -> None:
    assert printed(query(EVERY_TYPE), output)


@pytest.mark.parametrize("output", list(Format))
def test_a_result_without_rows(output: Format) -> None:
    text = printed(query("SELECT 1 AS a WHERE false"), output)
    expected = {"table": b"a\n(0 rows)\n", "csv": b'"a"\n', "json": b"[]\n", "jsonl": b""}
    assert text == expected.get(output.value, text)


def test_table() -> None:
    lines = printed(query("SELECT * FROM (VALUES (1, 'x'), (22, NULL)) t(n, s)"), Format.TABLE)
    assert [line.rstrip() for line in lines.decode().splitlines()] == [
        " n  s",
        " 1  x",
        "22  NULL",
        "(2 rows)",
    ]


def test_a_table_of_one_row_and_markup_taken_literally() -> None:
    text = printed(query("SELECT '[red]x[/red]' AS \"[b]\""), Format.TABLE).decode()
    assert "[red]x[/red]" in text
    assert "[b]" in text
    assert "(1 row)" in text


def test_long_tables_are_whole() -> None:
    rows = TABLE_ROWS * 2 + 1
    lines = printed(query(f"SELECT i AS n FROM range({rows}) t(i)"), Format.TABLE).splitlines()
    numbers = [int(line) for line in lines if line.strip().isdigit()]
    assert numbers == list(range(rows))
    assert lines[-1] == f"({rows} rows)".encode()


def test_csv_reads_back() -> None:
    table = pa_csv.read_csv(io.BytesIO(printed(query(EVERY_TYPE), Format.CSV)))
    row = table.to_pylist()[0]
    assert row["t"] == 'a,"b'
    assert json.loads(row["l"]) == [1, 2]
    assert json.loads(row["s"]) == {"k": "2020-01-02"}
    assert row["b"] == "\\x6162"


def test_json_reads_back() -> None:
    (row,) = json.loads(printed(query(EVERY_TYPE), Format.JSON))
    assert row["n"] == 1
    assert row["nan"] == "NaN"
    assert Decimal(row["c"]) == Decimal("12.50")
    assert row["l"] == [1, 2]
    assert row["ts"] == "2020-01-02T03:04:05"
    assert row["y"] is True


def test_json_of_several_rows_and_json_lines_agree() -> None:
    sql = "SELECT i, 'ü' AS s FROM range(3) t(i)"
    rows = json.loads(printed(query(sql), Format.JSON))
    lines = [json.loads(line) for line in printed(query(sql), Format.JSONL).splitlines()]
    assert rows == lines == [{"i": i, "s": "ü"} for i in range(3)]


def test_arrow_is_the_very_result() -> None:
    data = printed(query(EVERY_TYPE), Format.ARROW)
    assert pa.ipc.open_stream(data).read_all().schema == query(EVERY_TYPE).schema


def test_columns_of_one_name_are_both_kept() -> None:
    (row,) = json.loads(printed(query("SELECT 1 AS a, 2 AS a, 3 AS a_1"), Format.JSON))
    assert sorted(row.values()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("names", "unique"),
    [(["a", "b"], ["a", "b"]), (["a", "a", "a_1"], ["a", "a_2", "a_1"]), ([], [])],
)
def test_unique_names(names: list[str], unique: list[str]) -> None:
    assert unique_names(names) == unique


@pytest.mark.parametrize("output", list(Format))
def test_a_result_that_breaks_off_is_an_error(output: Format) -> None:
    schema = pa.schema([("a", pa.int64())])

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([pa.array([1], pa.int64())], schema=schema)
        raise OSError("stream broke")

    with pytest.raises(OSError, match="stream broke"):
        printed(pa.RecordBatchReader.from_batches(schema, batches()), output)


VALUES = """
SELECT 'nan'::DOUBLE AS n, '-inf'::DOUBLE AS i, '\\x00\\xFF'::BLOB AS b,
       INTERVAL '1 month -2 days 3.5 seconds' AS v, [INTERVAL 0 SECOND] AS l
"""


def test_json_loses_nothing_that_it_has_no_form_for() -> None:
    assert json.loads(printed(query(VALUES), Format.JSONL)) == {
        "n": "NaN",
        "i": "-Infinity",
        "b": "\\x00ff",
        "v": "P1M-2DT3.5S",
        "l": ["PT0S"],
    }


def test_csv_and_tsv_lose_nothing_either() -> None:
    for output, delimiter in ((Format.CSV, ","), (Format.TSV, "\t")):
        text = printed(query(VALUES), output)
        options = pa_csv.ParseOptions(delimiter=delimiter)
        (row,) = pa_csv.read_csv(io.BytesIO(text), parse_options=options).to_pylist()
        assert ",nan," in f",{text.decode().splitlines()[1].replace(delimiter, ',')}"
        assert (row["b"], row["v"], row["l"]) == ("\\x00ff", "P1M-2DT3.5S", '["PT0S"]')


@given(st.integers(-120, 120), st.integers(-1000, 1000), st.integers(-(10**15), 10**15))
def test_intervals_are_read_back_part_by_part(months: int, days: int, nanos: int) -> None:
    parts: Any = pa.MonthDayNano
    value = pa.scalar(parts([months, days, nanos]))
    table = pa.table({"v": [value.as_py()]})
    text = json.loads(printed(table.to_reader(), Format.JSONL))["v"]
    found = re.fullmatch(r"P(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(-?[\d.]+)S)?", text)
    assert found is not None, text
    again = [Decimal(part or 0) for part in found.groups()]
    assert again == [months, days, Decimal(nanos) / 10**9]


def test_markdown_and_html_escape_what_is_theirs() -> None:
    sql = "SELECT 'a|b\nc' AS \"x|y\", '<i>&' AS z, NULL AS n"
    assert printed(query(sql), Format.MARKDOWN).decode().splitlines() == [
        "| x\\|y | z | n |",
        "| --- | --- | --- |",
        "| a\\|b<br>c | \\<i>& |  |",
    ]
    assert b"<tr><td>a|b\nc</td><td>&lt;i&gt;&amp;</td><td></td></tr>" in printed(
        query(sql), Format.HTML
    )


def test_parquet_is_read_back() -> None:
    data = printed(query("SELECT i, i % 3 AS k FROM range(5000) t(i)"), Format.PARQUET)
    assert pq.read_table(io.BytesIO(data)).column("i").to_pylist() == list(range(5000))
