"""The bytes of a reference table."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.reference_table import (
    HISTORY_MAX,
    METADATA,
    Content,
    MalformedTable,
    TableChange,
    decode,
    encode,
)

FIELDS: list[Any] = [
    pa.field("code", pa.string(), nullable=False, metadata={"note": "ISO 3166"}),
    pa.field("population", pa.int64()),
]
ROWS = pa.table(
    {"code": ["de", "fr"], "population": [84, None]},
    schema=pa.schema(
        FIELDS,
        metadata={"of": "somebody"},
    ),
)
CHANGE = TableChange(version=7, at_ms=1, by="ada", rows=2, mark="m")


def test_a_table_comes_back_as_it_was() -> None:
    content = Content(ROWS, ("code",), "countries", (CHANGE,))
    found = decode(encode(content))
    assert found == content
    assert found.rows.schema.equals(ROWS.schema, check_metadata=True)


def test_it_is_one_batch_of_any_arrow_librarys_stream() -> None:
    chunked = pa.concat_tables([ROWS, ROWS, ROWS])
    with pa.ipc.open_stream(encode(Content(chunked))) as reader:
        assert [batch.num_rows for batch in reader] == [6]
    empty = decode(encode(Content(ROWS.schema.empty_table())))
    assert (empty.rows.num_rows, empty.rows.schema) == (0, ROWS.schema)


def test_it_is_compressed() -> None:
    zeros = pa.table({"a": pa.array([0] * 100_000, pa.int64())})
    assert len(encode(Content(zeros))) < 2000


def test_what_another_program_wrote_needs_to_say_nothing_of_itself() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ROWS.schema) as writer:
        writer.write_table(ROWS, max_chunksize=1)
    assert decode(sink.getvalue().to_pybytes()) == Content(ROWS)


@given(
    st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1) | st.none(), st.text() | st.none())),
    st.text(),
    st.lists(st.integers(0, 2**40)),
)
def test_any_table_and_history_come_back(
    rows: list[tuple[int | None, str | None]], comment: str, versions: list[int]
) -> None:
    columns = [[row[0] for row in rows], [row[1] for row in rows]]
    fields: Any = {"a": pa.int64(), "b": pa.string()}
    table = pa.table(columns, schema=pa.schema(fields))
    history = tuple(TableChange(v, v, comment, v, "x") for v in versions)
    content = Content(table, ("b",), comment, history)
    assert decode(encode(content)) == content


def test_its_history_has_an_end() -> None:
    content = Content(ROWS)
    for version in range(HISTORY_MAX + 5):
        content = content.changed(TableChange(version, 0, "ada", 2, "m"))
    versions = [change.version for change in content.history]
    assert versions == list(range(5, HISTORY_MAX + 5))


def about(**changes: object) -> bytes:
    """A table whose own words are these."""
    said = {"v": 1, "primary_key": [], "comment": "", "history": [], **changes}
    rows = ROWS.replace_schema_metadata({METADATA: json.dumps(said).encode()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "data",
    [
        b"no arrow",
        b"\xff" * 100,
        encode(Content(ROWS))[:-40],
        about(v=2),
        about(primary_key=["nowhere"]),
        about(primary_key=7),
        about(history=[{"version": 1}]),
        about(history=[3]),
        about(history=[{"version": 1e999, "at_ms": 1, "by": "", "rows": 1, "mark": ""}]),
    ],
)
def test_what_is_no_table_is_told(data: bytes) -> None:
    with pytest.raises(MalformedTable, match="it is no reference table: "):
        decode(data)


def test_unsound_buffers_are_found() -> None:
    sink = pa.BufferOutputStream()
    rows = pa.table({"a": pa.array(["ab"], pa.string())})
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    whole = sink.getvalue().to_pybytes()
    head, _, tail = whole.rpartition(b"\x00\x00\x00\x00\x02\x00\x00\x00")
    with pytest.raises(MalformedTable):
        decode(head + b"\x00\x00\x00\x00\xff\xff\xff\x7f" + tail)
