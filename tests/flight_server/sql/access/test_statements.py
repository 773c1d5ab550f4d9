"""What statements use, and which kinds of them are never judged but refused."""

import pytest

from flightkeeper.discovery.principals.model import Privilege
from flightkeeper.flight_server.engine.named import builtin_functions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access.heads import SHOW_TABLES
from flightkeeper.flight_server.sql.access.statements import uses
from flightkeeper.flight_server.sql.access.uses import EVERY_PRIVILEGE, Uses


def used(text: str) -> Uses:
    (statement,) = parse(text)
    return uses(statement.sql, statement.kind, builtin_functions())


def tables(text: str) -> list[tuple[str, ...]]:
    return [use.path for use in used(text).tables]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("SELECT 1", []),
        ('SELECT * FROM a.b."C d" x, E', [("a", "b", "c d"), ("e",)]),
        ("WITH t AS (FROM u) FROM t", [("u",)]),
        ("WITH t AS (FROM t) FROM t", [("t",)]),
        ("WITH RECURSIVE t AS (FROM t) FROM t", [("t",)]),
        ("WITH RECURSIVE t AS (SELECT 1 UNION FROM t) FROM t", []),
        ("WITH RECURSIVE t AS (FROM t UNION SELECT 1) FROM t", [("t",)]),
        ("WITH t AS (SELECT 1) FROM main.t", [("main", "t")]),
        ("EXPLAIN ANALYZE FROM t", [("t",)]),
        ("EXPLAIN (FORMAT json) FROM t", [("t",)]),
        ("DESCRIBE a.t", [("a", "t")]),
        ("SUMMARIZE FROM t", [("t",)]),
        ("FROM (DESCRIBE t)", [("t",)]),
        ("FROM (DESCRIBE SELECT * FROM t) x, u", [("t",), ("u",)]),
        ("FROM duckdb_tables()", [("duckdb_tables",)]),
        ("FROM 'a.csv'", [("a.csv",)]),
    ],
)
def test_what_a_query_reads(text: str, read: list[tuple[str, ...]]) -> None:
    found = used(text)
    assert [use.path for use in found.tables] == read
    assert found.target is None


def test_a_name_knows_where_it_stands() -> None:
    text = "SELECT 'ü', * FROM /* t */ a . \"T\" AS x"
    (use,) = used(text).tables
    assert use.span is not None
    assert text[use.span.start : use.span.end] == 'a . "T"'
    assert use.aliased
    assert use.written == "T"


@pytest.mark.parametrize(
    ("text", "path", "needs", "reads"),
    [
        ("INSERT INTO t VALUES (1)", ("t",), {"INSERT"}, False),
        ("INSERT INTO t VALUES (1) RETURNING a", ("t",), {"INSERT"}, True),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", ("t",), {"INSERT", "UPDATE"}, True),
        ("INSERT OR REPLACE INTO t VALUES (1)", ("t",), {"INSERT", "UPDATE"}, True),
        ("UPDATE a.t SET b = 1", ("a", "t"), {"UPDATE"}, False),
        ("UPDATE t SET b = b + 1", ("t",), {"UPDATE"}, True),
        ("UPDATE t SET b = 1 WHERE c", ("t",), {"UPDATE"}, True),
        ("DELETE FROM t", ("t",), {"DELETE"}, False),
        ("DELETE FROM t WHERE a", ("t",), {"DELETE"}, True),
        ("TRUNCATE t", ("t",), {"DELETE"}, False),
        (
            "MERGE INTO t USING u ON a WHEN MATCHED THEN DELETE",
            ("t",),
            {"INSERT", "UPDATE", "DELETE"},
            True,
        ),
        ("DROP TABLE t", ("t",), set(EVERY_PRIVILEGE), True),
        ("ALTER TABLE t RENAME a TO b", ("t",), set(EVERY_PRIVILEGE), True),
        ("EXPLAIN ANALYZE DELETE FROM t", ("t",), {"DELETE"}, False),
    ],
)
def test_what_a_change_takes(
    text: str,
    path: tuple[str, ...],
    needs: set[str],
    reads: bool,  # noqa: FBT001
) -> None:
    target = used(text).target
    assert target is not None
    assert (target.path, set(target.needs), target.reads) == (
        path,
        {Privilege(one) for one in needs},
        reads,
    )


def test_what_an_update_sets_and_where_its_condition_stands() -> None:
    text = "UPDATE t AS x SET A = (SELECT 1 WHERE true), b = 2 WHERE d RETURNING a"
    target = used(text).target
    assert target is not None
    assert target.alias == "x"
    assert target.columns == frozenset({"a", "b"})
    assert target.condition is not None
    assert text[target.condition.start : target.condition.end] == " d "
    without = used("DELETE FROM t RETURNING a").target
    assert without is not None
    assert not without.conditional


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("CREATE TABLE a.t (b INT)", Uses(makes=("a", "t"))),
        ("CREATE OR REPLACE TABLE t AS SELECT 1", Uses(makes=("t",), replaces=True)),
        ("CREATE TEMP TABLE t AS SELECT 1", Uses(makes=("t",), temporary=True)),
        ("CREATE SCHEMA a.s", Uses(makes_schema=("a", "s"))),
    ],
)
def test_what_is_made(text: str, made: Uses) -> None:
    assert used(text) == made


def test_show_tables_is_a_query() -> None:
    assert used("SHOW TABLES").instead == SHOW_TABLES
    assert tables(SHOW_TABLES) == [("duckdb_tables",), ("duckdb_views",)]


@pytest.mark.parametrize(
    "text",
    [
        "COPY t TO 'x'",
        "ATTACH 'x'",
        "PRAGMA version",
        "CALL pragma_version()",
        "PREPARE p AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE MACRO m() AS 1",
        "CREATE INDEX i ON t (a)",
        "DROP SCHEMA s",
        "CHECKPOINT",
        "EXPLAIN COPY t TO 'x'",
        "FROM read_csv('x')",
        "FROM (SHOW TABLES)",
        "FROM (DESCRIBE tables)",
        "FROM (SUMMARIZE t)",
        "SELECT no_function_of_duckdbs(1)",
        "SELECT safe_divide(1, 2)",
        "INSERT INTO t VALUES (safe_divide(1, 2))",
        "SELECT current_setting('temp_directory')",
        "FROM duckdb_tables(1)",
    ],
)
def test_what_cannot_be_judged_is_refused(text: str) -> None:
    try:
        statement = parse(text)[0]
    except Exception:  # noqa: BLE001 - the engine refuses it already
        return
    with pytest.raises(PermissionDenied, match="nothing was run"):
        uses(statement.sql, statement.kind, builtin_functions())


def test_what_the_engine_takes_for_something_else_is_refused() -> None:
    with pytest.raises(PermissionDenied):
        uses("INSERT INTO t VALUES (1)", "SELECT", builtin_functions())
    with pytest.raises(PermissionDenied):
        uses("SELECT 1", "INSERT", builtin_functions())
