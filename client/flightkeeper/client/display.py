"""The first rows of a result as a table: in text for a terminal, in HTML for a notebook.

Pure. Shows what is at hand and never reads more.
"""

from collections.abc import Sequence
from html import escape

import pyarrow as pa

ROWS_MAX = 10
COLUMNS_MAX = 20
CELL_CHARACTERS_MAX = 32

_MORE = "…"


def as_text(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> str:
    """Lines of a table, the last one without its end; only its head if there are no rows."""
    names, types, rows = _cells(schema, batches)
    table = [names, types, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    lines.insert(2, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def as_html(schema: pa.Schema, batches: Sequence[pa.RecordBatch]) -> str:
    """The same as a `<table>`."""
    names, types, rows = _cells(schema, batches)
    head = "".join(
        f"<th>{escape(name)}<br><small>{escape(kind)}</small></th>"
        for name, kind in zip(names, types, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(
    schema: pa.Schema, batches: Sequence[pa.RecordBatch]
) -> tuple[list[str], list[str], list[list[str]]]:
    fields = list(schema)[:COLUMNS_MAX]
    more = [_MORE] if len(schema) > COLUMNS_MAX else []
    rows: list[list[str]] = []
    for batch in batches:
        head = batch.slice(0, ROWS_MAX - len(rows))
        columns = [head.column(place).to_pylist() for place in range(len(fields))]
        rows += [[*map(_cell, row), *more] for row in zip(*columns, strict=True)]
    names = [_cut(field.name) for field in fields]
    types = [_cut(str(field.type)) for field in fields]
    return [*names, *more], [*types, *more], rows


def _cell(value: object) -> str:
    return "NULL" if value is None else _cut(str(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CELL_CHARACTERS_MAX else line[: CELL_CHARACTERS_MAX - 1] + _MORE
