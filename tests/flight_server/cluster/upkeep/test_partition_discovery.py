"""Partitions that are found without being asked for."""

from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.discovery.catalog import changing
from flightkeeper.discovery.catalog.changing import Author
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.discovery.locks import LastingHold, LockLost
from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.cluster.catalog import ddl
from flightkeeper.flight_server.cluster.upkeep.partition_discovery import (
    BY,
    AllGone,
    PartitionDiscovery,
    checked,
    told,
)
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.system.events import What

T = ObjectName("s", "t")
COLUMNS = (Column("id", "BIGINT"), Column("day", "INTEGER"))


def part(day: int, *files: str, path: str = "") -> Partition:
    return Partition((str(day),), path or f"day={day}", files or ("a.parquet",))


def test_a_storage_that_is_not_there_is_no_empty_one() -> None:
    elsewhere = part(3, path="/other")
    assert checked([part(1)], None) is None
    assert checked([part(1)], (part(2),)) == (part(2),)
    assert checked([], ()) == ()
    assert checked([elsewhere], (elsewhere, part(2))) == (elsewhere, part(2))
    for after in ((), (elsewhere,)):
        with pytest.raises(AllGone, match="nothing was changed"):
            checked([part(1), elsewhere], after)


def test_what_has_changed_is_counted() -> None:
    assert told([part(1), part(2), part(3)], [part(2), part(3, "b"), part(4)]) == (
        "1 new, 1 changed, 1 gone"
    )


class Discovering:
    """A table of files, and the duty."""

    def __init__(self, root: Path, objects: ClusterObjects) -> None:
        self.root = root
        self.registry = MemoryRegistry()
        self.hold = LastingHold("discovery", 1, lambda: None)
        self.said: list[tuple[What, str, str]] = []
        self.define(T, {ddl.DISCOVER: "TRUE"})
        self.discovery = PartitionDiscovery(
            self.registry,
            objects,
            lambda: changing.list_all(self.registry),
            lambda: 5.0,
            lambda *what: self.said.append(what),
        )

    def define(self, name: ObjectName, options: dict[str, str]) -> None:
        table = Table(COLUMNS, Format.PARQUET, str(self.root), options, ("day",))
        changing.define(self.registry, Definition(name, table), Author("ada", 1))

    def write(self, *days: int) -> None:
        for day in days:
            (self.root / f"day={day}").mkdir(parents=True)
            pq.write_table(pa.table({"id": [day]}), self.root / f"day={day}" / "a.parquet")

    def days(self, name: ObjectName = T) -> list[int]:
        found = changing.read_table(self.registry, name)[2]
        return [int(p.values[0] or "") for p in found]


@pytest.fixture
def discovering(tmp_path: Path) -> Iterator[Discovering]:
    database = Database(DatabaseOptions())
    yield Discovering(tmp_path / "data", ClusterObjects(database, "memory"))
    database.close()


def test_tables_that_say_so_follow_their_folders(discovering: Discovering) -> None:
    quiet, off = ObjectName("s", "quiet"), ObjectName("s", "off")
    discovering.define(quiet, {})
    discovering.define(off, {ddl.DISCOVER: "false"})
    view = Definition(ObjectName("s", "v"), View("SELECT 1"))
    changing.define(discovering.registry, view, Author("ada", 1))
    discovering.write(1, 2)
    discovering.discovery.step(discovering.hold)
    assert discovering.days() == [1, 2]
    assert discovering.days(quiet) == discovering.days(off) == []
    last = changing.read_log(discovering.registry)[-1]
    assert (last.what, last.by, last.at_ms) == ("partitions", BY, 5000)
    # Nothing new is no change.
    discovering.discovery.step(discovering.hold)
    assert changing.read_log(discovering.registry)[-1] == last
    discovering.write(3)
    rmtree(discovering.root / "day=1")
    discovering.discovery.step(discovering.hold)
    assert discovering.days() == [2, 3]
    assert discovering.said == [
        (What.PARTITIONS_DISCOVERED, "s.t", "2 new, 0 changed, 0 gone"),
        (What.PARTITIONS_DISCOVERED, "s.t", "1 new, 0 changed, 1 gone"),
    ]


def test_a_table_that_cannot_be_looked_at_keeps_no_other_from_it(discovering: Discovering) -> None:
    discovering.write(1)
    discovering.discovery.step(discovering.hold)
    other = ObjectName("s", "a")
    table = Table(COLUMNS, Format.PARQUET, "/nowhere", {ddl.DISCOVER: "true"}, ("day",))
    changing.define(
        discovering.registry, Definition(other, table), Author("ada", 1), partitions=[part(9)]
    )
    discovering.write(2)
    for _ in range(2):
        discovering.discovery.step(discovering.hold)
    assert discovering.days() == [1, 2]
    assert discovering.days(other) == [9]
    hindered = [said for said in discovering.said if said[0] is What.DUTY_HINDERED]
    assert [(subject, "nothing was changed" in why) for _, subject, why in hindered] == [
        ("s.a", True)
    ]


def test_who_leads_no_more_changes_nothing(discovering: Discovering) -> None:
    discovering.write(1)
    discovering.hold.stop()
    with pytest.raises(LockLost):
        discovering.discovery.step(discovering.hold)
    assert discovering.days() == []


def test_who_is_not_leading_any_more_after_a_look_writes_nothing(discovering: Discovering) -> None:
    discovering.write(1)

    class Lost(LastingHold):
        """Lost between the look and the write."""

        asked = 0

        def check(self) -> None:
            self.asked += 1
            if self.asked == 3:
                self.stop()
            super().check()

    hold = Lost("discovery", 1, lambda: None)
    with pytest.raises(LockLost):
        discovering.discovery.step(hold)
    assert hold.asked == 3
    assert discovering.days() == []


def test_a_table_that_is_being_changed_is_said_and_looked_at_again(
    discovering: Discovering, monkeypatch: pytest.MonkeyPatch
) -> None:
    discovering.write(1)
    take = discovering.registry.lock
    with discovering.registry.lock("catalog.s.t"), monkeypatch.context() as patched:
        patched.setattr(discovering.registry, "lock", lambda name, _: take(name, 0.0))
        discovering.discovery.step(discovering.hold)
    assert [what for what, *_ in discovering.said] == [What.DUTY_HINDERED]
    assert discovering.days() == []
    discovering.discovery.step(discovering.hold)
    assert discovering.days() == [1]
