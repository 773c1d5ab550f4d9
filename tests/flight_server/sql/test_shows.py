"""SHOW and DESCRIBE, answered by DuckDB."""

import duckdb
import pytest

from flightkeeper.flight_server.sql.shows import show

_SETUP = """
CREATE SCHEMA other; CREATE TABLE t (a INTEGER, b VARCHAR); CREATE TABLE other.u (c DATE);
CREATE VIEW v AS SELECT a FROM t
"""


def answer(text: str, dialect: str) -> tuple[list[str], list[tuple[object, ...]]]:
    sql = show(text, dialect)
    assert sql is not None
    with duckdb.connect() as connection:
        connection.execute(_SETUP)
        executed = connection.execute(sql)
        return [column[0] for column in executed.description or ()], executed.fetchall()


@pytest.mark.parametrize(
    ("text", "dialect", "columns", "rows"),
    [
        ("SHOW SCHEMAS", "trino", ["Schema"], [("main",), ("other",)]),
        ("SHOW CATALOGS", "trino", ["Catalog"], [("memory",)]),
        ("SHOW TABLES FROM memory.other", "trino", ["Table"], [("u",)]),
        ("SHOW TABLES LIKE 't%'", "presto", ["Table"], [("t",)]),
        ("SHOW DATABASES LIKE 'o*'", "hive", ["database_name"], [("other",)]),
        ("SHOW TABLES IN other", "hive", ["tab_name"], [("u",)]),
        ("SHOW TABLES 't|x'", "hive", ["tab_name"], [("t",)]),
        ("SHOW VIEWS", "hive", ["tab_name"], [("v",)]),
        ("SHOW TABLES", "impala", ["name"], [("t",), ("v",)]),
        ("DESCRIBE other.u", "impala", ["name", "type", "comment"], [("c", "DATE", None)]),
        ("SHOW DATABASES", "mysql", ["Database"], [("main",), ("other",)]),
        ("SHOW TABLES FROM other", "mysql", ["Tables_in_other"], [("u",)]),
        ('SHOW COLUMNS FROM "other"."u"', "trino", None, [("c", "DATE", "", "")]),
        ("SHOW TABLES", "clickhouse", ["name"], [("t",), ("v",)]),
        ("SHOW server_encoding", "postgres", ["server_encoding"], [("UTF8",)]),
        ("SHOW TIME ZONE", "redshift", ["timezone"], None),
        ("SHOW FUNCTIONS LIKE 'md5'", "spark", ["name"], [("md5",)]),
        ("SHOW VARIABLES LIKE 'threads'", "mysql", ["Variable_name", "Value"], None),
    ],
)
def test_answers(
    text: str, dialect: str, columns: list[str] | None, rows: list[tuple[object, ...]] | None
) -> None:
    found = answer(text, dialect)
    assert columns is None or found[0] == columns
    assert found[1] == rows if rows is not None else len(found[1]) == 1


def test_the_text_that_made_a_table() -> None:
    _, rows = answer("SHOW CREATE TABLE other.u", "hive")
    assert len(rows) == 1
    assert "CREATE TABLE" in str(rows[0][0])


@pytest.mark.parametrize(
    ("text", "dialect"),
    [("SELECT 1", "trino"), ("SHOW GRANTS", "mysql"), ("SHOW TABLES", "postgres; x")],
)
def test_anything_else_is_not_known(text: str, dialect: str) -> None:
    assert show(text, dialect) is None
