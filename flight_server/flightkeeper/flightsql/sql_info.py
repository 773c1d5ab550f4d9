"""SqlInfo: what a server says of itself, as facts by id and as the Arrow table of GetSqlInfo.

Owns the ids, which union child each value travels in, and the table. Which facts are true of the
engine is said where the engine is known.
Spec: FlightSql.proto `SqlInfo`; clients read by id and by union child without checking, so the
child matters (ADBC reads id 8 only as int32, ODBC reads 503, 505, 507, 562 only as int64).
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

import pyarrow as pa

from flightkeeper.flightsql import schemas

Value = str | bool | int | tuple[str, ...] | Mapping[int, tuple[int, ...]]


class Child(IntEnum):
    """The children of the value union, by type code."""

    STRING = 0
    BOOL = 1
    BIGINT = 2
    BITMASK = 3
    STRINGS = 4
    MAP = 5


class Fact(NamedTuple):
    """One row of the answer."""

    child: Child
    value: Value


def text(value: str) -> Fact:
    """A fact told as text."""
    return Fact(Child.STRING, value)


def flag(*, value: bool) -> Fact:
    """A fact told as yes or no."""
    return Fact(Child.BOOL, value)


def bigint(value: int) -> Fact:
    """A number told in 64 bits."""
    return Fact(Child.BIGINT, value)


def bitmask(value: int) -> Fact:
    """An enumeration, a set of bits or a number told in 32 bits."""
    return Fact(Child.BITMASK, value)


def texts(values: Iterable[str]) -> Fact:
    """A list of texts."""
    return Fact(Child.STRINGS, tuple(values))


def lists(values: Mapping[int, tuple[int, ...]]) -> Fact:
    """Lists of numbers by number."""
    return Fact(Child.MAP, values)


def table(facts: Mapping[int, Fact], wanted: Iterable[int] = ()) -> pa.Table:
    """The answer to GetSqlInfo.

    Args:
        facts: everything the server says, by id.
        wanted: the ids asked for; none = all. Unknown ids are left out rather than refused.

    Returns: `schemas.SQL_INFO`, one batch, ordered by id.
    """
    asked = set(wanted)
    chosen = {key: facts[key] for key in sorted(facts) if not asked or key in asked}
    columns: list[list[Value]] = [[] for _ in Child]
    offsets = []
    for fact in chosen.values():
        offsets.append(len(columns[fact.child]))
        columns[fact.child].append(fact.value)
    union_type = schemas.SQL_INFO.field("value").type
    children = [
        pa.array(_plain(values), union_type.field(code).type) for code, values in enumerate(columns)
    ]
    loose = pa.UnionArray.from_dense(
        pa.array([fact.child for fact in chosen.values()], pa.int8()),
        pa.array(offsets, pa.int32()),
        children,
    )
    # from_dense() forgets that the children are not nullable; clients compare that too.
    union = pa.Array.from_buffers(union_type, len(chosen), loose.buffers()[:3], children=children)
    names = pa.array(list(chosen), pa.uint32())
    return pa.Table.from_arrays([names, union], schema=schemas.SQL_INFO)


def _plain(values: list[Value]) -> list[object]:
    return [list(value.items()) if isinstance(value, Mapping) else value for value in values]
