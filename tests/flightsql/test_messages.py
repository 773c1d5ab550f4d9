"""Messages travel inside Any, and what is not one of ours is refused with a clear text."""

import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flightsql.messages import MalformedMessage, pack, parse, unpack
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql

_PREFIX = "type.googleapis.com/arrow.flight.protocol.sql."


@given(query=st.text(), transaction=st.none() | st.binary())
def test_round_trip(query: str, transaction: bytes | None) -> None:
    command = sql.CommandStatementQuery(query=query, transaction_id=transaction)
    assert unpack(pack(command)) == command


def test_the_type_url_is_the_one_of_the_specification() -> None:
    envelope = Any.FromString(pack(sql.CommandGetCatalogs()))
    assert envelope.type_url == _PREFIX + "CommandGetCatalogs"


def test_only_what_follows_the_last_slash_counts() -> None:
    url = "example.org/x/arrow.flight.protocol.sql.CommandGetCatalogs"
    assert unpack(Any(type_url=url).SerializeToString()) == sql.CommandGetCatalogs()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no type URL"),
        (b"\xff\xff\xff", "not a Any message"),
        (b"\x0a\x7f", "not a Any message"),
        (Any(type_url="x" * 500).SerializeToString(), "x" * 80 + "'"),
        (Any(type_url="a/b\n\x00c.D").SerializeToString(), r"a/b\n\x00c.D"),
        (Any(type_url=_PREFIX + "NoSuchCommand").SerializeToString(), "NoSuchCommand"),
        (Any(type_url=_PREFIX + "DESCRIPTOR").SerializeToString(), "DESCRIPTOR"),
        (Any(type_url="CommandGetCatalogs").SerializeToString(), "CommandGetCatalogs"),
        (Any(type_url="t/google.protobuf.Timestamp").SerializeToString(), "Timestamp"),
        (
            Any(type_url=_PREFIX + "CommandStatementQuery", value=b"\x0a\xff").SerializeToString(),
            "not a CommandStatementQuery message",
        ),
    ],
)
def test_what_is_not_a_message_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        unpack(data)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 150


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        message = unpack(data)
    except MalformedMessage:
        return
    assert message.DESCRIPTOR.full_name.startswith("arrow.flight.protocol.sql.")


def test_a_bare_message_is_parsed_or_refused() -> None:
    assert parse(Timestamp, Timestamp(seconds=5).SerializeToString()).seconds == 5
    with pytest.raises(MalformedMessage, match="not a Timestamp message"):
        parse(Timestamp, b"\x08")
