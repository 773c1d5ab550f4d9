"""Queries over another version of a real lake."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine import snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.lake.location import parse as located


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    home: Path = tmp_path_factory.mktemp("lake")
    where = located(f"ducklake:sqlite:{home}/lake.sqlite")
    database = Database(DatabaseOptions(lake=LakeOptions(where)))
    made = database.connect()
    for change in (
        "CREATE TABLE t AS SELECT range AS i, 'a' AS k FROM range(5)",
        "CREATE SCHEMA s",
        "CREATE TABLE s.u AS SELECT range AS j FROM range(3)",
        "CREATE VIEW seen AS SELECT * FROM t JOIN s.u ON i = j",
        "CREATE TABLE memory.main.own AS SELECT 1 AS i",
        "CREATE MACRO twice(x) AS 2 * x",
        "CREATE MACRO counted() AS (SELECT count(*) FROM t)",
    ):
        made.command(change)
    yield made
    made.close()
    database.close()


def only(sql: str) -> Statement:
    (statement,) = parse(sql)
    return statement


@pytest.mark.lake
@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM t",
        "SELECT count(*) FROM t;",
        "SELECT count(*) FROM t -- all of them",
        "SELECT count(*) FROM main.t AS x, lake.s.u y",
        "SELECT count(*) FROM lake.main.t AS x(a, b) WHERE a >= 0",
        'SELECT count(*) FROM "lake" . "main" . "T" /* AT */ AS "AT"',
        "SELECT sum(t.i) FROM t TABLESAMPLE 100%",
        "SELECT count(*) FROM seen",
        "SELECT count(*), 'ü' FROM t AS ü JOIN memory.main.own USING (i)",
        "WITH t AS (FROM t) SELECT count(*) FROM t",
        "SELECT (SELECT count(*) FROM t), EXISTS (FROM s.u) FROM t LIMIT 1",
        "SELECT count(*) FROM (t JOIN s.u ON i = j)",
        "SELECT count(*) FROM t, LATERAL (SELECT i + j FROM s.u)",
        "SELECT a.j, count(*) FROM s.u AS a GROUP BY ALL HAVING count(*) > 0 ORDER BY 1 LIMIT 1",
        "SELECT list(i ORDER BY i) FROM t WHERE i NOT IN (SELECT j FROM s.u)",
    ],
)
def test_a_query_reads_the_version_it_is_to(connection: Connection, text: str) -> None:
    before = snapshots.newest(connection)
    told = connection.rows(text)
    connection.command("INSERT INTO t VALUES (-1, 'b'), (1, 'c')")
    connection.command("DELETE FROM s.u WHERE j = 1")
    try:
        assert snapshots.may_read(connection, only(text))
        older = snapshots.at(connection, only(text), before)
        assert older is not None
        assert connection.rows(older.sql) == told
        assert snapshots.newest(connection) == before + 2
    finally:
        connection.command("DELETE FROM t WHERE k <> 'a'")
        connection.command("INSERT INTO s.u VALUES (1)")


@pytest.mark.lake
@pytest.mark.parametrize(
    "text",
    [
        "SELECT counted()",
        "SELECT twice(i) FROM t",
        "FROM query_table('t')",
        "FROM lake.current_snapshot()",
        "SELECT count(*) FROM lake.snapshots(), t",
        "EXPLAIN FROM t",
        "SUMMARIZE t",
        "DESCRIBE t",
    ],
)
def test_what_cannot_be_told_is_not_read_at_another_version(
    connection: Connection, text: str
) -> None:
    assert snapshots.at(connection, only(text), 1) is None


@pytest.mark.lake
def test_a_query_that_names_its_versions_keeps_them(connection: Connection) -> None:
    text = "SELECT count(*) FROM t AT (VERSION => 1)"
    statement = only(text)
    assert snapshots.at(connection, statement, 2) is statement
    mixed = snapshots.at(connection, only("FROM t AT (VERSION => 3) JOIN s.u ON i = j"), 3)
    assert mixed is not None
    assert mixed.sql.count("VERSION => 3") == 2


@pytest.mark.lake
@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "FROM range(3)",
        "WITH t AS (SELECT 1) FROM t",
        "FROM memory.main.own",
        "FROM information_schema.tables",
        "SHOW TABLES",
    ],
)
def test_what_reads_nothing_of_the_lake(connection: Connection, text: str) -> None:
    assert not snapshots.may_read(connection, only(text))


@pytest.mark.lake
def test_names_are_looked_up_where_the_session_does(connection: Connection) -> None:
    connection.change(only("USE memory"))
    try:
        assert not snapshots.may_read(connection, only("FROM own"))
        assert snapshots.may_read(connection, only("FROM lake.t"))
        connection.change(only("SET search_path = 'memory.main,lake.main'"))
        assert snapshots.may_read(connection, only("FROM t"))
        # It may be the one of either.
        assert snapshots.at(connection, only("FROM t"), 1) is None
    finally:
        connection.command("USE lake")


@pytest.mark.lake
@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("SELECT count(*) FROM lake.table_changes('t', 1, 2)", True),
        ("FROM lake.table_insertions('t', $1, $2), t", True),
        ("FROM table_deletions('t', TIMESTAMPTZ '2020-01-01', '2020-01-02'::TIMESTAMPTZ)", True),
        ("FROM lake.table_changes('t', 1, now())", False),
        ("FROM lake.table_changes('t', now() - INTERVAL 1 DAY, 2)", False),
        ("SELECT counted() FROM lake.table_changes('t', 1, 2)", False),
    ],
)
def test_what_was_changed_is_told_again_if_the_query_names_the_versions(
    connection: Connection, text: str, *, reads: bool
) -> None:
    assert snapshots.may_read(connection, only(text))
    older = snapshots.at(connection, only(text), 2)
    assert (older is not None) is reads
    assert older is None or older.sql.count("AT (VERSION => 2)") == text.count(", t")


@pytest.mark.lake
def test_grants_hold_for_what_always_had_its_name(connection: Connection) -> None:
    for change in (
        "CREATE TABLE plain (i INTEGER, k VARCHAR)",
        "ALTER TABLE plain ADD COLUMN more INTEGER",
        "CREATE VIEW whole AS SELECT * FROM plain JOIN t ON true",
        "CREATE TABLE secret (i INTEGER)",
        "CREATE TABLE only_renamed (i INTEGER)",
        "ALTER TABLE secret RENAME TO kept",
        "ALTER TABLE only_renamed RENAME TO renamed",
        "CREATE TABLE secret (i INTEGER)",
        "CREATE TABLE columns (pay INTEGER)",
        "ALTER TABLE columns RENAME COLUMN pay TO hidden",
        "CREATE TABLE replaced (i INTEGER)",
        "CREATE OR REPLACE VIEW shown AS FROM plain",
        "CREATE OR REPLACE VIEW shown AS FROM kept",
        "CREATE OR REPLACE TABLE replaced (i INTEGER)",
        "CREATE VIEW over AS FROM replaced",
        "CREATE VIEW further AS SELECT 1 FROM over",
        "CREATE VIEW calls AS SELECT counted() AS i",
        "CREATE SCHEMA again",
        "CREATE TABLE again.inside (i INTEGER)",
        "CREATE TABLE again.once (i INTEGER)",
        "CREATE TABLE once (i INTEGER)",
        "DROP SCHEMA again CASCADE",
        "CREATE SCHEMA again",
        "CREATE TABLE again.inside (i INTEGER)",
    ):
        connection.command(change)
    for path in (
        *(("main", "plain"), ("LAKE", "main", "Plain"), ("t",), ("main", "whole"), ("no",)),
        ("main", "once"),
    ):
        snapshots.check_past(connection, path)
    snapshots.check_same_names(connection, only("FROM main.plain JOIN t ON true"))
    for path in (
        *(("secret",), ("lake", "main", "Columns"), ("replaced",), ("shown",), ("renamed",)),
        *(("over",), ("further",), ("calls",), ("again", "inside"), ("lake", "again", "inside")),
        # There was one in another schema, which nobody can be asked about.
        *(("once",), ("lake", "once")),
    ):
        with pytest.raises(PermissionDenied, match="only superusers"):
            snapshots.check_past(connection, path)
        with pytest.raises(PermissionDenied):
            snapshots.check_same_names(connection, only(f"SELECT 1 FROM t, {'.'.join(path)}"))
