"""Changes of the catalog, over every kind of registry."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from flightkeeper.discovery.catalog import changing, log
from flightkeeper.discovery.catalog.changing import Author, CatalogRefused, PagesChanged
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Kind,
    MalformedDefinition,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.partitions import Partition, page_document
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import RegistryUnavailable
from flightkeeper.discovery.registry import Registry
from flightkeeper.discovery.testing import MemoryRegistry
from tests.discovery.backends import Backend

T = ObjectName("s", "t")
V = ObjectName("s", "v")
ADA, BOB = Author("ada", 5), Author("bob", 6)
COLUMNS = (Column("id", "INTEGER"), Column("day", "INTEGER"))
TABLE = Definition(T, Table(COLUMNS, Format.PARQUET, "/data", partitioned_by=("day",)))


def day(number: int) -> Partition:
    return Partition((str(number),), f"day={number}", ("a.parquet",), 1, 2)


def days(registry: Registry) -> list[int]:
    return sorted(int(p.values[0] or "") for p in changing.read_table(registry, T)[2])


def added(*new: Partition) -> Callable[[Table, tuple[Partition, ...]], tuple[Partition, ...]]:
    return lambda _table, there: (*there, *new)


def test_an_object_is_made_replaced_and_dropped(backend: Backend) -> None:
    registry = backend.open()
    assert changing.define(registry, Definition(V, View("SELECT 1")), ADA) == 1
    with pytest.raises(CatalogRefused, match=r"there is a view s\.v already"):
        changing.define(registry, Definition(V, View("SELECT 2")), BOB)
    replacing = Definition(V, View("SELECT 2"))
    assert changing.define(registry, replacing, BOB, or_replace=True) == 2
    assert changing.comment(registry, V, Kind.VIEW, "two", ADA) == 3
    found = changing.find(registry, V)
    assert found is not None
    assert (found.body, found.owner, found.by, found.comment) == (
        View("SELECT 2"),
        "ada",
        "ada",
        "two",
    )
    assert changing.list_all(registry) == (found,)
    assert changing.drop(registry, V, Kind.VIEW, BOB) == 4
    assert changing.find(registry, V) is None
    assert changing.list_all(registry) == ()
    assert changing.define(registry, TABLE, ADA) == 5
    told = [(entry.revision, entry.what, entry.by) for entry in changing.read_log(registry)]
    assert told[-2:] == [(4, "drop", "bob"), (5, "create", "ada")]


def test_what_is_not_there_or_something_else_is_refused(backend: Backend) -> None:
    registry = backend.open()
    with pytest.raises(CatalogRefused, match=r"there is no view s\.v"):
        changing.drop(registry, V, Kind.VIEW, ADA)
    changing.define(registry, Definition(V, View("SELECT 1")), ADA)
    with pytest.raises(CatalogRefused, match=r"s\.v is a view and no external table"):
        changing.drop(registry, V, Kind.TABLE, ADA)
    as_table = Definition(V, TABLE.body)
    with pytest.raises(CatalogRefused, match=r"s\.v is a view; nothing was done: drop it first"):
        changing.define(registry, as_table, ADA, or_replace=True)
    assert len(changing.read_log(registry)) == 1


def test_partitions_change_page_by_page(backend: Backend) -> None:
    registry = backend.open()
    changing.define(registry, TABLE, ADA, partitions=[day(n) for n in range(1000)])
    _, before, _ = changing.read_table(registry, T)
    assert changing.repartition(registry, T, added(day(5000), day(7)), BOB) == 2
    _, after, found = changing.read_table(registry, T)
    assert days(registry) == [*range(1000), 5000]
    assert len(found) == 1001
    assert len(set(after.pages) - set(before.pages)) <= 2
    assert changing.repartition(registry, T, lambda _table, _there: None, BOB) is None
    changing.repartition(registry, T, lambda _table, _there: (), BOB)
    assert days(registry) == []


def test_who_reads_an_older_definition_sees_that_it_is_older() -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    _, first, _ = changing.read_table(registry, T)
    changing.repartition(registry, T, added(day(2)), ADA)
    # The pages of the version before are still there, for whoever is about to read them.
    assert changing.partitions_of(registry, T, first) == (day(1),)
    changing.repartition(registry, T, added(day(3)), ADA)
    with pytest.raises(PagesChanged):
        changing.partitions_of(registry, T, first)
    assert days(registry) == [1, 2, 3]


def test_slots_are_used_again() -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA)
    for number in range(50):
        changing.repartition(registry, T, added(day(number)), ADA)
    slots = [n for n in range(60) if registry.read_document(page_document(T, n)) is not None]
    assert len(slots) <= 4
    assert days(registry) == list(range(50))


def test_concurrent_changes_lose_nothing(backend: Backend) -> None:
    changing.define(backend.open(), TABLE, ADA)
    failures: list[BaseException] = []

    def work(numbers: range) -> None:
        registry = backend.open()
        try:
            for number in numbers:
                changing.repartition(registry, T, added(day(number)), ADA)
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    workers = [threading.Thread(target=work, args=(range(n * 5, n * 5 + 5),)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    registry = backend.open()
    assert days(registry) == list(range(15))
    assert [entry.revision for entry in changing.read_log(registry)] == list(range(1, 17))


class _Dying(MemoryRegistry):
    """Goes away after a number of writes."""

    writes_left = 99

    def write_document(self, name: str, data: bytes, version: int | None, *args: Any, **more: Any) -> Document:  # fmt: skip  # noqa: E501
        self.writes_left -= 1
        if self.writes_left < 0:
            self.go_unreachable()
        return super().write_document(name, data, version, *args, **more)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_writer_that_dies_leaves_one_version_or_the_other(writes: int) -> None:
    registry = MemoryRegistry()
    changing.define(registry, TABLE, ADA, partitions=[day(1)])
    dying = _Dying(registry.store)
    dying.writes_left = writes
    with pytest.raises(RegistryUnavailable):
        changing.repartition(dying, T, added(day(2)), ADA)
    dying.close()
    assert days(registry) == ([1, 2] if writes == 2 else [1])
    changing.repartition(registry, T, added(day(3)), ADA)
    assert days(registry) == ([1, 2, 3] if writes == 2 else [1, 3])


def test_what_cannot_be_read_can_be_replaced_and_dropped() -> None:
    registry = MemoryRegistry()
    registry.write_document(V.document, b"nonsense", None)
    with pytest.raises(MalformedDefinition, match=r"catalog/s/v: .*; drop it"):
        changing.list_all(registry)
    view = Definition(V, View("SELECT 1"))
    with pytest.raises(MalformedDefinition):
        changing.define(registry, view, ADA)
    changing.define(registry, view, ADA, or_replace=True)
    assert changing.find(registry, V) is not None
    registry.write_document(V.document, b"nonsense", 1)
    changing.drop(registry, V, Kind.TABLE, ADA)
    assert changing.list_all(registry) == ()


def test_a_log_that_cannot_be_read_begins_anew() -> None:
    registry = MemoryRegistry()
    registry.write_document(log.DOCUMENT, b"nonsense", None)
    assert changing.define(registry, TABLE, ADA) == 1
    assert len(changing.read_log(registry)) == 1


def test_a_catalog_that_does_not_answer_is_reported() -> None:
    registry = MemoryRegistry()
    registry.go_unreachable()
    with pytest.raises(RegistryUnavailable):
        changing.list_all(registry, 0.01)
