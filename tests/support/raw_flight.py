"""Arrow Flight below Arrow: every RPC with any bytes at all, over a plain gRPC channel.

Flight libraries send only messages that are well-formed; what a node does with others is asked
here. Owns how Flight's messages look on the wire, and nothing of what they mean.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pyarrow as pa
from google.protobuf.message import Message

from flightkeeper.flightsql.wire import flight_pb2 as core

_SERVICE = "/arrow.flight.protocol.FlightService/"
_CARDINALITY = {
    "Handshake": "stream_stream",
    "ListFlights": "unary_stream",
    "GetFlightInfo": "unary_unary",
    "PollFlightInfo": "unary_unary",
    "GetSchema": "unary_unary",
    "DoGet": "unary_stream",
    "DoPut": "stream_stream",
    "DoExchange": "stream_stream",
    "DoAction": "unary_stream",
    "ListActions": "unary_stream",
}
RPCS = tuple(_CARDINALITY)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended.

    Attributes:
        code: gRPC's name of it, such as "OK".
        details: the message beside it.
        said: whether the server said so, rather than gRPC on its own.
        trailers: everything sent beside it, as text.
    """

    code: str
    details: str
    said: bool
    trailers: str


class RawFlight:
    """A channel to one server. Thread-safe."""

    def __init__(self, location: str) -> None:
        self._channel = grpc.insecure_channel(location.removeprefix("grpc://"))
        self._calls: dict[str, Any] = {
            rpc: getattr(self._channel, kind)(
                _SERVICE + rpc, request_serializer=None, response_deserializer=None
            )
            for rpc, kind in _CARDINALITY.items()
        }

    def call(
        self,
        rpc: str,
        messages: Iterable[bytes],
        authorization: str | bytes | None = None,
        timeout_s: float = 20,
    ) -> Answer:
        """Make a call and read its answer to the end."""
        kind = _CARDINALITY[rpc]
        requests = list(messages)
        sent: Any = iter(requests) if kind.startswith("stream") else requests[0]
        metadata = [] if authorization is None else [("authorization", authorization)]
        try:
            answer = self._calls[rpc](sent, timeout=timeout_s, metadata=metadata)
            if kind.endswith("stream"):
                for _ in answer:
                    pass
        except grpc.RpcError as error:
            failed: Any = error
            trailers = failed.trailing_metadata() or ()
            said = any(key == "x-arrow-status" for key, _ in trailers)
            return Answer(failed.code().name, failed.details() or "", said, str(trailers))
        return Answer("OK", "", said=True, trailers="")

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def descriptor(command: bytes) -> bytes:
    """A FlightDescriptor of a command."""
    return core.FlightDescriptor(type=core.FlightDescriptor.CMD, cmd=command).SerializeToString()


def stream(command: bytes, table: pa.Table | None = None) -> list[bytes]:
    """The FlightData messages of an upload: the descriptor with the schema, then the batches."""
    first = _field(1, descriptor(command))
    if table is None:
        return [first]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    messages = [_flight_data(message) for message in _ipc(sink.getvalue())]
    return [first + messages[0], *messages[1:]]


def ticket(command: bytes) -> bytes:
    """A Ticket."""
    return core.Ticket(ticket=command).SerializeToString()


def action(name: str, body: bytes) -> bytes:
    """An Action."""
    return _field(1, name.encode()) + _field(2, body)


def bare(message: Message) -> bytes:
    """The body of an action of core Flight."""
    return message.SerializeToString()


def _ipc(stream_bytes: pa.Buffer) -> Iterator[Any]:
    reader = pa.ipc.MessageReader.open_stream(stream_bytes)
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _flight_data(message: Any) -> bytes:
    body = b"" if message.body is None else message.body.to_pybytes()
    return _field(2, message.metadata.to_pybytes()) + _field(1000, body)


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
