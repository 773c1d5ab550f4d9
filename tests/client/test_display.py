"""The first rows of a result, for people."""

import pyarrow as pa

from flightkeeper.client.display import as_html, as_text

BATCH = pa.record_batch({"id": [1, None], "name": ["<b>", "x" * 100]})


def test_text() -> None:
    assert as_text(BATCH.schema, [BATCH]).splitlines() == [
        "id     name",
        "int64  string",
        "-----  --------------------------------",
        "1      <b>",
        f"NULL   {'x' * 31}…",
    ]
    assert as_text(pa.schema([]), []) == ("\n" * 2)


def test_html_is_escaped() -> None:
    html = as_html(BATCH.schema, [BATCH])
    assert "<td>&lt;b&gt;</td>" in html
    assert html.count("<tr>") == 3


def test_only_the_beginning_is_shown() -> None:
    many = pa.record_batch({str(number): range(30) for number in range(30)})
    lines = as_text(many.schema, [many, many]).splitlines()
    assert len(lines) == 3 + 10
    assert lines[-1].endswith("…")
    assert as_html(many.schema, [many]).count("<th>") == 21


def test_a_value_of_several_lines_stays_on_one() -> None:
    batch = pa.record_batch({"text": ["a\n  b"]})
    assert as_text(batch.schema, [batch]).splitlines()[-1] == "a b"
