"""The catalog as Python programs use it."""

import pytest

from flightkeeper.discovery.catalog.catalog import Catalog, object_name
from flightkeeper.discovery.catalog.changing import CatalogRefused
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Kind,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.locations import UnusableLocation
from flightkeeper.discovery.catalog.partitions import Partition
from tests.discovery.backends import Backend

COLUMNS = (Column("id", "INTEGER"), Column("day", "INTEGER"))


def table(location: str = "/data/") -> Definition:
    body = Table(COLUMNS, Format.PARQUET, location, partitioned_by=("day",))
    return Definition(ObjectName("s", "t"), body)


def day(number: int) -> Partition:
    return Partition((str(number),), f"day={number}")


def test_programs_define_and_change(backend: Backend) -> None:
    catalog = Catalog(backend.open(), "ada", lambda: 7.0)
    assert catalog.define(table(), [day(1)]) == 1
    assert catalog.add_partitions("s.t", [day(1)]) is None
    assert catalog.add_partitions("S.T", [day(2), day(3)]) == 2
    assert catalog.drop_partitions("s.t", [("9",)]) is None
    assert catalog.drop_partitions("s.t", [("1",), ("9",)]) == 3
    assert catalog.partitions("s.t") == (day(2), day(3))
    assert catalog.define(Definition(ObjectName("main", "v"), View("SELECT 1"))) == 4
    assert catalog.comment("v", "one", Kind.VIEW) == 5
    assert [(str(d.name), d.comment, d.owner) for d in catalog.all()] == [
        ("main.v", "one", "ada"),
        ("s.t", "", "ada"),
    ]
    found = catalog.find("s.t")
    assert found is not None
    assert isinstance(found.body, Table)
    assert found.body.location == "/data"
    assert catalog.drop("s.t") == 6
    assert catalog.find("s.t") is None
    assert {entry.at_ms for entry in catalog.history()} == {7000}


def test_what_no_node_could_use_is_refused(backend: Backend) -> None:
    catalog = Catalog(backend.open(), "ada")
    with pytest.raises(UnusableLocation):
        catalog.define(table("data"))
    with pytest.raises(CatalogRefused, match="there is no external table"):
        catalog.add_partitions("s.t", [day(1)])
    assert catalog.all() == ()
    assert object_name("t") == ObjectName("main", "t")
