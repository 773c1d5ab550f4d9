"""The forms a result is printed in.

Owns the writers, one per `Format`. Each takes batches as they come and holds no more than a few
of them, so a result may be larger than memory; each writes all rows or raises what the reader
raised, never a short answer without an error. Knows nothing of connections.
"""

import html
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import partial
from io import IOBase
from types import UnionType
from typing import Any, TextIO, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flightkeeper.cli.consoles import console_for

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
    return [_cell(value) for value in column.to_pylist()]


def _cell(value: object) -> Text:
    if value is None:
        return Text("NULL", style="dim")
    return Text(_text(value))


def _separated(reader: pa.RecordBatchReader, out: TextIO, delimiter: str) -> None:
    schema = pa.schema([pa.field(f.name, _csv_type(f.type)) for f in reader.schema])
    options = pa_csv.WriteOptions(delimiter=delimiter)
    with pa_csv.CSVWriter(out.buffer, schema, write_options=options) as writer:
        for batch in reader:
            writer.write_batch(_as(batch, schema))
            out.flush()


def _csv_type(kind: pa.DataType) -> pa.DataType:
    as_text = pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_interval(kind)
    return pa.string() if as_text or pa.types.is_large_binary(kind) else kind


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch with those columns as text that the schema wants so."""
    columns = [_column(c, f) for c, f in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(column: "pa.Array[Any]", field: "pa.Field[Any]") -> "pa.Array[Any]":
    if column.type == field.type:
        return column
    texts = [None if v is None else _text(v) for v in column.to_pylist()]
    return pa.array(texts, pa.string())


def _write_json(reader: pa.RecordBatchReader, out: TextIO) -> None:
    separator = "["
    for row in _rows(reader):
        print(f"{separator}{_dump(row)}", end="", file=out)
        separator = ",\n"
    print("[]" if separator == "[" else "]", file=out, flush=True)


def _write_jsonl(reader: pa.RecordBatchReader, out: TextIO) -> None:
    for row in _rows(reader):
        print(_dump(row), file=out)
    out.flush()


def _write_markdown(reader: pa.RecordBatchReader, out: TextIO) -> None:
    names = reader.schema.names
    print(_markdown_row(names), _markdown_row("---" for _ in names), sep="\n", file=out)
    for batch in _pieces(reader):
        for row in _texts(batch):
            print(_markdown_row(row), file=out)
        out.flush()


def _markdown_row(cells: Iterable[str]) -> str:
    escaped = (c.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>") for c in cells)
    return f"| {' | '.join(escaped)} |"


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
    columns = [["" if v is None else _text(v) for v in c.to_pylist()] for c in batch.columns]
    return zip(*columns, strict=True)


def _write_parquet(reader: pa.RecordBatchReader, out: TextIO) -> None:
    # Loaded for those who ask for it.
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = unique_names(reader.schema.names)
    kinds = [_parquet_type(field.type) for field in reader.schema]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    with pq.ParquetWriter(cast("Any", out.buffer), schema) as writer:
        for batch in reader:
            writer.write_batch(_as(batch, schema))
    out.flush()


def _parquet_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_interval(kind) or pa.types.is_union(kind) else kind


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
        yield from batch.rename_columns(names).to_pylist()


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


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return _dump(value)
    # JSON has no NaN; text has.
    return str(value if isinstance(value, float | bool) else _plain(value))


def _dump(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: object) -> object:
    """A value as JSON can hold it: what it has no form for becomes text, so nothing is lost."""
    if value is None or isinstance(value, str | int):
        return value
    for kinds, made in _PLAIN:
        if isinstance(value, kinds):
            return made(value)
    return str(value)


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else _NOT_FINITE[str(value)]


_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _interval(value: pa.MonthDayNano) -> str:
    """As ISO 8601 writes a duration, with each part's own sign: "P1M-2DT3.5S"."""
    seconds = Decimal(value.nanoseconds).scaleb(-9).normalize()
    parts = [f"{value.months}M"] if value.months else []
    parts += [f"{value.days}D"] if value.days else []
    parts += [f"T{seconds:f}S"] if seconds or not parts else []
    return f"P{''.join(parts)}"


_PLAIN: tuple[tuple[type | UnionType, Callable[[Any], object]], ...] = (
    (dict, lambda value: {str(name): _plain(item) for name, item in value.items()}),
    (pa.MonthDayNano, _interval),  # a tuple, too
    (list | tuple, lambda value: [_plain(item) for item in value]),
    (float, _finite),
    (bytes, lambda value: f"\\x{value.hex()}"),
    (datetime | date | time, lambda value: value.isoformat()),
)
