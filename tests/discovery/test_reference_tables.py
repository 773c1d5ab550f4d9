"""Reference tables in every registry."""

import random
import threading
from collections.abc import Mapping

import pyarrow as pa
import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.errors import InvalidName, RegistryUnavailable
from flightkeeper.discovery.reference_table import Content, MalformedTable
from flightkeeper.discovery.reference_tables import (
    Author,
    NoSuchTable,
    ReferenceTable,
    ReferenceTables,
    TableChanged,
    TableTooBig,
    document,
    read,
)
from flightkeeper.discovery.testing import MemoryRegistry
from tests.discovery.backends import Backend
from tests.discovery.recorder import eventually

NAME = "geo.countries"
ADA = Author("ada", 1_700_000_000_000)
BOB = Author("bob", 1_700_000_001_000)


def content(*codes: str) -> Content:
    return Content(pa.table({"code": list(codes)}, schema=pa.schema([("code", pa.string())])))


def codes(table: ReferenceTable | None) -> list[str] | None:
    return None if table is None else [str(code) for code in table.rows.column(0).to_pylist()]


def test_a_table_is_made_read_replaced_and_taken_away(backend: Backend) -> None:
    one, two = ReferenceTables(backend.open()), ReferenceTables(backend.open())
    assert one.get(NAME) is None
    made = one.create(NAME, content("de"), ADA)
    assert made == two.get(NAME)
    assert (made.version, codes(made)) == (0, ["de"])
    with pytest.raises(TableChanged, match="at version 0, by ada at 2023-11-14 22:13:20 UTC"):
        two.create(NAME, content("fr"), BOB)
    second = two.replace(NAME, content("de", "fr"), BOB, version=0)
    assert codes(one.get(NAME)) == ["de", "fr"]
    assert [(c.version, c.by, c.rows) for c in second.history] == [(0, "ada", 1), (1, "bob", 2)]
    with pytest.raises(TableChanged, match="is at version 1, by bob") as refused:
        one.replace(NAME, content("it"), ADA, version=0)
    assert refused.value.found == second
    with pytest.raises(TableChanged):
        one.delete(NAME, version=0)
    one.delete(NAME, version=1)
    assert two.get(NAME) is None
    with pytest.raises(NoSuchTable, match="there is no reference table geo"):
        two.delete(NAME)


def test_the_next_life_of_a_name_is_not_taken_for_the_first(backend: Backend) -> None:
    tables = ReferenceTables(backend.open())
    seen = tables.create(NAME, content("de"), ADA)
    tables.delete(NAME)
    again = tables.create(NAME, content("xx"), BOB)
    assert again.version > seen.version
    with pytest.raises(TableChanged):
        tables.replace(NAME, content("de", "fr"), ADA, version=seen.version)
    assert codes(tables.get(NAME)) == ["xx"]


def test_without_a_version_the_last_writer_wins(backend: Backend) -> None:
    tables = ReferenceTables(backend.open())
    assert codes(tables.replace(NAME, content("a"), ADA)) == ["a"]
    assert codes(tables.replace(NAME, content("b"), BOB)) == ["b"]
    tables.delete(NAME)
    assert codes(tables.replace(NAME, content("c"), ADA)) == ["c"]


def test_changes_of_many_writers_are_all_kept(backend: Backend) -> None:
    stores = [ReferenceTables(backend.open()) for _ in range(4)]
    stores[0].create(NAME, content(), ADA)

    def add(store: ReferenceTables, who: int) -> None:
        for number in range(10):
            while True:
                found = store.get(NAME)
                assert found is not None
                wanted = content(*(codes(found) or []), f"{who}-{number}")
                try:
                    store.replace(NAME, wanted, ADA, version=found.version)
                    break
                except TableChanged:
                    continue

    threads = [threading.Thread(target=add, args=(s, who)) for who, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = stores[0].get(NAME)
    assert sorted(codes(found) or []) == sorted(f"{w}-{n}" for w in range(4) for n in range(10))
    assert found is not None
    assert found.version == 40


def test_what_is_too_big_is_named_and_not_written(backend: Backend) -> None:
    tables = ReferenceTables(backend.open())
    noise = pa.array([random.Random(7).randbytes(300_000)], pa.binary())
    with pytest.raises(TableTooBig, match=r"would have 3\d{5} bytes compressed \(1 rows\)"):
        tables.create(NAME, Content(pa.table({"a": noise})), ADA)
    assert tables.get(NAME) is None


@pytest.mark.parametrize("name", ["countries", "a.b.c", "Geo.countries", "geo.", ".x", "a/b.c"])
def test_a_name_is_a_schema_and_a_table(name: str) -> None:
    with pytest.raises(InvalidName):
        document(name)


def test_a_listener_hears_of_all_tables(backend: Backend) -> None:
    tables, told = ReferenceTables(backend.open()), list[Mapping[str, Document]]()
    ReferenceTables(backend.open()).watch(told.append)
    eventually(lambda: told == [{}], 10)
    tables.create(NAME, content("de"), ADA)
    tables.create("main.t", content("x"), ADA)
    eventually(lambda: sorted(told[-1]) == [NAME, "main.t"], 10)
    assert sorted(tables.all()) == [NAME, "main.t"]
    assert codes(read(NAME, told[-1][NAME])) == ["de"]
    tables.delete(NAME)
    eventually(lambda: list(told[-1]) == ["main.t"], 10)


def test_a_registry_that_is_away_is_told() -> None:
    registry = MemoryRegistry()
    registry.go_unreachable()
    with pytest.raises(RegistryUnavailable, match=r"no answer within 0\.01 s"):
        ReferenceTables(registry).all(0.01)


def test_what_is_no_table_is_told(backend: Backend) -> None:
    registry = backend.open()
    registry.write_document("tables/geo/countries", b"no arrow", None)
    with pytest.raises(MalformedTable):
        ReferenceTables(registry).get(NAME)
