"""Pages of partitions."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.catalog.definition import MalformedDefinition, ObjectName, Page
from flightkeeper.discovery.catalog.partitions import (
    PAGE_BYTES_MAX,
    PageData,
    Partition,
    digest,
    page_document,
    paged,
    placed,
    unpaged,
)
from flightkeeper.discovery.documents import DOCUMENT_BYTES_MAX

_VALUES = st.tuples(st.none() | st.text(max_size=5), st.text(max_size=5))
_PARTITIONS = st.builds(
    Partition,
    values=_VALUES,
    path=st.text(max_size=10),
    files=st.none() | st.lists(st.text(max_size=5), max_size=3).map(tuple),
    rows=st.integers(-1, 2**60),
    bytes=st.integers(-1, 2**60),
)


def day(number: int, **more: int) -> Partition:
    return Partition((f"{number:05}",), f"day={number:05}", ("a.parquet",), **more)


@given(st.lists(_PARTITIONS, max_size=30, unique_by=lambda p: p.values))
def test_partitions_are_read_back_in_the_order_of_their_values(found: list[Partition]) -> None:
    pages = paged(found)
    again = unpaged(page.data for page in pages)
    assert sorted(again, key=repr) == sorted(found, key=repr)
    assert paged(reversed(again)) == pages
    assert [page.digest for page in pages] == [digest(page.data) for page in pages]
    assert sum(page.partitions for page in pages) == len(found)


def test_one_more_partition_changes_one_page() -> None:
    rng = random.Random(7)
    numbers = rng.sample(range(99_999), 5001)
    more, *rest = (day(number) for number in numbers)
    before, after = paged(rest), paged([*rest, more])
    assert 10 < len(before) < 60
    new = {page.digest for page in after} - {page.digest for page in before}
    assert 1 <= len(new) <= 2
    assert all(len(page.data) <= DOCUMENT_BYTES_MAX for page in after)


def test_the_later_of_two_with_the_same_values_counts() -> None:
    assert unpaged(page.data for page in paged([day(1), day(1, rows=7)])) == (day(1, rows=7),)


def test_pages_fit_their_documents_whatever_is_in_them() -> None:
    wide = [
        Partition((str(number),), "p", tuple(f"file-{n}-{'x' * 50}" for n in range(900)))
        for number in range(40)
    ]
    pages = paged(wide)
    assert all(len(page.data) <= PAGE_BYTES_MAX + 100 for page in pages)
    assert sorted(unpaged(page.data for page in pages), key=repr) == sorted(wide, key=repr)


def test_too_many_files_are_not_named() -> None:
    many = Partition(("1",), "p", tuple(f"file-{number:020}" for number in range(5000)), rows=5)
    assert unpaged(page.data for page in paged([many])) == (Partition(("1",), "p", rows=5),)


def test_new_pages_never_take_a_slot_that_is_read() -> None:
    old = [Page(0, "a", 1), Page(2, "b", 1)]
    new = [PageData("b", 1, b"B"), PageData("c", 1, b"C"), PageData("d", 2, b"D")]
    assert placed(old, new) == (
        (Page(2, "b", 1), None),
        (Page(1, "c", 1), b"C"),
        (Page(3, "d", 2), b"D"),
    )
    assert placed(old, []) == ()


@pytest.mark.parametrize("data", [b"nonsense", b"{}1", b'[{"values": []}]', b"[1]"])
def test_what_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedDefinition, match="no page"):
        unpaged([data])


def test_a_partition_knows_whether_it_lies_elsewhere() -> None:
    assert [Partition(("1",), path).elsewhere for path in ("d=1", "/x/d=1", "s3://b/d=1")] == [
        False,
        True,
        True,
    ]
    assert page_document(ObjectName("S", "T"), 3) == "partitions/s/t/3"
