"""A result for a person: its first and its last rows, and how many there are.

Owns the cut. Holds no more than the batches that the shown rows are in, so a result may be of
any size.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.formats import cells, head_of

EDGE_ROWS = 20
"""Rows shown at either end; a result of up to twice as many is shown whole."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Rows of a result: `head` and `tail` are all of them if `rows` is no more than they hold."""

    schema: pa.Schema
    head: pa.Table
    tail: pa.Table
    rows: int

    @property
    def cut(self) -> bool:
        """Whether rows between head and tail are not shown."""
        return self.rows > self.head.num_rows + self.tail.num_rows

    def count(self) -> str:
        """The last line under the rows."""
        shown = self.head.num_rows + self.tail.num_rows
        named = f"{self.rows} {'row' if self.rows == 1 else 'rows'}"
        return f"({named}, {shown} shown)" if self.cut else f"({named})"


def excerpt(reader: pa.RecordBatchReader) -> Excerpt:
    """Read a result to its end and keep its edges.

    Raises: what reading the result raises.
    """
    head: list[pa.RecordBatch] = []
    tail: deque[pa.RecordBatch] = deque()
    rows = kept = held = 0
    for batch in reader:
        rows += batch.num_rows
        first = batch.slice(0, EDGE_ROWS - kept)
        rest = batch.slice(first.num_rows)
        head.append(first)
        kept += first.num_rows
        last = rest.slice(max(0, rest.num_rows - EDGE_ROWS))
        tail.append(last)
        held += last.num_rows
        while tail and held - tail[0].num_rows >= EDGE_ROWS:
            held -= tail.popleft().num_rows
    ends = pa.Table.from_batches(tail, reader.schema)
    ends = ends.slice(max(0, ends.num_rows - EDGE_ROWS))
    return Excerpt(reader.schema, pa.Table.from_batches(head, reader.schema), ends, rows)


def as_table(shown: Excerpt) -> Table:
    """Rows under the names of their columns."""
    table = head_of(shown.schema)
    for row in _rows(shown.head):
        table.add_row(*row)
    if shown.cut:
        table.add_row(*(Text("…", style="dim") for _ in shown.schema))
    for row in _rows(shown.tail):
        table.add_row(*row)
    return table


def as_records(shown: Excerpt) -> Table:
    """Each row as lines of its own, a column each."""
    table = Table("column", "value", box=None, pad_edge=False, show_header=False)
    names = [Text(name, style="bold") for name in shown.schema.names]
    first_of_tail = shown.rows - shown.tail.num_rows + 1
    for number, row in [
        *enumerate(_rows(shown.head), 1),
        *enumerate(_rows(shown.tail), first_of_tail),
    ]:
        table.add_row(Text(f"-- row {number}", style="dim"), "")
        for name, cell in zip(names, row, strict=True):
            table.add_row(name, cell)
    return table


def _rows(rows: pa.Table) -> Iterator[tuple[Text, ...]]:
    columns: list[Any] = [cells(column) for column in rows.columns]
    return zip(*columns, strict=True)
