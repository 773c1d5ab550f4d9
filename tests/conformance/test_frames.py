"""pandas and polars over the client's DB-API and dialect: reading queries, writing frames."""

import datetime as dt
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa

from flightkeeper.client import dbapi
from tests.conformance.conftest import PASSWORD, USER

FLIGHTS = """
    SELECT range AS id, 'carrier ' || (range % 3)::VARCHAR AS carrier, range * 1.5::DOUBLE AS delay,
           DATE '2024-01-01' + range::INTEGER AS day, 1.25::DECIMAL(9, 2) AS price
    FROM range(1000)"""


@pytest.fixture
def connection(solo: str) -> Iterator[dbapi.Connection]:
    """A connection that autocommits."""
    url = f"flightsql://{USER}@{urlsplit(solo).netloc}?transport=tcp"
    with dbapi.connect(url, password=PASSWORD, autocommit=True) as opened:
        yield opened


@pytest.fixture
def engine(solo: str) -> Iterator[sa.Engine]:
    """An engine."""
    made = sa.create_engine(
        f"flightkeeper://{USER}:{quote(PASSWORD, safe='')}@{urlsplit(solo).netloc}?transport=tcp"
    )
    yield made
    made.dispose()


def test_polars_reads_a_cursor(connection: dbapi.Connection) -> None:
    frame = pl.read_database(FLIGHTS, connection)
    assert frame.schema == {
        "id": pl.Int64,
        "carrier": pl.String,
        "delay": pl.Float64,
        "day": pl.Date,
        "price": pl.Decimal(9, 2),
    }
    assert (frame.height, frame["delay"].sum()) == (1000, 749_250.0)
    few = pl.read_database(
        "SELECT ? AS a", connection, execute_options={"parameters": [dt.date(2024, 2, 29)]}
    )
    assert few.rows() == [(dt.date(2024, 2, 29),)]


def test_polars_takes_arrow_from_a_cursor(connection: dbapi.Connection) -> None:
    cursor = connection.cursor().execute(FLIGHTS)
    frame = pl.DataFrame(cursor.fetch_record_batch())
    assert frame["carrier"].n_unique() == 3


def test_polars_reads_and_writes_with_an_engine(engine: sa.Engine) -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "ä"], "c": [1.5, 2.5, None]})
    written = frame.write_database("polars_written", engine, if_table_exists="replace")
    assert written == 3
    back = pl.read_database("SELECT * FROM polars_written ORDER BY a", engine)
    assert back.rows() == frame.rows()


def test_pandas_reads_and_writes_with_an_engine(engine: sa.Engine) -> None:
    frame = pd.DataFrame(
        {
            "number": [1, 2, 3],
            "text": ["a", None, "ä"],
            "moment": pd.to_datetime(["2024-01-01T01:02:03", "2024-02-29T00:00:00", None]),
            "truth": [True, False, True],
        }
    )
    frame.to_sql("pandas_written", engine, index=False, if_exists="replace")
    back = pd.read_sql("SELECT * FROM pandas_written ORDER BY number", engine)
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    few = pd.read_sql(
        sa.text("SELECT text FROM pandas_written WHERE number > :n"), engine, params={"n": 2}
    )
    assert few["text"].tolist() == ["ä"]
    assert pd.read_sql_table("pandas_written", engine).shape == (3, 4)
