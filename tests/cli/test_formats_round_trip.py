"""Every type of DuckDB in every form of output: what is printed is read back and is the value.

The values come from a real node, as they do for the command. Whether what was printed is the value
is DuckDB's to say, from the text alone.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flightkeeper.cli.formats import Format
from flightkeeper.client import Connection, connect
from tests.cli.forms import READERS, Cell, printed
from tests.flight_server.arrow_values import meaning
from tests.support.processes import running

pytestmark = pytest.mark.cluster

few = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""Each example asks the node and prints all forms."""


@pytest.fixture(scope="module")
def node() -> Iterator[Connection]:
    with running("serve", "--insecure") as process:
        address = process.line()["location"].removeprefix("grpc://")
        with connect(f"flightsql://{address}?transport=tcp") as connection:
            yield connection


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return values.map(lambda value: quoted(str(value)))


def numbers(bits: int, *, signed: bool = True) -> st.SearchStrategy[str]:
    if not signed:
        return of(st.integers(0, 2**bits - 1))
    return of(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))


def decimals(width: int, scale: int) -> st.SearchStrategy[str]:
    whole = st.integers(-(10**width) + 1, 10**width - 1)
    return whole.map(lambda n: f"'{'-' if n < 0 else ''}{_pointed(abs(n), scale)}'")


def _pointed(digits: int, scale: int) -> str:
    whole, part = divmod(digits, 10**scale)
    return f"{whole}.{part:0{scale}}" if scale else str(whole)


DAYS = st.one_of(
    st.dates().map(str),
    st.sampled_from(["infinity", "-infinity", "0044-03-15 (BC)", "12345-01-02", "290000-12-31"]),
    st.sampled_from(["4801-02-29 (BC)", "0001-01-01 (BC)", "0001-01-01", "10000-01-01"]),
)


def moments(digits: int) -> st.SearchStrategy[str]:
    days = DAYS if digits < 9 else st.sampled_from(["1700-01-01", "2261-12-31", "1970-01-01"])
    return st.builds(_moment, days, times(digits))


def _moment(day: str, time: str) -> str:
    return quoted(day) if "infinity" in day else f"'{day} {time[1:]}"


def times(digits: int) -> st.SearchStrategy[str]:
    parts = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
    part = st.integers(0, 10**digits - 1)
    return st.builds(lambda t, p: f"'{t[0]:02}:{t[1]:02}:{t[2]:02}{_part(p, digits)}'", parts, part)


def _part(value: int, digits: int) -> str:
    return f".{value:0{digits}}" if digits else ""


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text(st.sampled_from(" \t,;\"'\\|`*_[]<>&#~!\r\nab1")),
    st.sampled_from(["NULL", "null", "", "NaN", "<br>", "&amp;", "a_b", "_a_", "\\x00", "1"]),
).map(quoted)
BLOBS = st.binary().map(lambda value: f"unhex('{value.hex()}')")
INTERVALS = st.builds(
    lambda months, days, micros: (
        f"to_months({months}) + to_days({days}) + to_microseconds({micros})"
    ),
    st.integers(-1200, 1200),
    st.integers(-1000, 1000),
    st.integers(-(10**15), 10**15),
)

SCALARS: Mapping[str, st.SearchStrategy[str]] = {
    "BOOLEAN": st.sampled_from(["true", "false"]),
    "TINYINT": numbers(8),
    "SMALLINT": numbers(16),
    "BIGINT": numbers(64),
    "HUGEINT": numbers(128),
    "UTINYINT": numbers(8, signed=False),
    "USMALLINT": numbers(16, signed=False),
    "UBIGINT": numbers(64, signed=False),
    "UHUGEINT": numbers(128, signed=False),
    "INTEGER": numbers(32),
    "UINTEGER": numbers(32, signed=False),
    "BIGNUM": of(st.integers(-(10**60), 10**60)),
    "FLOAT": of(st.floats(width=32)),
    "DOUBLE": of(st.floats()),
    "DECIMAL(4,1)": decimals(4, 1),
    "DECIMAL(18,9)": decimals(12, 9),
    "DECIMAL(38,0)": decimals(38, 0),
    "DECIMAL(38,38)": st.one_of(decimals(38, 38), decimals(3, 38)),
    "VARCHAR": TEXTS,
    "BLOB": BLOBS,
    "BIT": st.text("01", min_size=1, max_size=70).map(quoted),
    "UUID": of(st.uuids()),
    "ENUM('a', 'b|c', 'd\"e')": st.sampled_from(["'a'", "'b|c'", "'d\"e'"]),
    "DATE": DAYS.map(quoted),
    "TIME": st.one_of(times(6), st.just("'24:00:00'")),
    "TIME_NS": st.one_of(times(9), st.just("'24:00:00'")),
    "TIMETZ": times(6).map(lambda time: f"{time[:-1]}+05:30'"),
    "TIMESTAMP_S": moments(0),
    "TIMESTAMP_MS": moments(3),
    "TIMESTAMP": moments(6),
    "TIMESTAMP_NS": st.one_of(moments(9), st.sampled_from(["'infinity'", "'-infinity'"])),
    "TIMESTAMPTZ": moments(6),
    "INTERVAL": INTERVALS,
    "JSON": st.sampled_from(["'{\"a\": [1, null]}'", "'null'", "'\"x\"'"]),
}


