"""What no statement may do to a lake, and what only looks like it."""

import pytest

from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.guard import Guard
from flightkeeper.flight_server.lake.location import parse as located
from flightkeeper.flight_server.lake.places import Places

_KEPT = "/var/lib/keeper/lake.sqlite"


@pytest.fixture
def guard() -> Guard:
    return Guard("lake", Places(located(f"ducklake:sqlite:{_KEPT}"), f"{_KEPT}.files/"))


def check(guard: Guard, sql: str) -> None:
    for statement in parse(sql):
        guard.check(statement.sql, changes=not statement.read_only)


@pytest.mark.parametrize(
    "sql",
    [
        # Its own catalog.
        "DELETE FROM __ducklake_metadata_lake.ducklake_snapshot",
        'delete from "__DUCKLAKE_metadata_lake".ducklake_snapshot',
        "DELETE FROM /**/ __ducklake_metadata_lake -- .t\n . ducklake_snapshot WHERE x'41' = a",
        "WITH a AS (SELECT 1) UPDATE __ducklake_metadata_lake.ducklake_table SET table_id = 1",
        "PREPARE p AS DELETE FROM __ducklake_metadata_lake.ducklake_snapshot",
        "EXPLAIN ANALYZE DELETE FROM __ducklake_metadata_lake.ducklake_snapshot",
        "CREATE VIEW v AS FROM __ducklake_metadata_lake.ducklake_snapshot",
        "SELECT 1; DROP TABLE __ducklake_metadata_lake.ducklake_snapshot",
        'DROP TABLE __ducklake_metadata0copies.main."1_1"',
        "DETACH __ducklake_metadata0copies",
        "USE __ducklake_metadata_lake",
        "SET schema = '__ducklake_metadata_lake.main'",
        "SET schema = '__duck' || 'lake_metadata_lake'",
        "SET SESSION search_path = 'lake,__ducklake_metadata_lake'",
        "SET schema = getvariable('x')",
        "PRAGMA search_path = '__ducklake_metadata_lake'",
        "CHECKPOINT __ducklake_metadata_lake",
        "DETACH __ducklake_metadata_lake",
        # Calls, wherever they stand.
        "CALL postgres_execute('__ducklake_metadata_lake', 'DROP TABLE ducklake_table')",
        "FROM postgres_query('__ducklake_metadata_lake', 'SELECT pg_sleep(1)')",
        "FROM sqlite_query('__ducklake_metadata_lake', 'DELETE FROM t RETURNING *')",
        "CALL postgres_execute('__duck' || 'lake_metadata_lake', 'DROP TABLE x')",
        "CALL postgres_execute(getvariable('x'), 'DROP TABLE x')",
        "CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)",
        "CALL ducklake_cleanup_old_files('lake', /* now */ CLEANUP_ALL => true)",
        "FROM ducklake_cleanup_old_files('lake', older_than => now())",
        "SELECT * FROM (SELECT 1), \"ducklake_expire_snapshots\"('lake')",
        "CREATE VIEW v AS FROM ducklake_cleanup_old_files('lake')",
        "CREATE MACRO m() AS TABLE FROM ducklake_cleanup_old_files('lake')",
        "EXPLAIN ANALYZE FROM ducklake_set_option('lake', 'encrypted', true)",
        "CALL ducklake_set_commit_message('lake', 'x', 'y', extra_info => '[]')",
        "CALL lake.set_commit_message('x', 'y', extra_info => '[]')",
        "FROM lake.main.set_commit_message('x', 'y')",
        "CALL lake.set_option('delete_older_than', '0 seconds')",
        "CALL set_option('delete_older_than', '0 seconds')",
        # What lets reads beside it miss files.
        "CALL lake.merge_adjacent_files()",
        "FROM ducklake_merge_adjacent_files('lake', 't')",
        "CHECKPOINT",
        "/* all */ CHECKPOINT lake",
        "FORCE CHECKPOINT lake",
        # Texts that are run.
        "FROM query('FROM ducklake_cleanup_old_files(''lake'')')",
        "FROM query('FROM duck' || 'lake_cleanup_old_files(''lake'')')",
        "FROM query($$ FROM query('FROM ducklake_expire_snapshots(''lake'')') $$)",
        "FROM json_execute_serialized_sql(json_serialize_sql('FROM ducklake_commit(1)'))",
        # Its name.
        "DETACH lake",
        'DETACH DATABASE IF EXISTS "Lake"',
        "ATTACH OR REPLACE ':memory:' AS lake",
        "ATTACH OR REPLACE '/tmp/lake.db'",
        "ATTACH OR REPLACE 'sqlite:lake'",
        "ALTER DATABASE lake SET ALIAS TO pond",
        "ALTER DATABASE IF EXISTS other SET ALIAS TO lake",
        # Where it is kept.
        f"ATTACH '{_KEPT}' AS other (TYPE sqlite)",
        f"ATTACH '{_KEPT}' AS other (TYPE sqlite, READ_ONLY false)",
        f"ATTACH '{_KEPT}' AS other (TYPE sqlite, READ_ONLY 0)",
        f"ATTACH 'ducklake:sqlite:{_KEPT}' AS other (METADATA_CATALOG 'meta')",
        f"ATTACH 'ducklake:x' AS other (METADATA_PATH 'sqlite:{_KEPT}')",
        f"ATTACH 'ducklake:x' AS other (DATA_PATH '{_KEPT}.files')",
        f"CALL sqlite_attach('{_KEPT}')",
        f"COPY t TO '{_KEPT}'",
        f"COPY (SELECT 1 FROM t) TO '{_KEPT}.files/main/t/x.parquet' (FORMAT parquet)",
        f"EXPLAIN ANALYZE COPY t TO '{_KEPT}-wal'",
        "COPY t TO '/var/lib' (FORMAT parquet, PARTITION_BY (a), OVERWRITE)",
        f"EXPORT DATABASE '{_KEPT}.files'",
        # SQLite would lose its locks.
        f"FROM read_blob('{_KEPT}')",
        f"SELECT (SELECT size FROM read_text(['x', '{_KEPT}']))",
        f"FROM '{_KEPT}'",
        f"SELECT * FROM t JOIN /* it */ '{_KEPT}' ON true",
        f"DESCRIBE '{_KEPT}'",
        f"COPY t FROM '{_KEPT}' (FORMAT csv)",
        f"ATTACH '{_KEPT}' AS other (READ_ONLY)",
        f"SET profiling_output = '{_KEPT}'",
    ],
)
def test_what_breaks_it_is_refused(guard: Guard, sql: str) -> None:
    with pytest.raises(InvalidArgument, match="nothing was run"):
        check(guard, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO note VALUES ('__ducklake_metadata_lake, cleanup_all, detach lake')",
        "UPDATE note SET text = 'SET schema = ''__ducklake_metadata_lake''' WHERE a = 'query('",
        "SET VARIABLE x = '__ducklake_metadata_lake'",
        "CALL ducklake_flush_inlined_data('lake')",
        "CHECKPOINT memory",
        "FORCE CHECKPOINT memory",
        "FROM lake.snapshots()",
        "FROM __ducklake_metadata_lake.ducklake_snapshot",
        "CREATE TABLE attached (lake VARCHAR)",
        "CREATE TABLE set_option (a INT)",
        "INSERT INTO set_option (a) VALUES (1)",
        "INSERT INTO lake.main.set_option (a) VALUES (1)",
        f"INSERT INTO note VALUES ('{_KEPT}')",
        f"SELECT * FROM note WHERE path = '{_KEPT}' OR path IN ('{_KEPT}')",
        "SELECT cleanup_all, set_option FROM t AS set_option (a)",
        "SELECT t.detach, alter FROM t t (detach, alter)",
        "DETACH other",
        "ATTACH ':memory:' AS other",
        "ATTACH 'lake.db' AS other",
        "ATTACH 'other.db' (SCHEMA lake)",
        f"ATTACH '{_KEPT}' AS other (TYPE sqlite, READ_ONLY)",
        f"ATTACH '{_KEPT}' AS other (READ_ONLY true, TYPE sqlite)",
        f"FROM sqlite_scan('{_KEPT}', 'ducklake_snapshot')",
        "FROM sqlite_query('other', 'SELECT 1')",
        "FROM postgres_query('other', 'SELECT 1')",
        "ALTER DATABASE other SET ALIAS TO another",
        "ALTER TABLE lake.t ADD COLUMN query INT",
        "DELETE FROM lake.main.t -- cleanup_all",
        f"COPY t FROM '{_KEPT}.files/main/t/x.parquet'",
        "COPY t TO '/tmp/out.csv'",
        "COPY (SELECT a FROM t) TO '/tmp/out' (FORMAT csv, OVERWRITE)",
        "FROM query('SELECT 1')",
        "FROM query_table('t')",
        "USE lake",
        "SET schema = 'main'",
        "SET search_path = 'lake,memory'",
        "RESET search_path",
        "SET TimeZone = 'UTC'",
        "PRAGMA version",
        "EXPLAIN (FORMAT json) SELECT 1",
        "PREPARE q AS SELECT 1",
    ],
)
def test_what_only_looks_like_it_is_not(guard: Guard, sql: str) -> None:
    check(guard, sql)
