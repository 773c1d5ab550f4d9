"""Compression and dictionaries, as they are on the wire."""

from typing import Any

import pyarrow as pa
import pytest

from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Served, WireClient
from tests.support.relay import Relay, relaying

_WORDS = ", ".join(f"'the word number {number:06}'" for number in range(1500))
_WORDS_BYTES = 1500 * len("the word number 000000")
_ENUM = f"SELECT ('the word number ' || lpad((i % 1500)::VARCHAR, 6, '0'))::ENUM({_WORDS})"
_TEXTS = {
    "whole": "SELECT i % 10 AS a, 'some text' AS b FROM range(20000) t(i)",
    "streamed": "SELECT i % 10 AS a, 'some text' AS b FROM range(1000000) t(i)",
    "dictionary": f"{_ENUM} AS a, i AS b FROM range(1000000) t(i)",
}


def received(client: WireClient, relay: Relay, text: str) -> tuple[pa.Table, int]:
    """An answer, and how many bytes its stream took."""
    info = client.plan(text)
    before = relay.received
    return client.fetch(info), relay.received - before


@pytest.mark.parametrize("name", _TEXTS)
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_what_is_to_be_compressed_is(served: Served, name: str, codec: str) -> None:
    with relaying(served.location) as relay, WireClient(relay.location) as client:
        plain, plain_bytes = received(client, relay, _TEXTS[name])
        client.extra_headers["x-flightkeeper-compression"] = codec
        packed, packed_bytes = received(client, relay, _TEXTS[name])
    assert packed.equals(plain)
    assert plain_bytes > 0.9 * plain.nbytes
    assert packed_bytes < plain_bytes / 2


def test_who_reads_no_dictionaries_gets_values(served: Served) -> None:
    text = "SELECT ['b']::ENUM('a', 'b')[] AS e FROM range(100000)"
    with WireClient(served.location) as client:
        dictionaries = client.fetch(client.plan(text))
        client.extra_headers["x-flightkeeper-dictionaries"] = "off"
        command = sql.CommandStatementQuery(query=text)
        info = client.info(command)
        schema = pa.schema([pa.field("e", pa.list_(pa.field("l", pa.string())))])
        announced = client.prepare(text).dataset_schema
        assert info.schema.types == client.schema(command).types == schema.types
        assert pa.ipc.read_schema(pa.py_buffer(announced)).types == schema.types
        # The ticket says so: it is the same for whoever fetches it.
        del client.extra_headers["x-flightkeeper-dictionaries"]
        values = client.fetch(info)
    assert values.schema.equals(info.schema, check_metadata=True)
    assert "dictionary" in str(dictionaries.schema)
    assert values.to_pylist() == dictionaries.to_pylist()


def test_a_dictionary_is_sent_once(served: Served) -> None:
    with relaying(served.location) as relay, WireClient(relay.location) as client:
        table, sent_bytes = received(client, relay, _TEXTS["dictionary"])
    chunks: Any = table["a"].chunks
    assert len(chunks) > 3
    assert table["a"].cast(pa.string())[1499].as_py() == "the word number 001499"
    indices_bytes = sum(chunk.indices.nbytes for chunk in chunks) + table["b"].nbytes
    assert sent_bytes < indices_bytes + 2 * _WORDS_BYTES