def meant(cell: Cell, kind: str) -> str:
    """The value that a printed cell means, in SQL."""
    if cell is None:
        return "NULL"
    text = str(cell)
    if kind == "BLOB":
        return f"unhex({quoted(text.removeprefix(chr(92) + 'x'))})"
    if kind == "INTERVAL":
        found = re.fullmatch(r"P(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(-?[\d.]+)S)?", text)
        assert found is not None, text
        months, days, seconds = (Decimal(part or 0) for part in found.groups())
        micros = int(seconds * 1_000_000)
        return f"to_months({months}) + to_days({days}) + to_microseconds({micros})"
    return quoted(text)


def check(kind: str, literals: list[str], cells: list[Cell]) -> None:
    """Whether each cell means the value of the literal at its place."""
    pairs = zip(literals, cells, strict=True)
    # As texts: to the engine a month is thirty days, and 0.0 is -0.0.
    told = ", ".join(
        f"(({literal})::{kind}::VARCHAR, ({meant(cell, kind)})::{kind}::VARCHAR)"
        for literal, cell in pairs
    )
    for wanted, found in duckdb.sql(f"FROM (VALUES {told})").fetchall():
        assert found == wanted, (kind, cells)


def asked(node: Connection, kind: str, literals: list[str]) -> pa.Table:
    rows = ", ".join(f"({row}, ({literal})::{kind})" for row, literal in enumerate(literals))
    return node.query(f"SELECT * FROM (VALUES {rows}) t(i, v) ORDER BY i").read_all()


@pytest.mark.parametrize("kind", SCALARS)
@few
@given(data=st.data())
def test_texts_are_read_as_the_value(node: Connection, kind: str, data: st.DataObject) -> None:
    literals = [*data.draw(st.lists(SCALARS[kind], min_size=1, max_size=8)), "NULL"]
    rows = asked(node, kind, literals)
    for output in (Format.CSV, Format.TSV, Format.JSON, Format.JSONL):
        cells = [row[1] for row in READERS[output](printed(rows, output))]
        check(kind, literals, cells)


@pytest.mark.parametrize("kind", SCALARS)
@few
@given(data=st.data())
def test_markup_shows_the_value(node: Connection, kind: str, data: st.DataObject) -> None:
    literals = data.draw(st.lists(SCALARS[kind], min_size=1, max_size=8))
    rows = asked(node, kind, literals)
    for output in (Format.HTML, Format.MARKDOWN):
        cells = [row[1] for row in READERS[output](printed(rows, output))]
        if kind == "VARCHAR":
            # A browser makes one space of several, and a cell begins and ends with none.
            shown = [" ".join(str(cell).split()) for cell in (*cells, *rows["v"].to_pylist())]
            assert shown[: len(cells)] == shown[len(cells) :]
        else:
            check(kind, literals, cells)


@pytest.mark.parametrize("kind", SCALARS)
@few
@given(data=st.data())
def test_binary_forms_hold_the_value(node: Connection, kind: str, data: st.DataObject) -> None:
    rows = asked(node, kind, [*data.draw(st.lists(SCALARS[kind], max_size=8)), "NULL"])
    same = pa.ipc.open_stream(printed(rows, Format.ARROW)).read_all()
    assert same.schema.equals(rows.schema, check_metadata=True)
    assert meaning(same["v"]) == meaning(rows["v"])
    read = pq.read_table(io.BytesIO(printed(rows, Format.PARQUET)))
    if kind == "INTERVAL":
        assert read["v"].to_pylist() == [row["v"] for row in json.loads(printed(rows, Format.JSON))]
    elif kind == "TIMESTAMP_S":
        assert read.schema.field("v").type == pa.timestamp("ms")
        assert printed(read, Format.JSON) == printed(rows, Format.JSON)
    else:
        assert meaning(read["v"]) == meaning(rows["v"])
