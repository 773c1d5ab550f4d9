"""Tests for the types of PEP 249."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.client.dbapi import types


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("VARCHAR", types.STRING),
        ("ENUM('a', 'b')", types.STRING),
        ("UUID", types.STRING),
        ("BLOB", types.BINARY),
        ("DECIMAL(18,3)", types.NUMBER),
        ("HUGEINT", types.NUMBER),
        ("TIMESTAMP WITH TIME ZONE", types.DATETIME),
        ("INTERVAL", types.DATETIME),
    ],
)
def test_a_type_equals_its_family_alone(name: str, family: types.TypeObject) -> None:
    families = [types.STRING, types.BINARY, types.NUMBER, types.DATETIME, types.ROWID]
    assert [each for each in families if name == each] == [family]


def test_a_list_is_of_no_family() -> None:
    assert types.NUMBER not in ("DECIMAL(18,3)[]", 1, types.STRING)
    assert len({types.NUMBER, types.STRING}) == 2
    assert repr(types.NUMBER) == "NUMBER"


def test_columns_are_described() -> None:
    told = {types.TYPE_NAME: b"DECIMAL(9,2)"}
    fields: list[pa.Field[Any]] = [
        pa.field("a", pa.decimal128(9, 2), metadata=told),
        pa.field("b", pa.int32(), nullable=False),
        pa.field("c", pa.string()),
    ]
    schema = pa.schema(fields)
    assert types.described(schema) == [
        ("a", "DECIMAL(9,2)", None, None, 9, 2, True),
        ("b", "int32", None, 4, None, None, False),
        ("c", "string", None, None, None, None, True),
    ]


def test_ticks_are_local_time() -> None:
    moment = dt.datetime(2024, 2, 29, 12, 30, 15)  # noqa: DTZ001 - PEP 249 has no zones
    ticks = moment.timestamp()
    assert types.TimestampFromTicks(ticks) == moment
    assert types.DateFromTicks(ticks) == moment.date()
    assert types.TimeFromTicks(ticks) == moment.time()
