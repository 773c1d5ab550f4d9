"""Names of system tables in statements, in every dialect: found, and nothing else touched."""

import pytest

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql.translation import parse

NODES = 'temp."system.nodes"'

PAIRS = [
    ("duckdb", "FROM system.nodes", f'FROM {NODES} AS "nodes"'),
    ("duckdb", "SELECT * FROM SYSTEM . Nodes", f'SELECT * FROM {NODES} AS "nodes"'),
    ("duckdb", 'SELECT * FROM "system"."nodes" n', f"SELECT * FROM {NODES} n"),
    ("duckdb", "SELECT * FROM system.nodes AS n", f"SELECT * FROM {NODES} AS n"),
    ("duckdb", 'SELECT * FROM system.nodes "Ü"', f'SELECT * FROM {NODES} "Ü"'),
    ("duckdb", "SELECT * FROM system.system.nodes", f'SELECT * FROM {NODES} AS "nodes"'),
    (
        "duckdb",
        "SELECT nodes.state FROM system.nodes WHERE system.nodes.state = 'ü' LIMIT 1",
        f'SELECT nodes.state FROM {NODES} AS "nodes" WHERE "nodes".state = \'ü\' LIMIT 1',
    ),
    (
        "duckdb",
        "SELECT * FROM system.nodes LEFT JOIN t USING (a)",
        f'SELECT * FROM {NODES} AS "nodes" LEFT JOIN t USING (a)',
    ),
    ("duckdb", "DESCRIBE system.nodes", f"DESCRIBE {NODES}"),
    ("duckdb", "SUMMARIZE system.nodes", f"SUMMARIZE {NODES}"),
    ("duckdb", "TABLE system.nodes", f"TABLE {NODES}"),
    ("duckdb", "FROM n: system.nodes", f"FROM n: {NODES}"),
    ("duckdb", "EXPLAIN FROM system.nodes", f'EXPLAIN FROM {NODES} AS "nodes"'),
    (
        "mysql",
        "SELECT * FROM `system`.`nodes` LIMIT 3",
        f'SELECT * FROM {NODES} AS "nodes" LIMIT 3',
    ),
    ("spark", "SELECT state FROM system.nodes", f'SELECT state FROM {NODES} AS "nodes"'),
    ("trino", 'SELECT * FROM "system"."nodes"', f'SELECT * FROM {NODES} AS "nodes"'),
    ("tsql", "SELECT TOP 3 * FROM [system].nodes", f'SELECT * FROM {NODES} AS "nodes" LIMIT 3'),
]


@pytest.mark.parametrize(("dialect", "text", "expected"), PAIRS)
def test_they_are_put_so_that_they_are_found(dialect: str, text: str, expected: str) -> None:
    (statement,) = parse(text, dialect)
    assert statement.sql == expected
    assert statement.system == {"nodes"}
    assert statement.source == text
    assert statement.read_only


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'system.nodes' -- system.nodes",
        "SELECT * FROM system.duckdb_settings",
        "SELECT * FROM mine.system.nodes",
        "SELECT system.nodes FROM t AS system",
        "SELECT system.nodes, system FROM t AS system",
        'SELECT * FROM "system.nodes"',
        "SELECT * FROM systems.nodes",
    ],
)
def test_what_is_no_system_table_stays_as_it_is(text: str) -> None:
    (statement,) = parse(text, "duckdb")
    assert (statement.sql, statement.system) == (text, frozenset())


def test_all_that_are_named_are_told() -> None:
    (statement,) = parse(
        "WITH e AS (FROM system.events) SELECT * FROM e, system.nodes, (FROM system.query_log q)",
        "duckdb",
    )
    assert statement.system == {"events", "nodes", "query_log"}


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO mine FROM system.nodes",
        "CREATE TABLE mine AS FROM system.nodes",
        "CREATE VIEW mine AS FROM system.nodes",
        "DELETE FROM mine USING system.nodes",
        "COPY (FROM system.nodes) TO 'x.csv'",
        "EXPLAIN ANALYZE FROM system.nodes",
        "DROP TABLE system.nodes",
        "INSERT INTO system.nodes VALUES (1)",
    ],
)
def test_nothing_that_changes_something_reads_them(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse(text, "duckdb")


@pytest.mark.parametrize("text", ["SHOW TABLES FROM system", 'show tables from "system";'])
def test_they_are_listed(text: str) -> None:
    (statement,) = parse(text, "duckdb")
    assert "('nodes')" in statement.sql
    assert statement.system == frozenset()
