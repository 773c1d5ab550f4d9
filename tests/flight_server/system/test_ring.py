"""A memory that never grows past its bounds."""

import pytest

from flightkeeper.flight_server.system.ring import Ring


@pytest.mark.parametrize(
    ("entries_max", "bytes_max", "kept"),
    [(3, 1000, ["cc", "dddd", "e"]), (100, 5, ["dddd", "e"]), (100, 3, ["e"])],
)
def test_the_oldest_of_too_many_or_too_much_are_forgotten(
    entries_max: int, bytes_max: int, kept: list[str]
) -> None:
    ring: Ring[str] = Ring(entries_max, bytes_max, len)
    for entry in ("a", "bbb", "cc", "dddd", "e"):
        ring.add(entry)
    assert list(ring.entries()) == kept


def test_one_that_is_too_big_is_remembered_alone() -> None:
    ring: Ring[str] = Ring(10, 3, len)
    ring.add("a")
    ring.add("much too big")
    assert ring.entries() == ("much too big",)
    ring.add("b")
    assert ring.entries() == ("b",)


def test_bytes_are_counted_for_ever() -> None:
    ring: Ring[str] = Ring(1000, 100, len)
    for number in range(10_000):
        ring.add("x" * (number % 7))
    assert 90 < sum(map(len, ring.entries())) <= 100
