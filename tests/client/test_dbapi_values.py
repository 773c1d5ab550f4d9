"""Tests for values: what goes out comes back, and what Python cannot hold is an error."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flightkeeper.client import Connection, dbapi
from flightkeeper.client.dbapi import values


def interval(*parts: int) -> Any:
    """A value of INTERVAL; the stubs have its constructor wrong."""
    made: Any = pa.MonthDayNano
    return made(parts)


ZONE = dt.timezone(dt.timedelta(hours=5, minutes=30))
SCALARS = {
    "BOOLEAN": st.booleans(),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "HUGEINT": st.integers(-(2**127) + 1, 2**127 - 1),
    "UHUGEINT": st.integers(0, 2**128 - 1),
    "DOUBLE": st.floats(allow_nan=False),
    "DECIMAL(38,10)": st.decimals(-(10**20), 10**20, places=10),
    "VARCHAR": st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    "BLOB": st.binary(),
    "UUID": st.uuids(),
    "DATE": st.dates(),
    "TIME": st.times(),
    "TIMESTAMP": st.datetimes(),
    "TIMESTAMPTZ": st.datetimes(dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
    "INTERVAL": st.builds(
        lambda months, days, micros: interval(months, days, micros * 1000),
        *(st.integers(-1000, 1000), st.integers(-1000, 1000), st.integers(-(10**12), 10**12)),
    ),
}


@pytest.fixture
def cursor(real: Connection) -> dbapi.Cursor:
    """Statements that commit by themselves."""
    return dbapi.Connection(real, autocommit=True).cursor()


@pytest.mark.parametrize("kind", SCALARS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_values_come_back_as_they_went(
    cursor: dbapi.Cursor, kind: str, data: st.DataObject
) -> None:
    value = data.draw(SCALARS[kind] | st.none())
    row = cursor.execute(f"SELECT ?::{kind}, [?::{kind}]", (value, value)).fetchone()
    assert row is not None
    assert row[0] == value
    assert type(row[0]) is type(value)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("MAP {'a': 1, 'b': NULL}", {"a": 1, "b": None}),
        ("MAP {[1]: 'x'}", [([1], "x")]),
        ("{'a': 1, 'b': {'c': [DATE '2024-02-29']}}", {"a": 1, "b": {"c": [dt.date(2024, 2, 29)]}}),
        ("union_value(n := 7)", 7),
        ("'b'::ENUM('a', 'b')", "b"),
        ("'{\"a\": 1}'::JSON", '{"a": 1}'),
        ("'101'::BIT", "101"),
        ("TIMETZ '12:00:00+05:30'", dt.time(12, tzinfo=ZONE)),
        ("[1, NULL, 3]", [1, None, 3]),
        ("[1, 2]::INTEGER[2]", [1, 2]),
        ("NULL", None),
        ("TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", dt.datetime(2024, 1, 1, 0, 0, 0, 123456)),  # noqa: DTZ001
        ("[TIMESTAMP_NS '2024-01-01 00:00:00.000000001']", [dt.datetime(2024, 1, 1)]),  # noqa: DTZ001
        ("'12345678901234567890123456789012345678901'::BIGNUM", int("1234567890" * 4 + "1")),
    ],
)
def test_types_of_duckdb_become_pythons(cursor: dbapi.Cursor, sql: str, value: Any) -> None:
    assert cursor.execute(f"SELECT {sql}").fetchone() == (value,)


@pytest.mark.parametrize(
    "sql", ["'infinity'::DATE", "'24:00:00'::TIME", "'infinity'::TIMESTAMP", "DATE '20000-01-01'"]
)
def test_what_python_cannot_hold_is_an_error(cursor: dbapi.Cursor, sql: str) -> None:
    cursor.execute(f"SELECT {sql} AS x")
    with pytest.raises(dbapi.DataError, match=r"'x'.*fetch_arrow_table"):
        cursor.fetchone()
    table = cursor.execute(f"SELECT {sql} AS x").fetch_arrow_table()
    assert table.num_rows == 1


class Colour(enum.Enum):
    """An enumeration of Python."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, Decimal(2**63)),
        (10**38, str(10**38)),
        (Colour.RED, "red"),
        (dt.time(12, tzinfo=ZONE), "12:00:00+05:30"),
        (memoryview(b"x"), b"x"),
        ([2**64, (uuid.UUID(int=1),)], [Decimal(2**64), [str(uuid.UUID(int=1))]]),
        ({"a": 2**64}, {"a": Decimal(2**64)}),
    ],
)
def test_parameters_are_made_fit_for_arrow(value: Any, sent: Any) -> None:
    assert values.parameter(value) == sent


def test_a_decimal_that_is_no_number_is_refused() -> None:
    with pytest.raises(dbapi.DataError, match="float"):
        values.parameters_of([Decimal("NaN")])


def test_columns_of_one_type_travel_at_once() -> None:
    day, moment = dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 12)  # noqa: DTZ001
    assert values.are_alike([(1, "a"), (None, "b"), (2.5, None)])
    assert not values.are_alike([(day,), (moment,)])
    assert not values.are_alike([([1],), (["a"],)])
    assert not values.are_alike([(), ()])


def test_rows_have_as_many_parameters_as_the_first() -> None:
    good: list[list[list[Any]]] = [[], [[]], [[1, 2], [3, 4]]]
    for rows in good:
        assert values.checked(rows) is rows
    with pytest.raises(dbapi.ProgrammingError, match="row 1 has 2 parameters and row 3 has 1"):
        values.checked([[1, 2], [3, 4], [5]])
