"""Definitions and their bytes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Dropped,
    Format,
    Kind,
    Macro,
    MalformedDefinition,
    ObjectName,
    Page,
    Table,
    View,
    decode,
    encode,
)
from flightkeeper.discovery.errors import InvalidName

_TEXT = st.text(max_size=20)
_COLUMNS = st.lists(
    st.builds(Column, _TEXT, _TEXT, st.booleans(), _TEXT), max_size=4, unique_by=lambda c: c.name
).map(tuple)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    columns = draw(_COLUMNS)
    names = st.lists(st.sampled_from(columns), unique=True) if columns else st.just([])
    return Table(
        columns=columns,
        format=draw(st.sampled_from(Format)),
        location=draw(_TEXT),
        options=draw(st.dictionaries(_TEXT, _TEXT, max_size=3)),
        partitioned_by=tuple(column.name for column in draw(names)),
        primary_key=tuple(column.name for column in draw(names)),
        arrow_schema=draw(st.binary(max_size=20)),
        pages=tuple(draw(st.lists(st.builds(Page, st.integers(0, 9), _TEXT, st.integers(0, 9))))),
    )


_DEFINITIONS = st.builds(
    Definition,
    name=st.builds(ObjectName, _TEXT, _TEXT),
    body=st.one_of(_tables(), st.builds(View, _TEXT, _COLUMNS), st.builds(Macro, _TEXT)),
    owner=_TEXT,
    comment=_TEXT,
    by=_TEXT,
    at_ms=st.integers(0, 2**53),
    mark=_TEXT,
)


@given(_DEFINITIONS)
def test_what_is_written_is_read_back(definition: Definition) -> None:
    assert decode(encode(definition)) == definition
    assert decode(encode(definition.dropped())) == definition.dropped()


def test_a_definition_knows_what_it_is() -> None:
    name = ObjectName("Sales", "Orders")
    assert Definition(name, View("SELECT 1")).kind is Kind.VIEW
    assert Definition(name, Macro("(a) AS a")).kind is Kind.MACRO
    dropped = Definition(name, View("SELECT 1"), "ada", "of theirs").dropped()
    assert (dropped.kind, dropped.body, dropped.comment) == (None, Dropped(), "")


def test_names_differ_whatever_their_case() -> None:
    assert ObjectName("Sales", "Orders").key == ObjectName("sales", "ORDERS").key
    assert ObjectName("Sales", "Orders").document == "catalog/sales/orders"
    assert str(ObjectName("Sales", "Orders")) == "Sales.Orders"
    with pytest.raises(InvalidName, match="'a/b' cannot be used"):
        _ = ObjectName("s", "a/b").document


def _changed(**changes: Any) -> bytes:
    columns = (Column("id", "INTEGER"),)
    table = Table(columns, Format.CSV, "/data", partitioned_by=("id",))
    found = json.loads(encode(Definition(ObjectName("s", "t"), table)))
    return json.dumps({**found, **changes}).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nonsense", "no definition"),
        (b"[]", "no definition"),
        (b"[" * 100_000, "no definition"),
        (_changed(v=9), "format is 9"),
        (_changed(kind="sequence"), "sequence"),
        (_changed(format="arrow"), "arrow"),
        (_changed(partitioned_by=["day"]), "no columns \\['day'\\]"),
        (_changed(owner=1), "1 is no text"),
        (_changed(arrow_schema="?"), "no definition"),
        (_changed(pages=[[1]]), "no definition"),
    ],
)
def test_what_is_none_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedDefinition, match=reason):
        decode(data)


def test_partition_columns_come_in_the_order_of_partitioning() -> None:
    columns = (Column("a", "INTEGER"), Column("b", "DATE"), Column("c", "VARCHAR"))
    table = Table(columns, Format.PARQUET, "/data", partitioned_by=("c", "b"))
    assert [column.name for column in table.partition_columns] == ["c", "b"]
