"""pandas and polars over the stock ADBC driver: reading queries, writing frames."""

import datetime as dt
import decimal
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.conformance.conftest import Pair, connect

pandas_reads = pytest.mark.tool("pandas", "read_sql")
pandas_parameters = pytest.mark.tool(
    "pandas", "read_sql with params", limit="pandas does not do it with ADBC"
)
pandas_writes = pytest.mark.tool("pandas", "to_sql")
polars_reads = pytest.mark.tool("polars", "read_database")
polars_writes = pytest.mark.tool("polars", "write_database (engine adbc)")

FLIGHTS = """
    SELECT range AS id, 'carrier ' || (range % 3)::VARCHAR AS carrier, range * 1.5::DOUBLE AS delay,
           DATE '2024-01-01' + range::INTEGER AS day, nullif(range, 2) AS gate
    FROM range(1000)"""


@pytest.fixture
def here(pair: Pair, cursor: Any) -> Iterator[Any]:
    """A connection as pandas and polars are given one: transactions, schema `work`, a table."""
    cursor.execute(f"CREATE TABLE work.flights AS {FLIGHTS}")
    with connect(pair.first) as opened:
        opened.adbc_current_db_schema = "work"
        yield opened


@pandas_reads
def test_pandas_reads_a_query(here: Any) -> None:
    frame = pd.read_sql("SELECT * FROM flights WHERE id < 3 ORDER BY id", here)
    assert frame["carrier"].tolist() == ["carrier 0", "carrier 1", "carrier 2"]
    assert frame["delay"].sum() == 4.5
    assert frame["gate"].isna().tolist() == [False, False, True]


@pandas_parameters
def test_pandas_does_not_pass_parameters_on(here: Any) -> None:
    with pytest.raises(NotImplementedError, match="params"):
        pd.read_sql("SELECT * FROM flights WHERE id < ?", here, params=(3,))


@pandas_reads
def test_pandas_keeps_arrows_types_when_told_to(here: Any) -> None:
    frame = pd.read_sql("SELECT * FROM flights", here, dtype_backend="pyarrow", index_col="id")
    assert str(frame["day"].dtype) == "date32[day][pyarrow]"
    assert str(frame["gate"].dtype) == "int64[pyarrow]"
    assert frame["day"].max() == dt.date(2026, 9, 26)


@pandas_reads
def test_pandas_reads_a_table(here: Any) -> None:
    frame = pd.read_sql_table("flights", here, schema="work", columns=["id", "carrier"])
    assert frame.shape == (1000, 2)
    assert frame["id"].sum() == 499_500


@pandas_writes
def test_pandas_writes_a_frame_and_reads_it_again(here: Any) -> None:
    frame = pd.DataFrame(
        {
            "number": [1, 2, 3],
            "text": ["a", None, "ä"],
            "moment": pd.to_datetime(["2024-01-01T01:02:03", "2024-02-29T00:00:00", None]),
            "truth": [True, False, True],
        }
    )
    assert frame.to_sql("written", here, schema="work", index=False) == 3
    back = pd.read_sql("SELECT * FROM work.written ORDER BY number", here)
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)


@pandas_writes
def test_pandas_appends_replaces_and_refuses(here: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_sql("t", here, schema="work", index=False)
    with pytest.raises(ValueError, match="already exists"):
        frame.to_sql("t", here, schema="work", index=False)
    frame.to_sql("t", here, schema="work", index=False, if_exists="append")
    assert pd.read_sql("SELECT count(*) AS n FROM t", here)["n"].tolist() == [4]
    frame.to_sql("t", here, schema="work", index=False, if_exists="replace")
    assert pd.read_sql("SELECT a FROM t ORDER BY a", here)["a"].tolist() == [1, 2]


@polars_reads
def test_polars_reads_a_query(here: Any) -> None:
    frame = pl.read_database("SELECT * FROM flights ORDER BY id", here)
    assert frame.schema == {
        "id": pl.Int64,
        "carrier": pl.String,
        "delay": pl.Float64,
        "day": pl.Date,
        "gate": pl.Int64,
    }
    assert frame.height == 1000
    assert frame["gate"].null_count() == 1
    assert frame["delay"].sum() == 749_250.0


@polars_reads
def test_polars_reads_with_parameters_and_in_batches(here: Any) -> None:
    batches = list(
        pl.read_database(
            "SELECT id FROM flights WHERE id >= ? ORDER BY id",
            here,
            iter_batches=True,
            batch_size=100,
            execute_options={"parameters": [500]},
        )
    )
    assert pl.concat(batches)["id"].to_list() == list(range(500, 1000))


@polars_reads
def test_polars_understands_nested_and_exact_types(here: Any) -> None:
    frame = pl.read_database(
        "SELECT [1, 2] AS l, {'a': 1, 'b': 'x'} AS s, 1.25::DECIMAL(9,2) AS d, 'x'::ENUM('x') AS e,"
        " TIMESTAMPTZ '2024-01-01 00:00:00+00' AS t",
        here,
    )
    (row,) = frame.rows()
    assert row[:4] == ([1, 2], {"a": 1, "b": "x"}, decimal.Decimal("1.25"), "x")
    assert row[4] == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@polars_writes
def test_polars_writes_a_frame_and_reads_it_again(here: Any) -> None:
    frame = pl.DataFrame(
        {
            "number": [1, 2, 3],
            "text": ["a", None, "ä"],
            "day": [dt.date(2024, 1, 1), None, dt.date(1969, 12, 31)],
            "list": [[1], [], None],
            "truth": [True, False, None],
        }
    )
    assert frame.write_database("work.written", here, engine="adbc") == 3
    assert_frame_equal(pl.read_database("SELECT * FROM work.written", here), frame)


@polars_writes
def test_polars_appends_replaces_and_refuses(here: Any) -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    frame.write_database("work.t", here, engine="adbc")
    with pytest.raises(adbc.Error, match="already exists"):
        frame.write_database("work.t", here, engine="adbc")
    frame.write_database("work.t", here, engine="adbc", if_table_exists="append")
    assert pl.read_database("SELECT count(*) AS n FROM t", here)["n"].to_list() == [4]
    frame.write_database("work.t", here, engine="adbc", if_table_exists="replace")
    assert pl.read_database("SELECT a FROM t ORDER BY a", here)["a"].to_list() == [1, 2]
