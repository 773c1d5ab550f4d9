"""Prints rows in a form of output, and reads them back."""

import html.parser
import io
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
from markdown_it import MarkdownIt

from flightkeeper.cli.formats import Format, write


def printed(rows: pa.Table, output: Format) -> bytes:
    """Rows as the command prints them."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", newline="\n", write_through=True)
    write(rows.to_reader(), output, out)
    return raw.getvalue()


Cell = Any
"""A text, or a value of JSON with the digits of its numbers; None = NULL."""


def read_separated(data: bytes, delimiter: str) -> list[list[Cell]]:
    """All as text; NULL is what has neither text nor quotes."""
    table = pa_csv.read_csv(
        io.BytesIO(data),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={"i": pa.string(), "v": pa.string()},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [list(row.values()) for row in table.to_pylist()]


def read_json(data: bytes) -> list[list[Cell]]:
    rows = json.loads(data, parse_float=str, parse_int=str)
    return [list(row.values()) for row in rows]


def read_jsonl(data: bytes) -> list[list[Cell]]:
    # A line ends with "\\n" and nothing else that Python takes for an end of one.
    return [
        row for line in data.decode().split("\n")[:-1] for row in read_json(f"[{line}]".encode())
    ]


class Cells(html.parser.HTMLParser):
    """Collects the texts of a table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._within: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self._within = []
        elif tag == "br" and self._within is not None:
            self._within.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._within is not None:
            self.rows[-1].append("".join(self._within))
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within is not None:
            self._within.append(data)


def read_html(data: bytes) -> list[list[Cell]]:
    cells = Cells()
    cells.feed(data.decode())
    return [list(row) for row in cells.rows[1:]]


def read_markdown(data: bytes) -> list[list[Cell]]:
    shown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return read_html(shown.render(data.decode()).encode())


READERS: Mapping[Format, Callable[[bytes], list[list[Cell]]]] = {
    Format.CSV: partial(read_separated, delimiter=","),
    Format.TSV: partial(read_separated, delimiter="\t"),
    Format.JSON: read_json,
    Format.JSONL: read_jsonl,
    Format.HTML: read_html,
    Format.MARKDOWN: read_markdown,
}
