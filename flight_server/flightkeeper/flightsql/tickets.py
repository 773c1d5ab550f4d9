"""Tickets and handles: self-contained, signed, redeemable on every node of the cluster.

A handle is `tag || body`: the body is a protobuf message, the tag a keyed BLAKE2b of kind and body
under the cluster's secret. Whoever holds the secret can verify it, nobody else can make or change
one, and none can pass for another kind. The body is readable; it holds no secret.
Pure: no clock, no randomness, no I/O.
"""

import hmac
from enum import Enum
from hashlib import blake2b
from typing import TypeVar

from google.protobuf.message import Message

from flightkeeper.flightsql.messages import MalformedMessage, parse

_M = TypeVar("_M", bound=Message)

_TAG_BYTES = 16
SECRET_BYTES = 32
"""Length of the cluster's ticket secret; BLAKE2b takes keys of up to 64 bytes."""


class Kind(Enum):
    """What a handle may be used as; part of what is signed."""

    STATEMENT = b"statement-------"
    PREPARED = b"prepared--------"
    TRANSACTION = b"transaction-----"


class ForgedHandle(ValueError):
    """A ticket or handle this cluster did not issue, or that was changed since."""


class Signer:
    """Signs and opens handles under one cluster secret. Immutable, thread-safe."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"the ticket secret has {len(secret)} bytes, not {SECRET_BYTES}")
        self._secret = secret

    def sign(self, kind: Kind, body: Message) -> bytes:
        """The handle for a body."""
        data = body.SerializeToString()
        return self._tag(kind, data) + data

    def open(self, kind: Kind, handle: bytes, body: type[_M]) -> _M:
        """The body of a handle that this cluster issued as this kind.

        Raises:
            ForgedHandle: it did not; nothing in the handle can be trusted.
        """
        tag, data = handle[:_TAG_BYTES], handle[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(kind, data)):
            raise ForgedHandle(
                f"not a {kind.name.lower()} handle of this cluster; ask a node for a new one"
            )
        try:
            return parse(body, data)
        except MalformedMessage as exc:
            raise ForgedHandle(str(exc)) from exc

    def _tag(self, kind: Kind, data: bytes) -> bytes:
        return blake2b(data, digest_size=_TAG_BYTES, key=self._secret, person=kind.value).digest()
