"""Tickets and handles: self-contained, signed, redeemable on every node of the cluster.

A handle is `mark || tag || body`: the body is a protobuf message, the tag a keyed BLAKE2b of kind
and body under one of the cluster's secrets, which the mark names. The first secret of a cluster has
an empty mark. Whoever holds the secret can verify a handle, nobody else can make or change one, and
none can pass for another kind. The body is readable; it holds no secret.
Pure: no clock, no randomness, no I/O.
"""

import hmac
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import TypeVar

from google.protobuf.message import Message

from flightkeeper.flightsql.messages import MalformedMessage, parse

_M = TypeVar("_M", bound=Message)

_TAG_BYTES = 16
SECRET_BYTES = 32
"""Length of the cluster's ticket secret; BLAKE2b takes keys of up to 64 bytes."""

MARK_BYTES = 4
"""Length of what names a secret in a handle, unless it is empty."""


class Kind(Enum):
    """What a handle may be used as; part of what is signed."""

    STATEMENT = b"statement-------"
    PREPARED = b"prepared--------"
    TRANSACTION = b"transaction-----"
    PEER = b"peer------------"


class ForgedHandle(ValueError):
    """A ticket or handle this cluster did not issue, or that was changed since."""


@dataclass(frozen=True, slots=True, repr=False)
class TicketKey:
    """A secret of the cluster, and what names it in handles."""

    secret: bytes
    mark: bytes = b""

    def __post_init__(self) -> None:
        """Raises ValueError: a length is wrong."""
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"the ticket secret has {len(self.secret)} bytes, not {SECRET_BYTES}")
        if len(self.mark) not in {0, MARK_BYTES}:
            raise ValueError(f"the mark has {len(self.mark)} bytes, not {MARK_BYTES} or none")


class Signer:
    """Signs and opens handles under the cluster's secrets. Thread-safe.

    Attributes:
        look_again: called when a handle fits no secret, to get those there are now.
    """

    def __init__(self, signing: TicketKey, *others: TicketKey) -> None:
        self.look_again: Callable[[], None] = lambda: None
        self.hold(signing, *others)

    def hold(self, signing: TicketKey, *others: TicketKey) -> None:
        """Sign with one secret from now on, and open what any of them signed."""
        # One assignment: a call sees the secrets before or the secrets after.
        self._keys = signing, {key.mark: key.secret for key in (*others, signing)}

    def sign(self, kind: Kind, body: Message) -> bytes:
        """The handle for a body."""
        signing, _ = self._keys
        data = body.SerializeToString()
        return signing.mark + _tag(kind, data, signing.secret) + data

    def open(self, kind: Kind, handle: bytes, body: type[_M]) -> _M:
        """The body of a handle that this cluster issued as this kind.

        Raises:
            ForgedHandle: it did not; nothing in the handle can be trusted.
        """
        data = self._data(kind, handle)
        if data is None:
            self.look_again()
            data = self._data(kind, handle)
        if data is None:
            raise ForgedHandle(
                f"not a {kind.name.lower()} handle of this cluster, or its key is no longer in "
                "use; ask a node for a new one"
            )
        try:
            return parse(body, data)
        except MalformedMessage as exc:
            raise ForgedHandle(str(exc)) from exc

    def _data(self, kind: Kind, handle: bytes) -> bytes | None:
        _, secrets = self._keys
        # Without a mark a handle begins with its tag, which may look like a mark by chance.
        for mark in (handle[:MARK_BYTES], b""):
            secret = secrets.get(mark)
            if secret is not None:
                begin = len(mark) + _TAG_BYTES
                tag, data = handle[len(mark) : begin], handle[begin:]
                if hmac.compare_digest(tag, _tag(kind, data, secret)):
                    return data
        return None


def unverified(handle: bytes, body: type[_M]) -> Iterator[_M]:
    """What a handle may say, for who does not know the secrets: good for choosing whom to ask.

    A handle does not tell whether it has a mark, so it can be read in two ways; one is rubbish.
    """
    for begin in (_TAG_BYTES, MARK_BYTES + _TAG_BYTES):
        with suppress(MalformedMessage):
            yield parse(body, handle[begin:])


def _tag(kind: Kind, data: bytes, secret: bytes) -> bytes:
    return blake2b(data, digest_size=_TAG_BYTES, key=secret, person=kind.value).digest()
