"""Values within values, in every form of output: the parts are printed as they are alone.

How each type is printed alone is read back in test_formats_round_trip.py.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flightkeeper.cli.formats import Format
from flightkeeper.client import Connection, connect
from tests.cli.forms import READERS, printed
from tests.flight_server.arrow_values import meaning
from tests.support.processes import running

pytestmark = pytest.mark.cluster

LEAVES: Mapping[str, tuple[str, ...]] = {
    "INTEGER": ("1", "-7"),
    "HUGEINT": (f"'{-(2**127)}'",),
    "UHUGEINT": (f"'{2**128 - 1}'",),
    "DECIMAL(38,10)": ("'0.0000000001'", "0"),
    "DOUBLE": ("'nan'", "'-inf'", "0.1"),
    "VARCHAR": ("''", "'a,\"b\\|<i>'", "'null'"),
    "BLOB": (r"'\x00\xFF'::BLOB",),
    "UUID": ("'00000000-0000-0000-0000-000000000001'",),
    "DATE": ("'infinity'", "'0044-03-15 (BC)'", "'2020-02-29'"),
    "TIME": ("'24:00:00'",),
    "TIMESTAMP_S": ("'-infinity'", "'2020-01-02 03:04:05'"),
    "TIMESTAMP_NS": ("'2020-01-02 03:04:05.000000001'",),
    "TIMESTAMPTZ": ("'12345-01-02 00:00:00+00'", "'2020-06-01 12:00:00+02'"),
    "INTERVAL": ("INTERVAL '1 month -2 days'",),
    "ENUM('x', 'y')": ("'y'",),
    "BIT": ("'0101'",),
}

Draw = Callable[[st.SearchStrategy[Any]], Any]
Made = Any
"""A value with `Leaf` where it has no parts."""


@dataclass(frozen=True)
class Leaf:
    """The place of a part in the list of all parts."""

    number: int


@dataclass(frozen=True)
class Kind:
    """A type, and how its values are made.

    Attributes:
        value: draws a value in SQL, and what it is made of; parts are added to the list.
    """

    name: str
    value: Callable[[Draw, list[str]], tuple[str, Made]]


def leaf(name: str) -> Kind:
    def value(draw: Draw, parts: list[str]) -> tuple[str, Made]:
        literal = draw(st.sampled_from([*LEAVES[name], "NULL"]))
        parts.append(f"({literal})::{name}")
        return parts[-1], Leaf(len(parts) - 1)

    return Kind(name, value)


def listed(inner: Kind, size: int | None) -> Kind:
    name = f"{inner.name}[{size or ''}]"

    def value(draw: Draw, parts: list[str]) -> tuple[str, Made]:
        if draw(st.integers(0, 4)) == 0:
            return f"NULL::{name}", None
        length = draw(st.integers(0, 3)) if size is None else size
        drawn = [inner.value(draw, parts) for _ in range(length)]
        return f"[{', '.join(sql for sql, _ in drawn)}]::{name}", [made for _, made in drawn]

    return Kind(name, value)


def struct(first: Kind, second: Kind) -> Kind:
    name = f'STRUCT("a b" {first.name}, c {second.name})'

    def value(draw: Draw, parts: list[str]) -> tuple[str, Made]:
        if draw(st.integers(0, 4)) == 0:
            return f"NULL::{name}", None
        (sql, made), (sql2, made2) = (kind.value(draw, parts) for kind in (first, second))
        return f"{{'a b': {sql}, 'c': {sql2}}}::{name}", {"a b": made, "c": made2}

    return Kind(name, value)


def mapping(inner: Kind) -> Kind:
    name = f"MAP(VARCHAR, {inner.name})"

    def value(draw: Draw, parts: list[str]) -> tuple[str, Made]:
        if draw(st.integers(0, 4)) == 0:
            return f"NULL::{name}", None
        keys = draw(st.lists(st.sampled_from("abc"), unique=True))
        drawn = [inner.value(draw, parts) for _ in keys]
        names = ", ".join(f"'{key}'" for key in keys)
        values = ", ".join(sql for sql, _ in drawn)
        pairs = [[key, made] for key, (_, made) in zip(keys, drawn, strict=True)]
        return f"MAP([{names}]::VARCHAR[], [{values}]::{inner.name}[])::{name}", pairs

    return Kind(name, value)


def union(inner: Kind) -> Kind:
    name = f"UNION(a {inner.name}, b VARCHAR)"

    def value(draw: Draw, parts: list[str]) -> tuple[str, Made]:
        sql, made = inner.value(draw, parts)
        return f"union_value(a := {sql})::{name}", made

    return Kind(name, value)


KINDS = st.recursive(
    st.sampled_from(sorted(LEAVES)).map(leaf),
    lambda inner: st.one_of(
        inner.map(partial(listed, size=None)),
        inner.map(partial(listed, size=2)),
        st.builds(struct, inner, inner),
        inner.map(mapping),
        inner.map(union),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def node() -> Iterator[Connection]:
    with running("serve", "--insecure") as process:
        address = process.line()["location"].removeprefix("grpc://")
        with connect(f"flightsql://{address}?transport=tcp") as connection:
            yield connection


def filled(made: Made, parts: list[Any]) -> Any:
    """What was made, with the parts as they are printed alone."""
    match made:
        case Leaf(number):
            return parts[number]
        case list():
            return [filled(each, parts) for each in made]
        case dict():
            return {name: filled(each, parts) for name, each in made.items()}
    return made


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), kind=KINDS)
def test_parts_are_printed_as_they_are_alone(
    node: Connection, kind: Kind, data: st.DataObject
) -> None:
    parts: list[str] = []
    drawn = [kind.value(data.draw, parts) for _ in range(data.draw(st.integers(1, 4)))]
    alone = node.query(f"SELECT {', '.join(['0', *parts])}").read_all()
    ((_, *told),) = READERS[Format.JSON](printed(alone, Format.JSON))
    wanted = [filled(made, told) for _, made in drawn]
    values = ", ".join(f"({row}, {sql})" for row, (sql, _) in enumerate(drawn))
    rows = node.query(f"SELECT * FROM (VALUES {values}) t(i, v) ORDER BY i").read_all()
    for output in (Format.JSON, Format.JSONL, Format.CSV, Format.TSV):
        cells = [row[1] for row in READERS[output](printed(rows, output))]
        assert list(map(as_json, cells, wanted)) == wanted, output
    same = pa.ipc.open_stream(printed(rows, Format.ARROW)).read_all()
    assert meaning(same["v"]) == meaning(rows["v"])
    kept = pq.read_table(io.BytesIO(printed(rows, Format.PARQUET)))["v"]
    if kept.type == rows["v"].type:
        assert meaning(kept) == meaning(rows["v"])
    elif pa.types.is_string(kept.type):
        assert list(map(as_json, kept.to_pylist(), wanted)) == wanted


def as_json(cell: Any, like: Any) -> Any:
    """A text as JSON if it has parts; one without is read in the other test."""
    if not isinstance(like, dict | list):
        return like
    if not isinstance(cell, str):
        return cell
    return json.loads(cell, parse_float=str, parse_int=str)
