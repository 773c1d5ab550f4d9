"""Copies of tables of a real lake, and what becomes known of changes."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine import lake_copies, snapshots
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake import copying
from flightkeeper.flight_server.lake.copying import Copy
from flightkeeper.flight_server.lake.location import parse
from tests.flight_server.engine.lakes import connected
from tests.support.postgres_server import PostgresServer, postgres_server

pytestmark = pytest.mark.lake

_CHANGES: Sequence[str] = (
    "INSERT INTO t VALUES (8, 'x')",
    "INSERT INTO t SELECT range, 'y' FROM range(2000)",
    "UPDATE t SET k = 'z' WHERE i = 1",
    "DELETE FROM t WHERE i = 2",
    "TRUNCATE t",
    "ALTER TABLE t ADD COLUMN more INTEGER",
    "ALTER TABLE t RENAME COLUMN k TO kk",
    "ALTER TABLE t RENAME TO other",
    "DROP TABLE t",
    "DROP TABLE t; CREATE TABLE t (i INTEGER, k VARCHAR)",
    "CREATE OR REPLACE TABLE t AS SELECT 1 AS i, 'k' AS k",
    'BEGIN; CREATE TABLE "a,inline_flush:{table}" (i INTEGER); DELETE FROM t; COMMIT',
    "MERGE INTO t USING (SELECT 1 AS i) AS u USING (i) WHEN MATCHED THEN DELETE",
)
_HARMLESS: Sequence[str] = (
    "INSERT INTO u VALUES (1)",
    'CREATE TABLE "deleted_from_table:{table}" (i INTEGER)',
    "CREATE VIEW v AS FROM t",
    "CREATE MACRO m(x) AS x",
    "CREATE SCHEMA s; CREATE TABLE s.t (i INTEGER); INSERT INTO s.t VALUES (1)",
    "DROP TABLE u",
    "ALTER TABLE u RENAME TO w",
    "CALL ducklake_flush_inlined_data('lake')",
    "CALL ducklake_rewrite_data_files('lake', 't', delete_threshold => 0.0)",
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def connection(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connection]:
    home = tmp_path_factory.mktemp("lake")
    where = parse(f"ducklake:sqlite:{home}/lake.sqlite")
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("server")
        where = parse(server.lake, str(home / "files"))
    with connected(where) as opened:
        yield opened


def planned(connection: Connection) -> Copy:
    copy = lake_copies.planned(connection, ("main", "t"), snapshots.newest(connection))
    assert copy is not None
    return copy


def at(connection: Connection, copy: Copy) -> Copy | None:
    version = snapshots.newest(connection)
    return copying.at(copy, version, lake_copies.changes(connection, [copy], version))


@pytest.mark.parametrize("change", [*_CHANGES, *_HARMLESS])
def test_a_change_of_a_table_is_seen(connection: Connection, change: str) -> None:
    for made in (
        "CREATE OR REPLACE TABLE t AS SELECT range::INTEGER AS i, 'k' AS k FROM range(5)",
        "DELETE FROM t WHERE i = 4",
        "CREATE OR REPLACE TABLE u (i INTEGER)",
    ):
        connection.command(made)
    before = planned(connection)
    connection.command(change.format(table=before.table))
    known = at(connection, before)
    assert (known is not None) is (change in _HARMLESS), change
    assert known is None or known.until >= before.until


def test_a_copy_has_all_of_its_version(connection: Connection) -> None:
    connection.command(
        "CREATE OR REPLACE TABLE t AS SELECT range AS i, [range] AS l FROM range(3000)"
    )
    connection.command("DELETE FROM t WHERE i % 3 = 0")
    connection.command("INSERT INTO t VALUES (-1, NULL)")
    copy = planned(connection)
    assert copy.size >= 1 << 18
    wanted = connection.table("FROM t ORDER BY i")
    connection.command("DELETE FROM t")
    lake_copies.make(connection, copy)
    told = connection.table(f'FROM {lake_copies.COPIES}.main."{copy.name}" ORDER BY i')
    assert told == wanted
    kept = connection.rows(f"FROM pragma_storage_info('{lake_copies.COPIES}.main.\"{copy.name}\"')")
    assert kept
    assert not any("Uncompressed" in row and "INTEGER" in row for row in kept)
    for listed in ("SELECT database_name FROM duckdb_tables()", "SHOW DATABASES"):
        assert lake_copies.COPIES not in {name for (name,) in connection.rows(listed)}
    for _ in range(2):
        lake_copies.drop(connection, copy)


def test_names_in_the_lake(connection: Connection) -> None:
    connection.command('CREATE SCHEMA "Up"')
    connection.command('CREATE TABLE "Up"."T" AS SELECT 1 AS i')
    newest = snapshots.newest(connection)
    copy = lake_copies.planned(connection, ("up", "t"), newest)
    assert copy is not None
    lake_copies.make(connection, copy)
    assert lake_copies.planned(connection, ("up", "t"), newest - 1) is None
    assert lake_copies.planned(connection, ("up", "no"), newest) is None


def test_a_node_that_only_reads_keeps_copies_as_well(tmp_path: Path) -> None:
    where = parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite")
    with (
        closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as made,
        closing(made.connect()) as one,
    ):
        one.command("CREATE TABLE t AS SELECT 1 AS i")
    with closing(Database(DatabaseOptions(path=str(tmp_path / "own.db")))):
        pass
    options = DatabaseOptions(
        path=str(tmp_path / "own.db"), read_only=True, lake=LakeOptions(where, read_only=True)
    )
    with closing(Database(options)) as reading, closing(reading.connect()) as connection:
        lake_copies.make(connection, planned(connection))
