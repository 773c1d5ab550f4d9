"""What no statement may do to a lake, and what only looks like it."""

import pytest

from flightkeeper.flight_server.engine.statement import words_at
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.lake.guard import check


def words(sql: str) -> list[str]:
    return [word for _, word in words_at(sql)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM __ducklake_metadata_lake.ducklake_snapshot",
        'delete from "__DUCKLAKE_metadata_lake".ducklake_snapshot',
        "WITH a AS (SELECT 1) UPDATE __ducklake_metadata_lake.ducklake_table SET table_id = 1",
        "CALL postgres_execute('__ducklake_metadata_lake', 'DROP TABLE ducklake_table')",
        "CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)",
        "CALL ducklake_cleanup_old_files('lake', /* now */ CLEANUP_ALL => true)",
        "CALL ducklake_cleanup_old_files('lake', older_than => now())",
        "CALL ducklake_set_commit_message('lake', 'x', 'y', extra_info => '[]')",
        "CALL lake.set_option('delete_older_than', '0 seconds')",
        "CALL postgres_execute('__duck' || 'lake_metadata_lake', 'DROP TABLE x')",
        "SET schema = '__ducklake_metadata_lake.main'",
        "DETACH lake",
        'DETACH DATABASE IF EXISTS "lake"',
        "ATTACH OR REPLACE ':memory:' AS lake",
    ],
)
def test_what_breaks_it_is_refused(sql: str) -> None:
    with pytest.raises(InvalidArgument, match="nothing was run"):
        check(sql, words, "lake")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO note VALUES ('__ducklake_metadata_lake, cleanup_all, detach lake')",
        "CALL ducklake_flush_inlined_data('lake')",
        "CREATE TABLE attached (lake VARCHAR)",
        "DETACH other",
        "DELETE FROM lake.main.t -- cleanup_all",
    ],
)
def test_what_only_looks_like_it_is_not(sql: str) -> None:
    check(sql, words, "lake")
