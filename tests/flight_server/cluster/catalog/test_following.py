"""A node's engine follows the catalog."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.changing import Author
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Kind,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.partitions import Partition, page_document
from flightkeeper.discovery.documents import Document
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.cluster.catalog import following
from flightkeeper.flight_server.cluster.catalog.following import CatalogFollowing, Followed
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import NodeError
from tests.flight_server.wire_client import eventually

ADA = Author("ada", 0)
V, W, T = ObjectName("s", "v"), ObjectName("s", "w"), ObjectName("s", "t")


class Node:
    """What a node has of the catalog, and says."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.database = Database(DatabaseOptions())
        self.objects = ClusterObjects(self.database, "memory")
        self.told: list[Followed] = []
        self.following = CatalogFollowing(registry, self.objects, self.told.append)

    def value(self, text: str) -> object:
        with self.database.lent() as connection:
            try:
                ((found,),) = connection.rows(text)
            except NodeError as exc:
                return str(exc).partition("\n")[0]
            return found


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


@pytest.fixture
def node(registry: MemoryRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(following, "_LOOK_S", 0.05)
    made = Node(registry)
    yield made
    made.following.close()
    made.following.close()
    made.database.close()


def define(registry: MemoryRegistry, name: ObjectName, text: str) -> None:
    changing.define(registry, Definition(name, View(text)), ADA, or_replace=True)


def test_all_is_there_from_the_start_and_as_it_changes(
    registry: MemoryRegistry, node: Node
) -> None:
    # The second needs the first, whatever their order.
    define(registry, W, "SELECT 1 AS x")
    define(registry, V, "SELECT x + 1 AS y FROM s.w")
    assert node.following.start(10)
    assert (node.value("FROM s.v"), node.told[-1]) == (2, Followed(2))
    define(registry, W, "SELECT 5 AS x")
    eventually(lambda: node.value("FROM s.v") == 6)
    changing.drop(registry, V, Kind.VIEW, ADA)
    eventually(lambda: node.told[-1].revision == 4)
    assert "does not exist" in str(node.value("FROM s.v"))
    assert set(node.following.definitions) == {W.key}


def test_one_bad_object_keeps_nothing_else_away(registry: MemoryRegistry, node: Node) -> None:
    define(registry, V, "SELECT x FROM s.w")
    define(registry, T, "SELECT 3 AS z")
    assert node.following.start(10)
    assert node.value("FROM s.t") == 3
    assert node.told[-1].revision == 2
    assert "w does not exist" in node.told[-1].problems["s.v"]
    define(registry, W, "SELECT 4 AS x")
    eventually(lambda: node.told[-1] == Followed(3))
    assert node.value("FROM s.v") == 4
    registry.write_document("catalog/s/broken", b"nonsense", None)
    eventually(lambda: "no definition" in node.told[-1].problems.get("s.broken", ""))


def test_what_cannot_be_made_is_wanted_all_the_same(registry: MemoryRegistry, node: Node) -> None:
    assert node.following.start(10)
    define(registry, V, "SELECT 1 AS x")
    define(registry, W, "FROM nowhere")
    eventually(lambda: list(node.following.definitions) == [V.key])
    assert [definition.name for definition in node.following.wanted] == [V, W]
    changing.drop(registry, W, Kind.VIEW, ADA)
    eventually(lambda: [definition.name for definition in node.following.wanted] == [V])


def test_what_somebody_takes_away_is_made_again(registry: MemoryRegistry, node: Node) -> None:
    define(registry, V, "SELECT 1 AS x")
    assert node.following.start(10)
    node.objects.apply(["DROP VIEW s.v"])
    eventually(lambda: node.value("FROM s.v") == 1)


def test_partitions_are_read_page_by_page(
    registry: MemoryRegistry, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "a.parquet")
    columns = (Column("id", "BIGINT"), Column("day", "INTEGER"))
    table = Table(columns, Format.PARQUET, str(tmp_path), partitioned_by=("day",))
    many = [Partition((f"{n}",), str(tmp_path), ("a.parquet",)) for n in range(600)]
    changing.define(registry, Definition(T, table), ADA, partitions=many)
    assert node.following.start(10)
    assert node.value("SELECT count(*) FROM s.t") == 600
    read: list[str] = []
    plainly = registry.read_document

    def noted(name: str) -> Document | None:
        read.append(name)
        return plainly(name)

    monkeypatch.setattr(registry, "read_document", noted)
    other = MemoryRegistry(registry.store)
    changing.repartition(other, T, lambda _, there: there[1:], ADA)
    eventually(lambda: node.value("SELECT count(*) FROM s.t") == 599)
    assert len(read) <= 2
    assert all(name.startswith("partitions/s/t/") for name in read)
    assert dict(node.objects.declared.keys) == {("memory", "s", "t"): ()}


def test_pages_of_a_newer_definition_are_not_taken(registry: MemoryRegistry, node: Node) -> None:
    table = Table((Column("a", "INT"), Column("d", "INT")), Format.CSV, "/x", {}, ("d",))
    partitions = [Partition(("1",), "d=1", ())]
    changing.define(registry, Definition(T, table), ADA, partitions=partitions)
    found = registry.read_document(page_document(T, 0))
    assert found is not None
    registry.write_document(page_document(T, 0), b"[]", found.version)
    assert node.following.start(10)
    assert "newer definition" in node.told[-1].problems["s.t"]
    registry.write_document(page_document(T, 0), found.data, found.version + 1)
    eventually(lambda: node.told[-1] == Followed(1))


def test_a_defect_does_not_end_the_following(
    registry: MemoryRegistry, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert node.following.start(10)
    with monkeypatch.context() as patch:
        patch.setattr(node.objects, "there", lambda: 1 / 0)
        define(registry, V, "SELECT 1 AS x")
        eventually(lambda: "met a defect" in node.told[-1].problems.get("catalog", ""))
    eventually(lambda: node.value("FROM s.v") == 1)


def test_without_an_answer_nothing_is_there(registry: MemoryRegistry, node: Node) -> None:
    define(registry, V, "SELECT 1 AS x")
    registry.go_unreachable()
    assert not node.following.start(0.05)
    registry.come_back()
    eventually(lambda: node.value("FROM s.v") == 1)
    registry.go_unreachable()
    assert node.value("FROM s.v") == 1


def test_its_thread_ends(node: Node) -> None:
    node.following.start(10)
    node.following.close()
    assert "flightkeeper-catalog" not in {thread.name for thread in threading.enumerate()}
