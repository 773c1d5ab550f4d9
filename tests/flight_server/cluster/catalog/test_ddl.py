"""The engine's statements for objects of the catalog, run by the engine."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flightkeeper.discovery.catalog import locations
from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Kind,
    Macro,
    ObjectName,
    Table,
    View,
)
from flightkeeper.discovery.catalog.partitions import Partition
from flightkeeper.flight_server.cluster.catalog import ddl
from flightkeeper.flight_server.errors import InvalidArgument

COLUMNS = (Column("id", "BIGINT", comment="it's"), Column("day", "DATE"))
NAME = ObjectName("s", 'a "b"')


def run(definition: Definition, *partitions: Partition) -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect()
    for statement in ddl.makes(definition, partitions, "memory"):
        engine.execute(statement)
    return engine


def table(root: Path, **more: object) -> Definition:
    found = Table(COLUMNS, Format.PARQUET, str(root), partitioned_by=("day",), **more)  # type: ignore[arg-type]
    return Definition(NAME, found, comment="so 'it' is")


def put(folder: Path, *numbers: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": list(numbers)}), folder / "a[1].parquet")


def test_partitions_lie_below_the_location_or_elsewhere(tmp_path: Path) -> None:
    put(tmp_path / "day=2024-01-01", 1)
    put(tmp_path / "day=__HIVE_DEFAULT_PARTITION__", 2)
    put(tmp_path / "else where", 3)
    engine = run(
        table(tmp_path),
        Partition(("2024-01-01",), "day=2024-01-01", ("a[1].parquet",)),
        Partition((None,), "day=__HIVE_DEFAULT_PARTITION__"),
        Partition(("2024-01-03",), f"{tmp_path}/else where", ("a[1].parquet",)),
        Partition(("2024-01-04",), "day=2024-01-04", ()),
    )
    rows = engine.sql('SELECT id, day::VARCHAR FROM s."a ""b""" ORDER BY id').fetchall()
    assert rows == [(1, "2024-01-01"), (2, None), (3, "2024-01-03")]
    told = engine.sql("SELECT comment FROM duckdb_views() WHERE schema_name = 's'").fetchall()
    assert told == [("so 'it' is",)]
    plan = engine.sql(
        'EXPLAIN SELECT id FROM s."a ""b""" WHERE day = DATE \'2024-01-01\''
    ).fetchall()
    assert "1/2" in plan[0][1]
    assert "Scanning Files" in plan[0][1]


def test_a_table_without_files_has_its_columns(tmp_path: Path) -> None:
    engine = run(table(tmp_path))
    assert engine.sql('DESCRIBE s."a ""b"""').fetchall()[0][:2] == ("id", "BIGINT")
    assert engine.sql('FROM s."a ""b"""').fetchall() == []


def test_what_is_made_is_dropped() -> None:
    for body in (View("SELECT 1 AS x"), Macro("(a) AS a"), Macro("(a) AS TABLE SELECT a AS x")):
        engine = run(Definition(NAME, body))
        for statement in ddl.makes(Definition(NAME, body), (), "memory"):
            engine.execute(statement)
        kind = Definition(NAME, body).kind
        assert kind is not None
        for _ in range(2):
            for statement in ddl.drops(kind, NAME, "memory"):
                engine.execute(statement)
        assert engine.sql("FROM duckdb_views() WHERE schema_name = 's'").fetchall() == []
        assert engine.sql("FROM duckdb_functions() WHERE schema_name = 's'").fetchall() == []
    assert list(ddl.drops(Kind.VIEW, NAME, "m")) == ['DROP VIEW IF EXISTS "m"."s"."a ""b"""']


def test_only_known_options_are_taken() -> None:
    ddl.check_options(Format.CSV, {"delim": ";", ddl.FILE_PATTERN: "*.dat"})
    with pytest.raises(InvalidArgument, match="no option delim"):
        ddl.check_options(Format.PARQUET, {"delim": ";"})


def test_options_reach_the_engine(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("id|day\n1|01.02.2024\n")
    options = {"delim": "|", "header": "true", "dateformat": "%d.%m.%Y", ddl.FILE_PATTERN: "*.dat"}
    body = Table(COLUMNS, Format.CSV, str(tmp_path), options)
    engine = run(Definition(NAME, body))
    assert engine.sql('FROM s."a ""b"""').fetchall() == [(1, date(2024, 2, 1))]


def test_whatever_stands_in_a_value_is_found_in_its_folder(tmp_path: Path) -> None:
    values = ["a b", "x/y", "k=v", "50%", "ü", "a[1]*?", "it's", ":,+"]
    columns = (Column("id", "BIGINT"), Column("two words", "VARCHAR"))
    body = Table(columns, Format.PARQUET, str(tmp_path), partitioned_by=("two words",))
    partitions = []
    for number, value in enumerate(values):
        path = locations.folder(("two words",), (value,))
        put(tmp_path / path, number)
        partitions.append(Partition((value,), path, ("a[1].parquet",)))
    engine = run(Definition(NAME, body), *partitions)
    found = engine.sql('SELECT "two words" FROM s."a ""b""" ORDER BY id').fetchall()
    assert [value for (value,) in found] == values
