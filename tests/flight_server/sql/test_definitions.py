"""Statements that define or change data."""

import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from tests.flight_server.sql.translated import becomes


@pytest.mark.parametrize(
    ("text", "dialect", "sql"),
    [
        (
            "CREATE TABLE t (a INT) PARTITIONED BY (p STRING) STORED AS ORC",
            "hive",
            "CREATE TABLE t (a INT, p TEXT)",
        ),
        (
            "CREATE TEMPORARY TABLE t (a INT) ENGINE = InnoDB",
            "mysql",
            "CREATE TEMPORARY TABLE t (a INT)",
        ),
        ("CREATE INDEX i ON t (a)", "mysql", "CREATE INDEX i ON t(a)"),
        (
            "INSERT INTO t PARTITION (p = 'x') VALUES (1), (2)",
            "hive",
            "INSERT INTO t VALUES (1, 'x'), (2, 'x')",
        ),
        ("INSERT INTO t PARTITION (p) SELECT 1, 2", "hive", "INSERT INTO t SELECT 1, 2"),
        (
            "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a) + 1",
            "mysql",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT DO UPDATE SET a = excluded.a + 1",
        ),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING",
            "sqlite",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT(a) DO NOTHING",
        ),
    ],
)
def test_statements(text: str, dialect: str, sql: str) -> None:
    assert becomes(text, dialect) == sql


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CREATE EXTERNAL TABLE t (a INT) LOCATION '/x'", "over files elsewhere"),
        ("INSERT OVERWRITE TABLE t SELECT 1", "INSERT OVERWRITE"),
        ("INSERT INTO t PARTITION (p = 1, q) SELECT 2", "given in part"),
    ],
)
def test_what_would_mean_something_else_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{told}.*nothing was run"):
        becomes(text, "hive")
