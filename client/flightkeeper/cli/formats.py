"""The forms a result is printed in.

Owns the writers, one per `Format`. Each takes batches as they come and holds no more than a few
of them, so a result may be larger than memory; each writes all rows or raises what the reader
raised, never a short answer without an error. What becomes of each type is `values`'.
"""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from io import IOBase
from typing import Any, TextIO, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.values import (
    Column,
    as_text,
    beyond,
    dump,
    in_milliseconds,
    plain,
    texts,
)

TABLE_ROWS = 1000
"""Rows laid out together; column widths are settled once per so many rows."""


class Format(StrEnum):
    """How `flightkeeper sql` prints results."""

    TABLE = "table"
    CSV = "csv"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    HTML = "html"
    ARROW = "arrow"
    PARQUET = "parquet"

    @property
    def binary(self) -> bool:
        """It is no text, and a file holds one result of it."""
        return self in {Format.ARROW, Format.PARQUET}


def write(reader: pa.RecordBatchReader, output: Format, out: TextIO) -> None:
    """Print a whole result; `out` is flushed after every batch.

    Raises: what reading the result raises; what was printed until then is part of the result.
    """
    _WRITERS[output](reader, out)


def _write_table(reader: pa.RecordBatchReader, out: TextIO) -> None:
    console = console_for(out)
    rows = 0
    batches = _pieces(reader)
    first = next(batches, None)
    _print_rows(console, reader.schema, first)
    for batch in batches:
        rows += batch.num_rows
        _print_rows(console, reader.schema, batch)
    rows += first.num_rows if first is not None else 0
    print(f"({rows} {'row' if rows == 1 else 'rows'})", file=out, flush=True)


def _print_rows(console: Console, schema: pa.Schema, batch: pa.RecordBatch | None) -> None:
    table = head_of(schema)
    columns = [cells(column) for column in batch.columns] if batch is not None else []
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    console.print(table)


