"""The checker finds what it is for."""

import pytest

from tests.discovery.linearizability import Outcome, Read, Write, violations

WRITTEN, REFUSED, UNKNOWN = Outcome


def write(seen: int, began_s: float, ended_s: float, outcome: Outcome = WRITTEN) -> Write:
    return Write(1, seen, b"%d" % (seen + 1), outcome, began_s, ended_s)


def read(version: int, ended_s: float, data: bytes | None = None, process: int = 1) -> Read:
    return Read(process, version, b"%d" % version if data is None else data, ended_s)


GOOD = [write(-1, 0, 1), write(0, 0.5, 3), write(1, 2, 4)]


def test_what_can_be_is_let_be() -> None:
    unknown, refused = write(3, 5, 6, UNKNOWN), write(0, 2, 3.5, REFUSED)
    reads = [read(-1, 0.1), read(0, 1), read(2, 3), read(1, 2.5, process=2), read(4, 9, b"4")]
    assert violations([*GOOD, unknown, refused], reads) == []


@pytest.mark.parametrize(
    ("writes", "reads", "told"),
    [
        ([*GOOD, write(0, 0, 9)], [], "version 1 was written twice"),
        ([write(-1, 5, 6), write(0, 1, 2)], [], "version 1 ended before version 0 began"),
        ([*GOOD, write(2, 0, 9, REFUSED)], [], "nobody had overtaken it"),
        ([*GOOD, write(3, 20, 21, UNKNOWN), write(3, 0, 9, REFUSED)], [], "nobody had overtaken"),
        (GOOD, [read(2, 5), read(1, 6)], "process 1 went back to version 1"),
        (GOOD, [read(1, 5, b"x")], "was read as b'x'"),
        (GOOD, [read(7, 5)], "nobody wrote what was read"),
        (GOOD, [read(2, 1)], "version 2 was read before it was written"),
    ],
)
def test_what_cannot_be_is_told(writes: list[Write], reads: list[Read], told: str) -> None:
    found = violations(writes, reads)
    assert found
    assert told in found[0]
