"""What clients send: valid to the last value, complete, and with names to read it by."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack
from tests.flight_server.uploading import exchanged, ingest, into, uploading
from tests.flight_server.wire_client import Served, WireClient
from tests.support.raw_flight import Answer, RawFlight, stream

_NAMED = pa.array([1])


def table(*names: str) -> pa.Table:
    return pa.Table.from_arrays([_NAMED] * len(names), names=list(names))


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (table(), "need columns with names"),
        (table("a", ""), "need columns with names"),
        (table("a\0b"), "need columns with names"),
        (table("a", "b", "A"), r"more than one column is named a \(whatever the case\)"),
    ],
    ids=["no columns", "no name", "half a name", "the same name"],
)
@pytest.mark.parametrize("way", ["ingest", "exchange"])
def test_columns_that_cannot_be_told_apart_are_refused(
    client: WireClient, way: str, rows: pa.Table, text: str
) -> None:
    ways: dict[str, Callable[[], object]] = {
        "ingest": lambda: ingest(client, into("t"), rows),
        "exchange": lambda: exchanged(client, "FROM input", rows),
    }
    with pytest.raises(pa.ArrowInvalid, match=text):
        ways[way]()
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 0


@pytest.mark.parametrize("name", [b"flat", b"deep"])
def test_names_that_are_no_text_are_refused(
    served: Served, client: WireClient, name: bytes
) -> None:
    rows = pa.table({"flat": [1], "nest": [{"deep": 2}]})
    first, *batches = stream(pack(into("t")), rows)
    answer = put(served, [first.replace(name, b"\xff\xfe\x80!"), *batches])
    assert (answer.code, "not UTF-8" in answer.details) == ("INVALID_ARGUMENT", True)
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 0


def test_a_message_that_is_damaged_on_the_way_is_refused(
    served: Served, client: WireClient
) -> None:
    first, batch = stream(pack(into("t")), pa.table({"a": range(100)}))
    answer = put(served, [first, batch[:20] + b"\xff" * 40 + batch[60:]])
    assert (answer.code, "Traceback" in answer.trailers) == ("INVALID_ARGUMENT", False)
    assert "not valid Arrow data; nothing was run" in answer.details
    assert client.value("SELECT count(*) FROM duckdb_tables()") == 0


def put(served: Served, messages: list[bytes]) -> Answer:
    raw = RawFlight(served.location)
    try:
        return raw.call("DoPut", messages)
    finally:
        raw.close()


@pytest.mark.parametrize("mark", [None, b"other", headers.UPLOAD_COMPLETE])
def test_an_upload_whose_end_is_to_be_marked_needs_its_mark(
    client: WireClient, mark: bytes | None
) -> None:
    client.extra_headers[headers.UPLOAD_MARKED] = "1"
    rows = pa.record_batch({"a": [1]})
    with uploading(client, into("marked"), rows.schema) as (writer, reader):
        writer.write_batch(rows)
        if mark is not None:
            writer.write_metadata(pa.py_buffer(mark))
        writer.done_writing()
        if mark == headers.UPLOAD_COMPLETE:
            assert reader.read() is not None
        else:
            assert reader.read() is None
            with pytest.raises(flight.FlightCancelledError, match="before all data had arrived"):
                writer.close()
    tables = client.value("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'marked'")
    assert tables == (mark == headers.UPLOAD_COMPLETE)
    client.update("DROP TABLE IF EXISTS marked")
