"""What is wrong with a catalog's documents, and what is taken away of them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from flightkeeper.discovery.catalog import changing, mending
from flightkeeper.discovery.catalog.changing import CatalogRefused
from flightkeeper.discovery.catalog.definition import FOLDER, Kind, MalformedDefinition, ObjectName
from flightkeeper.discovery.catalog.partitions import PAGES, page_document
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.registry import Registry, read_documents
from flightkeeper.discovery.testing import MemoryRegistry
from tests.discovery.backends import Backend
from tests.discovery.catalog.test_changing import ADA, TABLE, T, day

PAGE = page_document(T, 0)


def write(registry: Registry, name: str, data: bytes) -> None:
    found = registry.read_document(name)
    registry.write_document(name, data, None if found is None else found.version)


def pages(registry: Registry) -> set[str]:
    return set(read_documents(registry, PAGES, 5.0))


def test_a_whole_catalog_has_nothing_to_mend(backend: Backend) -> None:
    registry = backend.open()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    assert mending.look(registry) == mending.Findings({}, {})
    assert mending.by_object([]) == {}


def test_pages_that_nothing_names_are_taken_away(backend: Backend) -> None:
    registry = backend.open()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    other = replace(TABLE, name=ObjectName("s", "gone"))
    changing.define(registry, other, ADA, partitions=[day(1)])
    changing.drop(registry, other.name, Kind.TABLE, ADA)
    # Somebody died after the page and before the definition.
    write(registry, page_document(T, 1), b"[]")
    write(registry, page_document(ObjectName("s", "never"), 0), b"[]")
    found = mending.look(registry)
    assert not found.problems
    owners = mending.by_object(found.orphans.items())
    assert sorted(owners) == [f"{FOLDER}/s/{name}" for name in ("gone", "never", "t")]
    assert [mending.remove(registry, orphans) for orphans in owners.values()] == [1, 1, 1]
    assert pages(registry) == {PAGE}
    assert mending.look(registry) == mending.Findings({}, {})
    # Its place is used again.
    changing.define(registry, other, ADA, partitions=[day(2)])
    assert changing.read_table(registry, other.name)[2] == (day(2),)


def test_pages_that_were_written_or_named_since_stay() -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    name = page_document(T, 1)
    write(registry, name, b"[]")
    orphans = mending.look(registry).orphans
    assert orphans == {name: 0}
    write(registry, name, b"[ ]")
    assert mending.remove(registry, orphans) == 0
    changing.repartition(registry, T, lambda _, there: (*there, day(2)), ADA)
    (named,) = (p for p in pages(registry) if mending.look(registry).orphans.get(p) is None)
    found = registry.read_document(named)
    assert found is not None
    assert mending.remove(registry, {named: found.version}) == 0
    assert changing.read_table(registry, T)[2] == (day(1), day(2))


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        (lambda registry: write(registry, PAGE, b""), "page 0 .* is missing"),
        (lambda registry: write(registry, PAGE, b"[]"), "page 0 .* is missing"),
        (lambda registry: write(registry, T.document, b"{"), "no definition"),
        (lambda registry: move(registry, f"{FOLDER}/s/x"), "of something else"),
    ],
    ids=["missing", "other", "unreadable", "moved"],
)
def test_what_cannot_be_made_up_for_is_pointed_out_and_left(
    breaks: Callable[[Registry], None], why: str
) -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    breaks(registry)
    before = pages(registry)
    found = mending.look(registry)
    ((_, said),) = found.problems.items()
    with pytest.raises(MalformedDefinition, match=why):
        raise MalformedDefinition(said)
    # Nobody knows which pages an unreadable definition names.
    assert {f"{FOLDER}/s/t"} & set(mending.by_object(found.orphans.items())) == set()
    assert pages(registry) == before


def move(registry: Registry, name: str) -> None:
    found = registry.read_document(T.document)
    assert found is not None
    write(registry, name, found.data)


def test_a_definition_that_became_unreadable_keeps_its_pages() -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    write(registry, T.document, b"{")
    with pytest.raises(MalformedDefinition):
        mending.remove(registry, {PAGE: 0})
    assert pages(registry) == {PAGE}


def test_a_change_during_a_look_is_no_problem() -> None:
    class Changing(MemoryRegistry):
        """Somebody drops the table after its definition was read."""

        looks = 0

        def read_document(self, name: str, timeout_s: float = 10.0) -> Document | None:
            if name == T.document and self.looks:
                self.looks = 0
                changing.drop(self, T, Kind.TABLE, ADA)
            return super().read_document(name, timeout_s)

    registry = Changing()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    write(registry, PAGE, b"[]")
    registry.looks = 1
    assert mending.look(registry).problems == {}
    with pytest.raises(CatalogRefused):
        changing.read_table(registry, T)
