"""Partitions found in folders, and values made of texts."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.discovery.catalog.definition import Column, Format, Table
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.flight_server.cluster.catalog import partitioning
from flightkeeper.flight_server.cluster.catalog.commands import PartitionSpec
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument

COLUMNS = (Column("id", "BIGINT"), Column("day", "DATE"), Column("hour", "INTEGER"))


@pytest.fixture
def objects() -> Iterator[ClusterObjects]:
    database = Database(DatabaseOptions())
    yield ClusterObjects(database, "memory")
    database.close()


def table(root: Path, form: Format = Format.PARQUET) -> Table:
    return Table(COLUMNS, form, str(root), partitioned_by=("day", "hour"))


def put(root: Path, path: str, rows: int) -> Path:
    (root / path).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": list(range(rows))}), root / path / f"{rows}.parquet")
    return root / path


def repaired(objects: ClusterObjects, root: Path, *there: Partition, drop: bool = False) -> object:
    found = partitioning.repaired(objects, table(root), there, add=True, drop=drop)
    return None if found is None else {p.path: (p.values, p.files, p.rows) for p in found}


def test_folders_become_partitions(objects: ClusterObjects, tmp_path: Path) -> None:
    put(tmp_path, "day=2024-01-01/hour=07", 2)
    put(tmp_path, "day=2024-01-01/hour=07", 3)
    put(tmp_path, "day=__HIVE_DEFAULT_PARTITION__/hour=8", 1)
    put(tmp_path, "day=2024-01-01", 9)
    (tmp_path / "day=2024-01-02" / "hour=1").mkdir(parents=True)
    found = partitioning.repaired(objects, table(tmp_path), (), add=True, drop=False)
    assert found is not None
    assert {p.path: (p.values, p.files, p.rows) for p in found} == {
        "day=2024-01-01/hour=07": (("2024-01-01", "7"), ("2.parquet", "3.parquet"), 5),
        "day=__HIVE_DEFAULT_PARTITION__/hour=8": ((None, "8"), ("1.parquet",), 1),
    }
    assert all(partition.bytes > 100 for partition in found)
    # Once they are known nothing is left to do.
    assert repaired(objects, tmp_path, *found) is None


def test_what_is_gone_stays_unless_it_is_to_go(objects: ClusterObjects, tmp_path: Path) -> None:
    put(tmp_path, "day=2024-01-01/hour=7", 2)
    gone = Partition(("2024-01-05", "1"), "day=2024-01-05/hour=1", ("a.parquet",))
    elsewhere = Partition(("2024-01-06", "1"), "/elsewhere", ("a.parquet",))
    kept = repaired(objects, tmp_path, gone, elsewhere)
    assert isinstance(kept, dict)
    assert len(kept) == 3
    left = repaired(objects, tmp_path, gone, elsewhere, drop=True)
    assert isinstance(left, dict)
    assert set(left) == {"day=2024-01-01/hour=7", "/elsewhere"}


def test_files_that_came_later_are_found(objects: ClusterObjects, tmp_path: Path) -> None:
    put(tmp_path, "day=2024-01-01/hour=7", 2)
    known = Partition(("2024-01-01", "7"), "day=2024-01-01/hour=7", ("1.parquet",), 1, 1)
    assert repaired(objects, tmp_path, known) == {
        "day=2024-01-01/hour=7": (("2024-01-01", "7"), ("2.parquet",), 2)
    }


def test_folders_that_cannot_be_told_apart_are_refused(
    objects: ClusterObjects, tmp_path: Path
) -> None:
    put(tmp_path, "day=2024-01-01/hour=7", 2)
    put(tmp_path, "day=2024-01-01/hour=07", 2)
    with pytest.raises(InvalidArgument, match="mean the same partition; nothing was done"):
        repaired(objects, tmp_path)
    put(tmp_path, "day=2024-01-01/hour=x", 2)
    with pytest.raises(InvalidArgument, match="'x'"):
        repaired(objects, tmp_path)


def test_a_partition_is_added_where_its_files_are(objects: ClusterObjects, tmp_path: Path) -> None:
    values = ("2024-01-01", "7")
    put(tmp_path, "day=2024-01-01/hour=7", 2)
    there = put(tmp_path, "other", 3)
    usual = partitioning.partition_at(objects, table(tmp_path), values, None)
    assert (usual.path, usual.files, usual.rows) == ("day=2024-01-01/hour=7", ("2.parquet",), 2)
    named = f"{tmp_path}/day=2024-01-01/hour=7"
    assert partitioning.partition_at(objects, table(tmp_path), values, named) == usual
    other = partitioning.partition_at(objects, table(tmp_path), values, str(there))
    assert (other.path, other.rows) == (str(there), 3)
    text = partitioning.partition_at(objects, table(tmp_path, Format.CSV), values, None)
    assert (text.files, text.rows) == ((), -1)


def test_values_are_those_of_the_columns_types(objects: ClusterObjects, tmp_path: Path) -> None:
    def values(*pairs: tuple[str, str | None]) -> object:
        return partitioning.values_of(objects, table(tmp_path), PartitionSpec(pairs))

    assert values(("HOUR", "07"), ("day", "2024-1-1")) == ("2024-01-01", "7")
    assert values(("hour", None), ("day", "2024-01-01")) == ("2024-01-01", None)
    for wrong in ((("day", "2024-01-01"),), (("day", "1"), ("hour", "1"), ("id", "1"))):
        with pytest.raises(InvalidArgument, match="a value for each of day, hour, and no other"):
            values(*wrong)
    with pytest.raises(InvalidArgument, match="often"):
        values(("hour", "often"), ("day", "2024-01-01"))
    plain = Table(COLUMNS, Format.CSV, "/x")
    with pytest.raises(InvalidArgument, match="has no partitions"):
        partitioning.values_of(objects, plain, PartitionSpec(()))
    with pytest.raises(InvalidArgument, match="has no partitions"):
        partitioning.repaired(objects, plain, (), add=True, drop=False)
