"""A node follows the reference tables of its cluster, the last good ones through everything."""

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from flightkeeper.discovery.reference_table import Content
from flightkeeper.discovery.reference_tables import Author, ReferenceTables
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.discovery.testing_store import MemoryStore
from flightkeeper.flight_server.cluster.home import home
from flightkeeper.flight_server.cluster.reference_following import FollowedTables
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import Cancelled, InvalidArgument, Unavailable
from tests.flight_server.wire_client import eventually

ADA = Author("ada", 0)
NAME = "geo.t"


def content(*values: int) -> Content:
    return Content(pa.table({"a": pa.array(values, pa.int64())}))


class Node:
    """An engine that follows a registry, and the registry as others see it."""

    def __init__(self) -> None:
        store = MemoryStore()
        self.registry, self.others = MemoryRegistry(store), MemoryRegistry(store)
        self.tables = ReferenceTables(self.others)
        self.database = Database(DatabaseOptions())
        self.connection: Connection = self.database.connect()
        self.told: list[str] = []
        place = home(self.connection, in_memory=True)
        own = ReferenceTables(self.registry)
        self.followed = FollowedTables(own, self.database, place, self.told.append)

    def values(self, name: str = NAME) -> list[int] | None:
        """What the engine has."""
        try:
            return [int(value) for (value,) in self.connection.rows(f"FROM {name}")]
        except InvalidArgument:
            return None

    def close(self) -> None:
        self.followed.close()
        self.connection.close()
        self.database.close()


@pytest.fixture
def node() -> Iterator[Node]:
    made = Node()
    yield made
    made.close()


def test_tables_come_change_and_go(node: Node) -> None:
    node.tables.create(NAME, content(1), ADA)
    assert node.followed.start(10)
    assert node.values() == [1]
    assert node.followed.held == {NAME}
    node.tables.replace(NAME, content(1, 2), ADA)
    eventually(lambda: node.values() == [1, 2])
    node.tables.create("main.u", content(3), ADA)
    eventually(lambda: node.values("u") == [3])
    node.tables.delete(NAME)
    eventually(lambda: node.values() is None)
    eventually(lambda: node.followed.held == {"main.u"})
    node.tables.create(NAME, content(4), ADA)
    eventually(lambda: node.values() == [4])
    assert set(node.told) == {""}


def test_what_is_no_table_leaves_the_last_one_and_all_others(node: Node) -> None:
    node.tables.create(NAME, content(1), ADA)
    assert node.followed.start(10)
    node.others.write_document("tables/geo/t", b"no arrow", 0)
    node.tables.create("main.u", content(3), ADA)
    eventually(lambda: node.values("u") == [3])
    assert node.values() == [1]
    assert node.told[-1].startswith("geo.t: it is no reference table")
    node.tables.delete(NAME)
    node.tables.create(NAME, content(5), ADA)
    eventually(lambda: node.values() == [5])
    eventually(lambda: node.told[-1] == "")


def test_what_stands_in_the_way_is_told(node: Node) -> None:
    node.connection.command("CREATE TABLE u AS SELECT 7 AS a")
    node.tables.create("main.u", content(3), ADA)
    assert node.followed.start(10)
    assert node.told[-1].startswith("main.u: Catalog Error: Existing object ")
    assert (node.values("u"), node.followed.held) == ([7], frozenset())


def test_while_the_registry_is_away_all_stays(node: Node) -> None:
    node.tables.create(NAME, content(1), ADA)
    assert node.followed.start(10)
    node.registry.go_unreachable()
    node.tables.replace(NAME, content(2), ADA)
    assert node.values() == [1]
    node.registry.come_back()
    eventually(lambda: node.values() == [2])


def test_an_own_write_is_not_undone_by_an_older_list(node: Node) -> None:
    assert node.followed.start(10)
    looks = len(node.told)
    node.registry.reachable = False  # what the others write is not told
    made = node.tables.create(NAME, content(1), ADA)
    node.registry.reachable = True
    with node.followed.turn(node.connection, NAME, 1):
        node.followed.written(made)
    eventually(lambda: len(node.told) > looks)
    assert node.values() == [1]
    version = node.tables.delete(NAME)
    with node.followed.turn(node.connection, NAME, 1):
        node.followed.deleted(NAME, version)
    assert node.values() is None
    node.tables.create(NAME, content(2), ADA)
    eventually(lambda: node.values() == [2])


def test_an_older_version_changes_nothing(node: Node) -> None:
    first = node.tables.create(NAME, content(1), ADA)
    second = node.tables.replace(NAME, content(2), ADA)
    assert node.followed.start(10)
    node.followed._told = {}
    with node.followed.turn(node.connection, NAME, 1):
        node.followed.written(second)
    assert node.values() == [2]
    assert first.version < second.version


def test_a_table_is_touched_by_one_at_a_time(node: Node) -> None:
    assert node.followed.start(10)
    with node.followed.turn(node.connection, NAME, 1):
        with (
            pytest.raises(Unavailable, match=r"changing geo\.t for 0 s; nothing was run"),
            node.followed.turn(node.connection, NAME, 0),
        ):
            pass
        stopping = threading.Event()
        stopper = threading.Thread(target=_interrupt, args=(node.connection, stopping))
        stopper.start()
        with (
            pytest.raises(Cancelled, match="while it waited for others; nothing was run"),
            node.followed.turn(node.connection, NAME, 10),
        ):
            pass
        stopping.set()
        stopper.join(10)
        with node.followed.turn(node.connection, "geo.other", 0):
            pass
        # Nor by what is told meanwhile.
        node.tables.create(NAME, content(1), ADA)
        node.tables.create("main.u", content(2), ADA)
        eventually(lambda: node.values("u") == [2])
        assert node.values() is None
        waiting = threading.Thread(target=_take, args=(node,))
        waiting.start()
    waiting.join(10)
    eventually(lambda: node.values() == [1])


def _take(node: Node) -> None:
    with node.followed.turn(node.connection, NAME, 10):
        pass


def _interrupt(connection: Connection, done: threading.Event) -> None:
    while not done.wait(0.01):
        connection.interrupt()
