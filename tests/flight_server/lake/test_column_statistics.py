"""What a version of a lake holds is read as it was, whatever was done since."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake.column_statistics import NOTE, RESTORE, TABLE
from flightkeeper.flight_server.lake.location import Location
from tests.support.postgres_server import PostgresServer

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

REWRITE = "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.0001)"
MERGE = "CALL ducklake_merge_adjacent_files('lake')"
_NEWEST = "FROM lake.current_snapshot()"

Rows = dict[int, int | None]


@pytest.fixture
def connections(where: Location) -> Iterator[list[Connection]]:
    """Of two engines: one that has done it all, and one that has seen none of it."""
    with ExitStack() as stack:
        opened = []
        for _ in range(2):
            database = stack.enter_context(
                closing(Database(DatabaseOptions(lake=LakeOptions(where))))
            )
            opened.append(stack.enter_context(closing(database.connect())))
        opened[0].command("CREATE TABLE t (id INTEGER, n INTEGER)")
        yield opened


QUESTIONS = {
    "SELECT id FROM t AT (VERSION => 3) WHERE id < 3": [(0,), (1,), (2,)],
    "SELECT id FROM t AT (VERSION => 3) ORDER BY id": [(i,) for i in range(10)],
    "SELECT id, count(*) FROM t AT (VERSION => 3) GROUP BY id ORDER BY id LIMIT 2": [
        *((0, 1), (1, 1))
    ],
    "SELECT count(*), count(n) FROM t AT (VERSION => 3)": [(10, 7)],
    "SELECT id FROM t AT (VERSION => 3) WHERE n IS NULL": [(0,), (1,), (2,)],
    "SELECT min(id), max(id) FROM t AT (VERSION => 3)": [(0, 9)],
    "SELECT DISTINCT id FROM t ORDER BY id": [(i,) for i in range(3, 10)],
}


@pytest.mark.parametrize("calls", [(REWRITE,), (MERGE, REWRITE), (REWRITE, MERGE)])
def test_rows_that_were_deleted_are_read_as_they_were(
    connections: list[Connection], calls: tuple[str, ...]
) -> None:
    first = connections[0]
    first.command("INSERT INTO t SELECT i, CASE WHEN i >= 3 THEN i END FROM range(8) t(i)")
    first.command("INSERT INTO t VALUES (8, 8), (9, 9)")
    first.command("DELETE FROM t WHERE id < 3")
    first.command("INSERT INTO t VALUES (5, 5)")
    first.command("INSERT INTO t VALUES (6, 6)")
    # As one commit, which is how other programs may do it.
    first.begin()
    for call in calls:
        first.rows(call)
    first.commit()
    for connection in connections:
        assert {question: connection.rows(question) for question in QUESTIONS} == QUESTIONS


def _insert(connection: Connection, rows: Rows, rng: random.Random) -> None:
    first, count = rng.randrange(-1000, 1000), rng.choice([1, 5, 100])
    new = {i for i in range(first, first + count) if i not in rows} or {max(rows) + 1}
    rows |= {i: rng.choice([None, rng.randrange(-300, 300)]) for i in new}
    told = ", ".join(f"({i}, {'NULL' if rows[i] is None else rows[i]})" for i in new)
    connection.command(f"INSERT INTO t VALUES {told}")


def _update(connection: Connection, rows: Rows, rng: random.Random) -> None:
    first = rng.randrange(-1000, 1000)
    connection.command(f"UPDATE t SET n = n + 7 WHERE id BETWEEN {first} AND {first + 400}")
    for i, n in rows.items():
        if first <= i <= first + 400 and n is not None:
            rows[i] = n + 7


def _delete(connection: Connection, rows: Rows, rng: random.Random) -> None:
    if rng.random() < 0.3:
        connection.command("DELETE FROM t WHERE n IS NULL")
        gone = [i for i, n in rows.items() if n is None]
    else:
        first = rng.randrange(-1000, 1000)
        connection.command(f"DELETE FROM t WHERE id BETWEEN {first} AND {first + 300}")
        gone = [i for i in rows if first <= i <= first + 300]
    for i in gone:
        del rows[i]


CHANGES: Sequence[str | Callable[[Connection, Rows, random.Random], None]] = (
    *(_insert, _insert, _update, _delete),
    *(REWRITE, MERGE),
)


def _asked(connection: Connection, version: int) -> tuple[object, ...]:
    table = f"t AT (VERSION => {version})"
    return (
        connection.rows(f"SELECT id, n FROM {table} ORDER BY id"),
        connection.rows(f"SELECT count(*), count(n), min(n), max(id) FROM {table}"),
        connection.rows(f"SELECT count(*) FROM {table} WHERE n BETWEEN -250 AND -100"),
        connection.rows(f"SELECT n, count(*) FROM {table} GROUP BY n ORDER BY n NULLS LAST"),
    )


def _expected(rows: Rows) -> tuple[object, ...]:
    known = sorted(n for n in rows.values() if n is not None)
    counts = [(n, known.count(n)) for n in dict.fromkeys(known)]
    nulls = len(rows) - len(known)
    return (
        sorted(rows.items()),
        [(len(rows), len(known), min(known, default=None), max(rows, default=None))],
        [(sum(-250 <= n <= -100 for n in known),)],
        counts + ([(None, nulls)] if nulls else []),
    )


@pytest.mark.parametrize("seed", range(2))
def test_each_version_is_read_as_it_was(connections: list[Connection], seed: int) -> None:
    first, rng = connections[0], random.Random(seed)
    rows: Rows = {}
    versions: dict[int, Rows] = {}
    for _ in range(20):
        change = rng.choice(CHANGES)
        if isinstance(change, str):
            first.rows(change)
        else:
            change(first, rows, rng)
        ((version,),) = first.rows(_NEWEST)
        versions[version] = dict(rows)
    for version, then in versions.items():
        for connection in connections:
            assert _asked(connection, version) == _expected(then), version


@pytest.fixture
def made(server: PostgresServer, in_postgres: Location) -> PostgresServer:
    """With a lake that has a table of one row."""
    with (
        closing(Database(DatabaseOptions(lake=LakeOptions(in_postgres)))) as database,
        closing(database.connect()) as connection,
    ):
        connection.command("CREATE TABLE t AS SELECT 1 AS id")
    return server


def test_a_table_of_a_session_is_not_taken_for_ours(made: PostgresServer) -> None:
    """Its triggers would run with the rights of the lake's owner."""
    printed = made.run(
        f"CREATE TEMP TABLE {TABLE} (LIKE public.{TABLE} INCLUDING ALL);"
        "UPDATE public.ducklake_table_column_stats SET min_value = '-5';"
        f"SELECT 'kept ' || min_value FROM public.{TABLE};"
    )
    assert "kept 1" in printed


