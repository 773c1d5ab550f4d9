"""Flight SQL messages by name, and how they travel inside `Any`.

Owns the packing of commands, action bodies and tickets. Knows nothing of what they mean.
Spec: Flight SQL wraps its commands and actions in `google.protobuf.Any`; the core Flight actions
(sessions, CancelFlightInfo) travel bare.
"""

from typing import TypeVar

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message

from flightkeeper.flightsql.wire import flight_sql_pb2

_M = TypeVar("_M", bound=Message)

_PACKAGE = "arrow.flight.protocol.sql."
_URL_PREFIX = "type.googleapis.com/" + _PACKAGE

_CLASSES: dict[str, type[Message]] = {
    _PACKAGE + name: value
    for name, value in vars(flight_sql_pb2).items()
    if isinstance(value, type) and issubclass(value, Message)
}


class MalformedMessage(ValueError):
    """Bytes that are not the Flight SQL message they should be; nothing was done with them."""


def pack(message: Message) -> bytes:
    """A Flight SQL message as `Any` bytes."""
    return Any(
        type_url=_URL_PREFIX + message.DESCRIPTOR.name, value=message.SerializeToString()
    ).SerializeToString()


def unpack(data: bytes) -> Message:
    """The Flight SQL message inside `Any` bytes.

    Raises:
        MalformedMessage: not an `Any`, or not of a Flight SQL message.
    """
    envelope = parse(Any, data)
    # Spec: only what stands after the last slash names the type.
    kind = _CLASSES.get(envelope.type_url.rpartition("/")[2])
    if kind is None:
        raise MalformedMessage(f"not a Flight SQL message: {_shown(envelope.type_url)}")
    return parse(kind, envelope.value)


def parse(kind: type[_M], data: bytes) -> _M:
    """A bare message.

    Raises:
        MalformedMessage: the bytes are not one.
    """
    try:
        return kind.FromString(data)
    except DecodeError as exc:
        raise MalformedMessage(f"not a {kind.DESCRIPTOR.name} message") from exc


def _shown(text: str) -> str:
    """Foreign text, cut and made printable for an error message."""
    return ascii(text[:80]) if text else "no type URL"
