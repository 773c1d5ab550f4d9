"""Statements about the catalog are read from their words."""

import pytest

from flightkeeper.discovery.catalog.definition import Column, Kind, ObjectName
from flightkeeper.flight_server.cluster.catalog.commands import (
    AddPartitions,
    CommentOnObject,
    CreateClusterMacro,
    CreateClusterView,
    CreateExternalTable,
    DropObject,
    DropPartitions,
    PartitionSpec,
    RepairTable,
    ShowPartitions,
)
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.translation import parse

T = ObjectName("s", "t")


def read(text: str, dialect: str = "duckdb") -> Command | None:
    (statement,) = parse(text, dialect)
    return statement.command


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "trino", "postgres", "mysql", "snowflake"])
def test_a_table_is_described_by_its_clauses(dialect: str) -> None:
    text = """CREATE OR REPLACE EXTERNAL TABLE s.t (
        id BIGINT NOT NULL COMMENT 'which, one', price DECIMAL(10, 2), PRIMARY KEY (id)
    ) COMMENT 'it' PARTITIONED BY (day DATE COMMENT 'when', id) STORED AS csv LOCATION '/data'
    OPTIONS ('format.Delim' ';', header = true, skip 1)"""
    found = read(text, dialect)
    assert isinstance(found, CreateExternalTable)
    assert found == CreateExternalTable(
        T,
        or_replace=True,
        columns=(
            Column("id", "BIGINT", False, "which, one"),  # noqa: FBT003
            Column("price", found.columns[1].type),
        ),
        partition_columns=(Column("day", "DATE", comment="when"),),
        partitioned_by=("day", "id"),
        primary_key=("id",),
        format="csv",
        location="/data",
        options=(("delim", ";"), ("header", "true"), ("skip", "1")),
        comment="it",
    )
    assert found.columns[1].type.replace(" ", "") == "DECIMAL(10,2)"


def test_types_of_other_dialects_become_the_engines() -> None:
    text = "CREATE EXTERNAL TABLE t (a STRING, b ARRAY<INT>) STORED AS JSON LOCATION '/x'"
    found = read(text, "spark")
    assert isinstance(found, CreateExternalTable)
    assert [column.type for column in found.columns] == ["TEXT", "INT[]"]
    assert found.name == ObjectName("main", "t")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("DROP EXTERNAL TABLE s.t", DropObject(Kind.TABLE, T)),
        ("drop cluster view if exists cluster.s.t", DropObject(Kind.VIEW, T, if_exists=True)),
        ('DROP CLUSTER MACRO "s"."t"', DropObject(Kind.MACRO, T)),
        ("COMMENT ON EXTERNAL TABLE s.t IS 'x'", CommentOnObject(Kind.TABLE, T, "x")),
        ("COMMENT ON CLUSTER VIEW s.t IS NULL", CommentOnObject(Kind.VIEW, T)),
        ("MSCK REPAIR TABLE s.t", RepairTable(T)),
        ("MSCK REPAIR TABLE s.t ADD PARTITIONS", RepairTable(T)),
        ("MSCK REPAIR TABLE s.t SYNC PARTITIONS", RepairTable(T, add=True, drop=True)),
        ("MSCK REPAIR TABLE s.t DROP PARTITIONS", RepairTable(T, add=False, drop=True)),
        ("SHOW PARTITIONS s.t", ShowPartitions(T)),
        (
            "CREATE CLUSTER VIEW IF NOT EXISTS s.t AS SELECT 1 AS x -- so",
            CreateClusterView(T, if_not_exists=True, sql="SELECT 1 AS x"),
        ),
        (
            "CREATE OR REPLACE CLUSTER MACRO s.t(a, b := 2) AS a + b",
            CreateClusterMacro(T, or_replace=True, sql="(a, b := 2) AS a + b"),
        ),
        (
            "ALTER TABLE s.t ADD PARTITION (day='1', n=-2) LOCATION '/x' PARTITION (day=NULL)",
            AddPartitions(
                T,
                (
                    PartitionSpec((("day", "1"), ("n", "-2")), "/x"),
                    PartitionSpec((("day", None),)),
                ),
            ),
        ),
        (
            "ALTER EXTERNAL TABLE s.t DROP IF EXISTS PARTITION (day = DATE '2024-01-01')",
            DropPartitions(T, (PartitionSpec((("day", "2024-01-01"),)),), if_exists=True),
        ),
    ],
)
def test_each_statement_is_read(text: str, command: Command) -> None:
    assert read(text) == command
    assert read(f"{text};") == command


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE a.b.c ADD COLUMN partition INT",
        "ALTER TABLE t ADD COLUMN partition INT",
        "ALTER TABLE t DROP COLUMN partition",
        "SELECT sum(a) OVER (PARTITION BY b) FROM t",
        "CREATE TABLE cluster (a INT)",
        "DROP TABLE cluster",
        "CREATE VIEW cluster AS SELECT 1 AS external",
    ],
)
def test_the_engines_own_statements_stay_its_own(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("CREATE EXTERNAL TABLE s.t (a INT) LOCATION '/x'", "STORED AS is missing"),
        ("CREATE EXTERNAL TABLE s.t STORED AS CSV", "LOCATION is missing"),
        ("CREATE EXTERNAL TABLE s.t (a) STORED AS CSV LOCATION '/x'", "expected a type"),
        ("CREATE EXTERNAL TABLE s.t STORED AS CSV LOCATION x", "expected a text in quotes"),
        ("CREATE EXTERNAL TABLE s.t STORED BY x", "expected one of PARTITIONED BY"),
        ("CREATE EXTERNAL TABLE a.b.c STORED AS CSV LOCATION '/x'", "no catalog"),
        ("CREATE EXTERNAL VIEW v AS SELECT 1", "expected EXTERNAL TABLE"),
        ("CREATE CLUSTER VIEW s.v", "expected AS"),
        ("CREATE CLUSTER VIEW s.v AS", "expected more"),
        ("DROP EXTERNAL TABLE s.t x", "expected the end"),
        ("DROP EXTERNAL TABLE 't'", "expected a name"),
        ("ALTER EXTERNAL TABLE s.t RENAME TO x", "expected ADD PARTITION"),
        ("ALTER TABLE s.t ADD PARTITION (day)", "expected ="),
        ("ALTER TABLE s.t ADD PARTITION (day = x)", "expected a value"),
        ("MSCK REPAIR TABLE s.t SOME PARTITIONS", "expected ADD"),
        ("MSCK TABLE s.t", "expected REPAIR"),
        ("COMMENT ON EXTERNAL TABLE s.t 'x'", "expected IS"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason) as caught:
        parse(text, "duckdb")
    assert "LINE 1" in str(caught.value)
