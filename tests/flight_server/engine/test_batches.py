"""Batches: near the target size on the wire, whatever the rows are like."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightkeeper.flight_server.engine import open_result
from flightkeeper.flight_server.engine.batches import Gathering, cut, rows_per_batch, size
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.engine.wiring import Wiring

_TYPES = ["BIGINT", "BOOLEAN", "VARCHAR", "DECIMAL(18,3)", "INTEGER[]", "TIMESTAMP WITH TIME ZONE"]
_VECTOR = 2048
_TARGET = 2 * 1024 * 1024
_LIMIT = 3 * 1024 * 1024


@settings(deadline=None)
@given(st.lists(st.sampled_from(_TYPES)), st.integers(65_536, 67_108_864))
def test_rows_are_whole_vectors_and_bounded(types: list[str], batch_bytes: int) -> None:
    rows = rows_per_batch(types, batch_bytes)
    assert rows % _VECTOR == 0
    assert _VECTOR <= rows <= 122_880


@pytest.mark.parametrize(
    ("types", "rows"),
    [
        (["BIGINT"], 122_880),
        (["BIGINT"] * 8, 32_768),
        (["BOOLEAN"] * 64, 122_880),
        (["DECIMAL(4,1)"] * 4, 32_768),
        (["ENUM('a', 'b')"] * 16, 32_768),
        (["DECIMAL(4,1)[]"], 8192),
        (["STRUCT(a INTEGER)"], 8192),
        (["VARCHAR"], 8192),
        (["VARCHAR"] * 16, 4096),
        (["DECIMAL(38,0)"] * 64, 2048),
        (["BIGINT"] * 100_000, 2048),
        ([], 122_880),
    ],
)
def test_wide_rows_make_short_batches(types: list[str], rows: int) -> None:
    assert rows_per_batch(types, _TARGET) == rows


@settings(deadline=None)  # the first example pays for imports
@given(lengths=st.lists(st.integers(0, 3000), max_size=80), batch_bytes=st.integers(400, 20_000))
def test_cutting_keeps_all_rows_in_order(lengths: list[int], batch_bytes: int) -> None:
    batch = pa.record_batch({"a": [f"{i:0{n + 3}}" for i, n in enumerate(lengths)]})
    pieces = list(cut(batch, batch_bytes))
    assert pa.Table.from_batches(pieces, batch.schema).combine_chunks().to_pylist() == (
        batch.to_pylist()
    )
    assert all(size(p) <= 1.5 * batch_bytes or p.num_rows <= 1 for p in pieces)


@settings(deadline=None)
@given(
    lengths=st.lists(st.lists(st.integers(0, 200), max_size=20), max_size=20),
    batch_bytes=st.integers(1000, 20_000),
)
def test_gathering_keeps_all_rows_in_order(lengths: list[list[int]], batch_bytes: int) -> None:
    gathering = Gathering(batch_bytes)
    schema = pa.schema([("a", pa.string())])
    taken = [pa.record_batch({"a": ["x" * n for n in some]}, schema=schema) for some in lengths]
    batches = [batch for one in taken for batch in gathering.add(one)] + gathering.rest()
    assert gathering.rest() == []
    assert [row for batch in batches for row in batch["a"].to_pylist()] == [
        "x" * n for some in lengths for n in some
    ]
    assert all(0 < size(b) <= 1.5 * batch_bytes or b.num_rows == 1 for b in batches)


def test_a_batch_of_the_right_size_is_passed_as_it_is() -> None:
    batch = pa.record_batch({"a": range(100)})
    (piece,) = cut(batch, 800)
    assert piece is batch
    (passed,) = Gathering(800).add(batch)
    assert passed is batch


def test_who_is_in_a_hurry_gets_everything_at_once() -> None:
    gathering = Gathering(_TARGET)
    batch = pa.record_batch({"a": range(100)})
    assert gathering.add(batch) == []
    (both,) = gathering.add(batch, hurry=True)
    assert both.num_rows == 200
    assert gathering.rest() == []


def test_what_arrow_sends_whole_anyway_is_not_cut() -> None:
    views = pa.record_batch({"a": pa.array([f"{i:0100}" for i in range(1000)], pa.string_view())})
    assert [piece.num_rows for piece in cut(views, 10_000)] == [1000]


def test_a_dictionary_does_not_count() -> None:
    words = pa.array([f"{number:05000}" for number in range(1000)])
    numbers = pa.array([number % 1000 for number in range(5000)], pa.int16())
    batch = pa.record_batch({"a": pa.DictionaryArray.from_arrays(numbers, words)})
    assert batch.nbytes > _LIMIT
    assert list(cut(batch, _TARGET)) == [batch]
    assert Gathering(_TARGET).add(batch) == []


def test_a_long_row_is_sent_alone_and_the_others_are_not() -> None:
    texts = ["x"] * 4000 + ["y" * 10_000_000] + ["z"] * 4000
    pieces = list(cut(pa.record_batch({"a": texts}), _TARGET))
    assert [piece.num_rows for piece in pieces if size(piece) > _LIMIT] == [1]
    assert sum(piece.num_rows for piece in pieces) == 8001
    assert len(pieces) < 50


def _columns(text: str, count: int) -> str:
    """A column for each number from 1; `#` stands for it."""
    return ", ".join(f"{text.replace('#', str(number))} AS c{number}" for number in range(count))


_WORDS = ", ".join(f"'word {number:06}'" for number in range(1500))
_RESULTS = {
    "narrow": "SELECT i FROM range(400000) t(i)",
    "flags": f"SELECT {_columns('i % (# + 1) = 0', 64)} FROM range(400000) t(i)",
    "nulls": "SELECT CASE WHEN i % 2 = 0 THEN i END AS a FROM range(400000) t(i)",
    "wide": f"SELECT {_columns('i + #', 1000)} FROM range(6000) t(i)",
    "wide texts": f"SELECT {_columns('i::VARCHAR', 300)} FROM range(9000) t(i)",
    "short texts": "SELECT (i % 10)::VARCHAR AS a FROM range(400000) t(i)",
    "long texts": "SELECT repeat('x', 3000) || i AS a FROM range(7000) t(i)",
    "uneven texts": "SELECT repeat('x', (i % 977)::INT * 10) AS a FROM range(30000) t(i)",
    "lists": "SELECT range(i % 100) AS a FROM range(100000) t(i)",
    "nested": """
        SELECT {'a': i, 'b': [i::VARCHAR, 'x'], 'c': MAP {i: 'y'}} AS a FROM range(100000) t(i)""",
    "enums": f"""
        SELECT ('word ' || lpad((i % 1500)::VARCHAR, 6, '0'))::ENUM({_WORDS}) AS a
        FROM range(400000) t(i)""",
    "blobs": "SELECT ('\\x00'::BLOB || repeat('x', 500)::BLOB) AS a FROM range(20000) t(i)",
}


@pytest.fixture(autouse=True)
def in_no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements may take their time on a busy machine."""
    monkeypatch.setattr(open_result, "_GATHERED_WITHIN_S", 1e9)