ATTACK = f"""
DROP ROLE IF EXISTS reader;
CREATE ROLE reader;
GRANT USAGE ON SCHEMA public TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
SET ROLE reader;
CREATE TEMP TABLE x (LIKE public.{TABLE});
INSERT INTO x SELECT 1, 1, 0, false, NULL, '100000', '100001', NULL;
CREATE TRIGGER a AFTER UPDATE ON x FOR EACH ROW EXECUTE FUNCTION {NOTE}();
UPDATE x SET min_value = 'z';
CREATE TRIGGER b AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION {RESTORE}();
INSERT INTO x (table_id, column_id, snapshot_id)
SELECT 2, 2, max(snapshot_id) FROM ducklake_snapshot;
"""


def test_who_only_reads_cannot_make_use_of_their_rights(made: PostgresServer) -> None:
    made.run(ATTACK)
    ranges = "SELECT 'range ' || min_value || ' ' || max_value FROM ducklake_table_column_stats"
    assert "range 1 1" in made.run(ranges)


def test_a_trigger_that_is_gone_is_made_again(made: PostgresServer, in_postgres: Location) -> None:
    # Functions of the same name elsewhere are others.
    made.run(
        f"DROP TRIGGER {RESTORE} ON ducklake_snapshot_changes; CREATE SCHEMA IF NOT EXISTS other;"
        f"CREATE OR REPLACE FUNCTION other.{NOTE}() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'"
    )
    Database(DatabaseOptions(lake=LakeOptions(in_postgres))).close()
    found = made.run(f"SELECT 'there' FROM pg_trigger WHERE tgname = '{RESTORE}'")
    assert "there" in found
    made.run("DROP SCHEMA other CASCADE")
