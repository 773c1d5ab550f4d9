"""The edges of a result."""

import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from flightkeeper.cli.shell.excerpt import Excerpt, as_records, as_table, excerpt


def cut(*sizes: int) -> Excerpt:
    numbers = iter(range(sum(sizes)))
    arrays = [pa.array([next(numbers) for _ in range(size)], pa.int64()) for size in sizes]
    schema = pa.schema([("i", pa.int64())])
    batches = [pa.record_batch([array], schema=schema) for array in arrays]
    return excerpt(pa.RecordBatchReader.from_batches(schema, batches))


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), max_size=8))
def test_the_first_and_the_last_twenty_however_they_arrive(sizes: list[int]) -> None:
    shown = cut(*sizes)
    rows = list(range(sum(sizes)))
    assert shown.rows == len(rows)
    assert shown.head.column("i").to_pylist() == rows[:20]
    assert shown.tail.column("i").to_pylist() == rows[20:][-20:]
    assert shown.cut == (len(rows) > 40)


@pytest.mark.parametrize(
    ("rows", "words"),
    [(0, "(0 rows)"), (1, "(1 row)"), (40, "(40 rows)"), (41, "(41 rows, 40 shown)")],
)
def test_the_count(rows: int, words: str) -> None:
    assert cut(rows).count() == words


def printed(table: Table) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=80).print(table)
    return [line.strip() for line in out.getvalue().splitlines()]


def test_the_cut_is_seen() -> None:
    lines = printed(as_table(cut(50)))
    assert lines[20:23] == ["19", "…", "30"]


def test_records_are_numbered_as_in_the_result() -> None:
    lines = printed(as_records(cut(50)))
    assert lines[:2] == ["-- row 1", "i          0"]
    assert lines[-2:] == ["-- row 50", "i          49"]
