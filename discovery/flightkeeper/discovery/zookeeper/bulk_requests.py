"""Two requests of ZooKeeper's protocol that kazoo does not know: many znodes at once.

`MultiRead` is one question for the data of many znodes; `SetWatches` sets watches on many, and has
those fire at once that have changed since a transaction. With them a node reads a catalog of
thousands of znodes in some dozen requests, and none of it again after a lost connection.

Pure: bytes in and out, in the form of kazoo's own request classes, which are duck-typed.
Spec: ZooKeeper's zookeeper.jute; opcodes in ZooDefs.java. MultiRead needs ZooKeeper 3.6.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, TypeVar

from flightkeeper.discovery.zookeeper.znodes import Znode

_GET_DATA = 4
_ERROR = -1
_NO_NODE = -101

_INT = struct.Struct("!i")
_LONG = struct.Struct("!q")
_HEADER = struct.Struct("!iBi")
_STAT = struct.Struct("!qqqqiiiqiiq")
_END = _HEADER.pack(_ERROR, 1, _ERROR)

T = TypeVar("T")

Answer = Znode | int | None
"""A znode; None where there is none; otherwise ZooKeeper's code of the error."""


@dataclass(frozen=True, slots=True)
class MultiRead:
    """Reads the data of many znodes in one request, without watches."""

    type: ClassVar[int] = 22

    paths: Sequence[str]

    def serialize(self) -> bytes:
        """The request's body."""
        header = _HEADER.pack(_GET_DATA, 0, _ERROR)
        return b"".join([*(header + _text(path) + b"\0" for path in self.paths), _END])

    def deserialize(self, data: bytes, offset: int) -> tuple[Answer, ...]:
        """The answers, in the order of the paths, from the body of the response."""
        answers: list[Answer] = []
        while True:
            kind, done, _ = _HEADER.unpack_from(data, offset)
            offset += _HEADER.size
            if done:
                return tuple(answers)
            if kind == _GET_DATA:
                answer, offset = _read_znode(data, offset)
                answers.append(answer)
            else:
                (code,) = _INT.unpack_from(data, offset)
                offset += _INT.size
                answers.append(None if code == _NO_NODE else code)


@dataclass(frozen=True, slots=True)
class SetWatches:
    """Sets a watch on the data of many znodes.

    Attributes:
        since: a transaction; the watch of a znode that was written or deleted after it fires at
            once.
        sending: called on kazoo's connection thread just before the request goes out, which is
            before any of its watches can fire, and the one thread that may touch kazoo's tables.
    """

    type: ClassVar[int] = 101

    paths: Sequence[str]
    since: int
    sending: Callable[[], None]

    def serialize(self) -> bytes:
        """The request's body: watches on data, on being made, on children."""
        self.sending()
        return b"".join([_LONG.pack(self.since), _texts(self.paths), _texts(()), _texts(())])

    def deserialize(self, data: bytes, offset: int) -> bool:
        """The response has no body."""
        del data, offset
        return True


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most so many."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def _read_znode(data: bytes, offset: int) -> tuple[Znode, int]:
    (size,) = _INT.unpack_from(data, offset)
    offset += _INT.size
    content = bytes(data[offset : offset + size]) if size > 0 else b""
    offset += max(size, 0)
    czxid, mzxid, _, _, version, _, _, owner, _, _, _ = _STAT.unpack_from(data, offset)
    return Znode(content, version, mzxid, owner, czxid), offset + _STAT.size


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _INT.pack(len(encoded)) + encoded


def _texts(texts: Iterable[str]) -> bytes:
    encoded = [_text(text) for text in texts]
    return _INT.pack(len(encoded)) + b"".join(encoded)