def head_of(schema: pa.Schema) -> Table:
    """A table of these columns that has no rows yet; numbers stand on the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for field in schema:
        number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        number = number or pa.types.is_decimal(field.type)
        table.add_column(Text(field.name), justify="right" if number else "left", overflow="fold")
    return table


def cells(column: "pa.Array[Any] | pa.ChunkedArray[Any]") -> list[Text]:
    """The values of a column as a table shows them."""
    null = Text("NULL", style="dim")
    return [null if text is None else Text(text) for text in texts(column)]


def _separated(reader: pa.RecordBatchReader, out: TextIO, delimiter: str) -> None:
    head = pa.table({str(n): [] for n in range(len(reader.schema))}).rename_columns(
        reader.schema.names
    )
    pa_csv.write_csv(head, out.buffer, pa_csv.WriteOptions(delimiter=delimiter))
    options = pa_csv.WriteOptions(include_header=False, delimiter=delimiter)
    for batch in reader:
        columns = [_csv_column(column) for column in batch.columns]
        rows = pa.RecordBatch.from_arrays(columns, names=reader.schema.names)
        pa_csv.write_csv(rows, out.buffer, options)
        out.flush()
    out.flush()


def _csv_column(column: Column) -> Column:
    """The column as Arrow writes it, or as text where that would not be read as the same value."""
    kind = column.type
    if pa.types.is_timestamp(kind) and beyond(column):
        # As Arrow writes those that it can.
        return pa.array([text and text.replace("T", " ") for text in texts(column)], pa.string())
    nested = pa.types.is_nested(kind) or pa.types.is_interval(kind)
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return as_text(column) if nested or binary or beyond(column) else column


def _write_json(reader: pa.RecordBatchReader, out: TextIO) -> None:
    separator = "["
    for row in _rows(reader):
        print(f"{separator}{dump(row)}", end="", file=out)
        separator = ",\n"
    print("[]" if separator == "[" else "]", file=out, flush=True)


def _write_jsonl(reader: pa.RecordBatchReader, out: TextIO) -> None:
    for row in _rows(reader):
        print(dump(row), file=out)
    out.flush()


def _write_markdown(reader: pa.RecordBatchReader, out: TextIO) -> None:
    names = reader.schema.names
    print(_markdown_row(names), _markdown_row("---" for _ in names), sep="\n", file=out)
    for batch in _pieces(reader):
        for row in _texts(batch):
            print(_markdown_row(row), file=out)
        out.flush()


def _markdown_row(cells: Iterable[str]) -> str:
    escaped = (_LINE_END.sub("<br>", _MARKUP.sub(r"\\\g<0>", cell)) for cell in cells)
    return f"| {' | '.join(escaped)} |"


_MARKUP = re.compile(
    r"""[\\|`*\[~] | (?<!\w)_ | _(?!\w) | <(?=[A-Za-z/!?]) | &(?=\#?\w+;)""", re.VERBOSE
)
"""What would be taken for markup; a `_` within a word, a lone `<` and a lone `&` would not."""
_LINE_END = re.compile(r"\r\n|\r|\n")


def _write_html(reader: pa.RecordBatchReader, out: TextIO) -> None:
    print("<table>", _html_row("th", reader.schema.names), sep="\n", file=out)
    for batch in _pieces(reader):
        for row in _texts(batch):
            print(_html_row("td", row), file=out)
        out.flush()
    print("</table>", file=out, flush=True)


def _html_row(kind: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{kind}>{html.escape(cell)}</{kind}>' for cell in cells)}</tr>"


def _texts(batch: pa.RecordBatch) -> Iterator[tuple[str, ...]]:
    """The rows as text, NULL as nothing."""
    columns = [[text or "" for text in texts(column)] for column in batch.columns]
    return zip(*columns, strict=True)


def _write_parquet(reader: pa.RecordBatchReader, out: TextIO) -> None:
    # Loaded for those who ask for it.
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = unique_names(reader.schema.names)
    kinds = [_parquet_type(field.type) for field in reader.schema]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with pq.ParquetWriter(cast("Any", out.buffer), schema) as writer:
        for batch in reader:
            columns = list(map(_parquet_column, batch.columns, kinds))
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    out.flush()


def _parquet_type(kind: Any) -> Any:
    """The type, in milliseconds where it is in seconds, and text where Parquet has none."""
    if _in_seconds(kind):
        return pa.timestamp("ms", kind.tz)
    return pa.string() if _has_no_place(kind) else kind


def _parquet_column(column: Column, kind: pa.DataType) -> Column:
    if column.type == kind:
        return column
    return as_text(column) if kind == pa.string() else in_milliseconds(column)


def _in_seconds(kind: Any) -> bool:
    return pa.types.is_timestamp(kind) and kind.unit == "s"


def _has_no_place(kind: Any) -> bool:
    if pa.types.is_interval(kind) or pa.types.is_union(kind) or _in_seconds(kind):
        return True
    parts = [kind.field(number).type for number in range(kind.num_fields)]
    return any(_has_no_place(part) for part in parts)


def _write_arrow(reader: pa.RecordBatchReader, out: TextIO) -> None:
    with pa.ipc.new_stream(cast("IOBase", out.buffer), reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    out.flush()


_WRITERS: Mapping[Format, Callable[[pa.RecordBatchReader, TextIO], None]] = {
    Format.TABLE: _write_table,
    Format.CSV: partial(_separated, delimiter=","),
    Format.TSV: partial(_separated, delimiter="\t"),
    Format.JSON: _write_json,
    Format.JSONL: _write_jsonl,
    Format.MARKDOWN: _write_markdown,
    Format.HTML: _write_html,
    Format.ARROW: _write_arrow,
    Format.PARQUET: _write_parquet,
}


def _pieces(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    for batch in reader:
        for start in range(0, batch.num_rows, TABLE_ROWS):
            yield batch.slice(start, TABLE_ROWS)


def _rows(reader: pa.RecordBatchReader) -> Iterator[dict[str, Any]]:
    names = unique_names(reader.schema.names)
    for batch in _pieces(reader):
        for row in zip(*(plain(column) for column in batch.columns), strict=True):
            yield dict(zip(names, row, strict=True))


def unique_names(names: list[str]) -> list[str]:
    """Names made different by a number: an object of JSON cannot hold one name twice."""
    taken = set(names)
    chosen: list[str] = []
    for name in names:
        candidates = (f"{name}_{number}" for number in range(1, len(names) + len(taken) + 1))
        free = name if name not in chosen else next(c for c in candidates if c not in taken)
        taken.add(free)
        chosen.append(free)
    return chosen
