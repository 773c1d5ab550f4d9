"""What the engine has of the cluster's definitions."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects, trial_name
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(Database(DatabaseOptions())) as opened:
        yield opened


@pytest.fixture
def objects(database: Database) -> ClusterObjects:
    return ClusterObjects(database, "memory")


def test_statements_are_applied_all_or_none(objects: ClusterObjects) -> None:
    objects.apply(
        ["CREATE SCHEMA S", "CREATE VIEW S.V AS SELECT 1 AS x", "CREATE MACRO s.m() AS 1"]
    )
    assert objects.there() == {("s", "v"), ("s", "m")}
    with pytest.raises(InvalidArgument, match="nothing"):
        objects.apply(["DROP VIEW s.v", "CREATE VIEW s.w AS FROM nothing"])
    assert objects.there() == {("s", "v"), ("s", "m")}


def test_a_trial_leaves_nothing(objects: ClusterObjects) -> None:
    objects.try_out(["CREATE SCHEMA s", f"CREATE VIEW s.{trial_name()} AS SELECT 1"])
    assert objects.there() == frozenset()
    with pytest.raises(InvalidArgument, match="nothing"):
        objects.try_out(["FROM nothing"])


def test_types_and_values_are_the_engines(objects: ClusterObjects) -> None:
    assert objects.columns("SELECT 1::INT AS a, NULL::STRING AS b") == [
        ("a", "INTEGER"),
        ("b", "VARCHAR"),
    ]
    schema = pa.ipc.read_schema(pa.py_buffer(objects.arrow_schema([("a", "DATE"), ("b", "INT[]")])))
    assert schema.names == ["a", "b"]
    assert schema.field("a").type == pa.date32()
    rows = [("2024-1-5", "007"), (None, "-3")]
    assert objects.canonical(["DATE", "INTEGER"], rows) == [("2024-01-05", "7"), (None, "-3")]
    assert objects.canonical(["DATE"], []) == []


def test_files_are_found_and_measured(objects: ClusterObjects, tmp_path: Path) -> None:
    for name, rows in (("b", 3), ("a", 2)):
        pq.write_table(pa.table({"id": list(range(rows))}), tmp_path / f"{name}.parquet")
    found = objects.files(f"{tmp_path}/*.parquet")
    assert found == [f"{tmp_path}/a.parquet", f"{tmp_path}/b.parquet"]
    sizes = objects.parquet_sizes(found)
    assert [sizes[path][0] for path in found] == [2, 3]
    assert [sizes[path][1] for path in found] == [Path(path).stat().st_size for path in found]
    assert objects.files(f"{tmp_path}/none/*") == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW v AS SELECT 1; DROP TABLE own",
        "CREATE MACRO m() AS 1; COPY (SELECT 1) TO 'x'",
        "INSERT INTO own VALUES (2)",
    ],
)
def test_a_definition_is_one_statement_that_defines(
    database: Database, objects: ClusterObjects, statement: str
) -> None:
    with database.lent() as connection:
        connection.command("CREATE TABLE own AS SELECT 1 AS a")
        for run in (objects.apply, objects.try_out):
            with pytest.raises(InvalidArgument, match="more than one statement; nothing was run"):
                run([statement])
        assert connection.rows("FROM own") == [(1,)]
