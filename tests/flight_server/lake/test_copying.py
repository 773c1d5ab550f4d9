"""Which copies are right, and which are worth it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.lake.copying import (
    READS_MIN,
    Changes,
    Copy,
    Interest,
    at,
    to_give_up,
)

PATH = ("main", "t")
COPY = Copy(PATH, table=7, since=10, until=12, size=100)


def changes(*told: str, meant: int = 7) -> Changes:
    """What versions from 13 on tell."""
    return Changes(dict(enumerate(told, 13)), {(PATH, meant)})


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ("", True),
        ("inserted_into_table:8,deleted_from_table:77", True),
        ('created_table:"main"."a,""inserted_into_table:7"', True),
        ('created_schema:"s",dropped_view:7x', False),
        ("merge_adjacent:7,rewrite_delete:7,inline_flush:7,compacted_table:7", True),
        ("inserted_into_table:7", False),
        ("inlined_delete:8,inlined_delete:7", False),
        ("altered_table:7", False),
        ("something_new:7", False),
        ("something_new:8", True),
        ("who knows", False),
        ('created_table:"main"."t', False),
    ],
)
def test_what_a_version_tells_of_a_table(told: str, *, right: bool) -> None:
    known = at(COPY, 13, changes(told))
    assert (known is not None) is right
    assert known is None or (known.until, known.since) == (13, 10)


def test_what_is_not_told_may_have_been_anything() -> None:
    assert at(COPY, 14, changes("")) is None
    assert at(COPY, 14, changes("", "")) is not None
    assert at(COPY, 13, changes("", meant=8)) is None


@given(st.lists(st.sampled_from(["inserted_into_table", "inline_flush", "made_up"]), max_size=9))
def test_it_is_right_until_it_is_changed(kinds: list[str]) -> None:
    told = changes(*(f"{kind}:{7 if kind != 'made_up' else 8}" for kind in kinds))
    for number in range(13, 13 + len(kinds)):
        changed = "inserted_into_table" in kinds[: number - 12]
        assert (at(COPY, number, told) is None) is changed


def test_a_table_is_worth_it_once_it_is_read_often() -> None:
    interest = Interest()
    for _ in range(READS_MIN):
        assert not interest.worth_it
        interest = interest.read()
    assert interest.worth_it


def test_copies_that_hardly_serve_are_made_ever_less() -> None:
    interest = Interest()
    for wanted in (4, 8, 16):
        while not interest.worth_it:
            interest = interest.read()
        interest = interest.copied().read().given_up()
        assert interest == Interest(0, wanted)
    for _ in range(100):
        interest = interest.given_up()
    assert interest.wanted == 1 << 16
    assert Interest(100, 8).given_up() == Interest(0, 4)
    assert Interest(100, 8).refused() == Interest(0, 16)


@given(st.lists(st.integers(1, 50), max_size=8), st.integers(1, 120), st.integers(0, 100))
def test_room_is_made_by_those_longest_unused(sizes: list[int], size: int, size_max: int) -> None:
    used = [Copy(("s", str(n)), n, 1, 1, each) for n, each in enumerate(sizes)]
    given_up = to_give_up(used, size, size_max)
    if size > size_max:
        assert given_up is None
        return
    assert given_up is not None
    kept = used[len(given_up) :]
    assert [*given_up, *kept] == used
    assert sum(copy.size for copy in kept) + size <= size_max
    if given_up:
        assert sum(copy.size for copy in kept) + given_up[-1].size + size > size_max
