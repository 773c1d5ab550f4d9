"""Tests for types: DuckDB's names, and values where SQLAlchemy's differ."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from flightkeeper.client.sqlalchemy import types
from flightkeeper.client.sqlalchemy.dialect import FlightkeeperDialect

DIALECT = FlightkeeperDialect()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("BIGINT", "BIGINT"),
        ("DECIMAL(9,2)", "NUMERIC(9, 2)"),
        ("FLOAT", "REAL"),
        ("DOUBLE", "DOUBLE"),
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
        ("TIME", "TIME"),
        ("INTERVAL", "INTERVAL"),
        ("BLOB", "BLOB"),
        ("UUID", "UUID"),
        ("JSON", "JSON"),
        ("VARCHAR[]", "VARCHAR[]"),
        ("STRUCT(a INTEGER, b VARCHAR[])", "STRUCT(a INTEGER, b VARCHAR[])"),
        ("MAP(VARCHAR, INTEGER)", "MAP(VARCHAR, INTEGER)"),
        ("HUGEINT", "HUGEINT"),
    ],
)
def test_a_reflected_type_is_written_as_duckdb_takes_it(name: str, shown: str) -> None:
    assert types.type_of(name).compile(DIALECT) == shown


def test_an_enum_keeps_its_values() -> None:
    kind = types.type_of("ENUM('a', 'it''s', 'b, c')")
    assert isinstance(kind, sa.Enum)
    assert kind.enums == ["a", "it's", "b, c"]


def test_intervals_are_timedeltas() -> None:
    interval: Any = pa.MonthDayNano  # the stubs have its constructor wrong
    read = types.Interval().result_processor(DIALECT, None)
    assert read(interval([1, 2, 3000])) == dt.timedelta(32, microseconds=3)
    assert read(None) is None
    literal = sa.select(sa.literal(dt.timedelta(seconds=1), sa.Interval))
    compiled = literal.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})
    assert "to_microseconds(1000000)" in str(compiled)


def test_quotients_are_decimals_where_these_are_wanted() -> None:
    exact = types.Numeric().result_processor(DIALECT, None)
    assert [exact(value) for value in (2.3, Decimal("1.50"), None)] == [
        Decimal("2.3"),
        Decimal("1.50"),
        None,
    ]
    rough = types.Numeric(asdecimal=False).result_processor(DIALECT, None)
    assert [rough(value) for value in (Decimal("1.5"), None)] == [1.5, None]


def test_steps_into_json_are_a_path() -> None:
    assert types.json_path(("a b", 1, "c")) == '$."a b"[1]."c"'
