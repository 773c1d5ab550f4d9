"""Queries over copies of a lake's tables: the same answers, or no such query."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from flightkeeper.flight_server.engine import copied, lake_copies, snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.lake_copies import COPIES
from flightkeeper.flight_server.engine.lake_names import names, place
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.lake.location import parse as located

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    where = located(f"ducklake:sqlite:{tmp_path_factory.mktemp('lake')}/lake.sqlite")
    with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database:
        made = database.connect()
        for change in (
            "CREATE TABLE t AS SELECT range AS i, 'a' || range AS k FROM range(5)",
            "INSERT INTO t SELECT 10 + range, NULL FROM range(5)",
            "CREATE SCHEMA s",
            'CREATE TABLE s."u +" AS SELECT range AS j FROM range(3)',
            "CREATE VIEW seen AS SELECT * FROM t",
        ):
            made.command(change)
        yield made
        made.close()


def over(connection: Connection, text: str) -> Statement | None:
    """The query over copies of all tables that it names, which are there then."""
    (statement,) = parse(text)
    found = names(statement.sql)
    assert found is not None
    stand_in, places = {}, {"lake"}
    for table in found.tables:
        path = place(connection, table)
        copy = path and lake_copies.planned(connection, path, snapshots.newest(connection))
        if copy is not None and not table.versioned:
            lake_copies.drop(connection, copy)
            lake_copies.make(connection, copy)
            stand_in[table] = copy.name
            places.add(copy.path[0])
    return copied.over(statement, COPIES, stand_in) if copied.suits(statement.sql, places) else None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM t",
        "FROM t;",
        "FROM t -- all of it",
        "SELECT T.k, t.i FROM lake.main.T ORDER BY ALL",
        "SELECT x.a FROM main . t /* t */ AS x(a, b) WHERE a >= 0 ORDER BY 1",
        "SELECT t FROM t ORDER BY t LIMIT 3",
        "SELECT * FROM t JOIN s.\"u +\" ON i = j, (SELECT 'ü, t' AS ü) ORDER BY ALL",
        'SELECT "U +".j FROM s."u +"',
        "WITH t AS (FROM t) SELECT count(*) AS n FROM t",
        'SELECT (SELECT max(i) FROM t) AS m, EXISTS (FROM s."u +") AS e FROM t LIMIT 1',
        'SELECT i FROM t WHERE i IN (SELECT j FROM s."u +") ORDER BY i',
        "SELECT * EXCLUDE (k) FROM t ORDER BY i",
        "SELECT COLUMNS(c -> c = 'i') FROM t ORDER BY 1",
        "SELECT n.main.t.i FROM (SELECT {'main': {'t': {'i': i}}} AS n FROM t) ORDER BY 1",
        "FROM t UNION ALL FROM seen ORDER BY ALL",
        "SELECT count(*) FROM t AS a, t AS b WHERE a.i = b.i",
        "SELECT count(*) FROM t AT (VERSION => 1), t AS now",
    ],
)
def test_a_query_answers_the_same(connection: Connection, text: str) -> None:
    other = over(connection, text)
    assert other is not None
    assert COPIES in other.sql
    assert other.source == text
    told, wanted = connection.table(other.sql), connection.table(text)
    assert told.schema == wanted.schema
    assert told == wanted


@pytest.mark.parametrize(
    "text",
    [
        "SELECT rowid FROM t",
        'SELECT t."ROWID" FROM t',
        "SELECT filename FROM t",
        "SELECT i FROM t ORDER BY rowid",
        "SELECT current_query() FROM t",
        "SELECT stats(i) FROM t",
        "SELECT i FROM t USING SAMPLE 3 ROWS (reservoir, 42)",
        "SELECT i FROM t TABLESAMPLE reservoir(50%) REPEATABLE (7)",
        "SELECT main.t.i FROM t",
        "SELECT lake.main.t.i FROM t",
        "SELECT 1 FROM (SELECT (SELECT max(i) FROM t))",
        "SELECT to_json(q) FROM (SELECT 1 + (SELECT max(i) FROM t)) q",
        f"SELECT i FROM t WHERE k <> '{'x' * 16_384}'",
        "DESCRIBE t",
        "FROM (DESCRIBE t)",
        "SUMMARIZE t",
        "TABLE t",
    ],
)
def test_what_only_a_table_has_is_not_asked_of_its_copy(connection: Connection, text: str) -> None:
    assert over(connection, text) is None
