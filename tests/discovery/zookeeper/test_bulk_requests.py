"""The two requests that kazoo does not know, as bytes; `test_znodes` asks a real server."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.zookeeper.bulk_requests import (
    Answer,
    MultiRead,
    SetWatches,
    batched,
)
from flightkeeper.discovery.zookeeper.znodes import Znode

_LONGS = st.integers(0, 2**63 - 1)
_ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    st.none(),
    st.sampled_from([-102, -4]),
    st.builds(Znode, st.binary(max_size=64), st.integers(-1, 2**31 - 1), _LONGS, _LONGS, _LONGS),
)


def response(answers: list[Answer]) -> bytes:
    """As a server writes it."""
    parts = []
    for answer in answers:
        if isinstance(answer, Znode):
            size = len(answer.data)
            stat = (
                answer.czxid,
                answer.mzxid,
                1,
                2,
                answer.version,
                3,
                4,
                answer.owner,
                size,
                0,
                5,
            )
            parts.append(struct.pack("!iBi", 4, 0, 0) + struct.pack("!i", size) + answer.data)
            parts.append(struct.pack("!qqqqiiiqiiq", *stat))
        else:
            code = -101 if answer is None else answer
            parts.append(struct.pack("!iBii", -1, 0, code, code))
    return b"".join([*parts, struct.pack("!iBi", -1, 1, -1)])


@given(st.lists(_ANSWERS, max_size=6), st.binary(max_size=9))
def test_answers_are_read_as_they_were_written(answers: list[Answer], before: bytes) -> None:
    request = MultiRead([f"/{number}" for number in range(len(answers))])
    assert request.deserialize(before + response(answers), len(before)) == tuple(answers)


def test_a_znode_without_data_is_empty() -> None:
    stat = struct.pack("!qqqqiiiqiiq", 7, 8, 0, 0, 9, 0, 0, 0, 0, 0, 0)
    data = struct.pack("!iBii", 4, 0, 0, -1) + stat + struct.pack("!iBi", -1, 1, -1)
    assert MultiRead(["/a"]).deserialize(data, 0) == (Znode(b"", 9, 8, 0, 7),)


def test_what_is_asked_is_in_the_request() -> None:
    one = struct.pack("!iBi", 4, 0, -1) + b"\0\0\0\3/\xc3\xa4\0"
    assert MultiRead(["/ä"]).serialize() == one + struct.pack("!iBi", -1, 1, -1)


def test_watches_are_registered_before_they_are_sent() -> None:
    registered: list[str] = []
    request = SetWatches(["/a", "/b"], 7, lambda: registered.append("now"))
    assert not registered
    data = request.serialize()
    assert registered == ["now"]
    assert data == struct.pack("!qi", 7, 2) + b"\0\0\0\2/a\0\0\0\2/b" + struct.pack("!ii", 0, 0)
    assert request.deserialize(b"", 0)


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (6, [3, 3]), (7, [3, 3, 1])])
def test_batches(count: int, sizes: list[int]) -> None:
    found = list(batched(range(count), 3))
    assert [len(some) for some in found] == sizes
    assert [item for some in found for item in some] == list(range(count))