@pytest.fixture
def connection() -> Iterator[Connection]:
    with duckdb.connect() as root:
        opened = Connection(root.cursor(), Wiring(_TARGET))
        yield opened
        opened.close()


@pytest.mark.parametrize("name", _RESULTS)
def test_batches_of_results_are_near_the_target(connection: Connection, name: str) -> None:
    statement = parse(_RESULTS[name])[0]
    *full, _last = [(size(batch), batch.num_rows) for batch in connection.run(statement)]
    assert full
    assert all(taken <= _LIMIT for taken, _ in full)
    assert all(taken >= 0.4 * _TARGET or rows >= 122_880 for taken, rows in full)


@pytest.mark.parametrize("name", ["short texts", "uneven texts", "enums", "wide texts"])
def test_putting_together_and_cutting_change_nothing(connection: Connection, name: str) -> None:
    texts = f"SELECT COLUMNS(*)::VARCHAR FROM ({_RESULTS[name]})"
    table = pa.Table.from_batches(list(connection.run(parse(_RESULTS[name])[0])))
    expected = pa.Table.from_batches(list(connection.run(parse(texts)[0])))
    for column, other in zip(table.columns, expected.columns, strict=True):
        assert column.cast(pa.string()).equals(other)


def test_batches_of_all_types_can_be_put_together(connection: Connection) -> None:
    result = connection.run(parse("SELECT t.* FROM test_all_types() t, range(3000)")[0])
    assert sum(batch.num_rows for batch in result) == 9000


@pytest.mark.parametrize(("within_s", "rows"), [(-1.0, 8192), (1e9, 60_000)])
def test_a_slow_statement_delivers_what_it_has(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, within_s: float, rows: int
) -> None:
    monkeypatch.setattr(open_result, "_GATHERED_WITHIN_S", within_s)
    statement = parse("SELECT i::VARCHAR AS a FROM range(60000) t(i)")[0]
    assert next(iter(connection.run(statement))).num_rows == rows


def test_the_end_of_a_small_answer_is_known_however_slow_it_was(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_result, "_GATHERED_WITHIN_S", -1.0)
    assert connection.run(parse("SELECT i::VARCHAR FROM range(5000) t(i)")[0]).rows == 5000
