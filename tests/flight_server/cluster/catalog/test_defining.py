"""What statements define, tried out on an engine."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.discovery.catalog.definition import Definition, Macro, ObjectName, Table, View
from flightkeeper.flight_server.cluster.catalog import defining
from flightkeeper.flight_server.cluster.catalog.commands import (
    CreateClusterMacro,
    CreateClusterView,
    Creation,
)
from flightkeeper.flight_server.engine.cluster_objects import ClusterObjects
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.translation import parse

NAME = ObjectName("s", "o")


@pytest.fixture
def objects() -> Iterator[ClusterObjects]:
    database = Database(DatabaseOptions())
    yield ClusterObjects(database, "memory")
    database.close()


def table(objects: ClusterObjects, text: str) -> Table:
    (statement,) = parse(text, "duckdb")
    assert isinstance(statement.command, Creation)
    found = defining.definition(objects, statement.command).body
    assert isinstance(found, Table)
    return found


def test_columns_are_found_in_the_files(objects: ClusterObjects, tmp_path: Path) -> None:
    (tmp_path / "day=1").mkdir()
    pq.write_table(pa.table({"id": [1], "name": ["a"]}), tmp_path / "day=1" / "a.parquet")
    make = "CREATE EXTERNAL TABLE s.t PARTITIONED BY (day{}) STORED AS PARQUET LOCATION '{}'"
    for kind, expected in (("", "BIGINT"), (" INT", "INTEGER"), (" STRING", "VARCHAR")):
        found = table(objects, make.format(kind, tmp_path))
        assert [(c.name, c.type) for c in found.columns] == [
            ("id", "BIGINT"),
            ("name", "VARCHAR"),
            ("day", expected),
        ]
        schema = pa.ipc.read_schema(pa.py_buffer(found.arrow_schema))
        assert schema.names == ["id", "name", "day"]
        assert found.partitioned_by == ("day",)


def test_names_are_those_of_the_columns(objects: ClusterObjects) -> None:
    found = table(
        objects,
        "CREATE EXTERNAL TABLE t (Id INT, Day DATE, PRIMARY KEY (ID)) PARTITIONED BY (DAY) "
        "STORED AS CSV LOCATION '/x/' OPTIONS (header 'true')",
    )
    assert (found.primary_key, found.partitioned_by) == (("Id",), ("Day",))
    assert (found.location, dict(found.options)) == ("/x", {"header": "true"})


def test_views_and_macros_have_to_work_here(objects: ClusterObjects) -> None:
    view = defining.definition(objects, CreateClusterView(NAME, sql="SELECT 1 AS x"))
    assert view == Definition(NAME, View("SELECT 1 AS x"))
    macro = defining.definition(objects, CreateClusterMacro(NAME, sql="(a) AS a"))
    assert macro.body == Macro("(a) AS a")
    for sql, reason in {
        "SELECT 1; DROP SCHEMA main": "more than one statement",
        "SELECT $1": "(?i)parameter",
        "FROM nothing": "nothing",
        "": "syntax error",
    }.items():
        with pytest.raises(InvalidArgument, match=reason):
            defining.definition(objects, CreateClusterView(NAME, sql=sql))
    assert objects.there() == frozenset()
