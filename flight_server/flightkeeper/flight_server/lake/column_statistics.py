"""The range of values of each column, kept as wide as every version of a lake needs it.

Theory. DuckLake keeps the smallest and the largest value of a column, and whether there are NULLs,
once for all versions, and DuckDB relies on them: it leaves out filters and packs values as if there
were no others. To write files anew of which rows were deleted makes the range narrower. Who then
reads an older version, which has the deleted rows, gets too few rows, or other values than those
that are there (https://github.com/duckdb/ducklake/issues/1377, repaired after DuckLake 1.0). So the
range that a commit replaces is kept, and is put back by the commit itself if all it does is to
write files anew, or to merge some as well: that adds no value, and DuckLake lets a commit do
nothing else beside it.

Pure: what makes this in the lake's catalog.
"""

from flightkeeper.flight_server.lake.triggers import made_in_postgres, made_in_sqlite

TABLE = "flightkeeper_column_stats"
"""Has the range of each column that was replaced last, and in which version."""
NOTE = f"{TABLE}_note"
RESTORE = f"{TABLE}_restore"

_NAMES = ("contains_null", "contains_nan", "min_value", "max_value", "extra_stats")
_LISTED = ", ".join(_NAMES)
_TAKEN = ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
_PUT_BACK = ", ".join(f"{name} = b.{name}" for name in _NAMES)
_CHANGED = " OR ".join(f"OLD.{name} {{differs}} NEW.{name}" for name in _NAMES)
# Of several in one commit the first one has what was there before.
_KEEP = f"""INSERT INTO {TABLE} (table_id, column_id, snapshot_id, {_LISTED})
    VALUES (OLD.table_id, OLD.column_id, (SELECT max(snapshot_id) FROM ducklake_snapshot),
            {", ".join(f"OLD.{name}" for name in _NAMES)})
    ON CONFLICT (table_id, column_id) DO UPDATE SET snapshot_id = excluded.snapshot_id, {_TAKEN}
    WHERE {TABLE}.snapshot_id <> excluded.snapshot_id;"""  # noqa: S608 - ours
_WIDEN = f"""UPDATE ducklake_table_column_stats SET {_PUT_BACK} FROM {TABLE} b
    WHERE b.table_id = ducklake_table_column_stats.table_id
    AND b.column_id = ducklake_table_column_stats.column_id
    AND b.snapshot_id = NEW.snapshot_id;"""  # noqa: S608 - ours
_COLUMNS = """table_id BIGINT, column_id BIGINT, snapshot_id BIGINT, contains_null {flag},
    contains_nan {flag}, min_value TEXT, max_value TEXT, extra_stats TEXT,
    PRIMARY KEY (table_id, column_id)"""

_SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER {NOTE} AFTER UPDATE ON ducklake_table_column_stats
WHEN {_CHANGED.format(differs="IS NOT")} BEGIN
    {_KEEP}
END""",
    f"""CREATE TRIGGER {RESTORE} AFTER INSERT ON ducklake_snapshot_changes
WHEN NEW.changes_made LIKE '%rewrite_delete:%'
AND replace(replace(NEW.changes_made, 'rewrite_delete:', ''), 'merge_adjacent:', '')
    NOT GLOB '*[^0-9,]*' BEGIN
    {_WIDEN}
END""",
)
SQLITE = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS {TABLE} ({_COLUMNS.format(flag="BIGINT")});
DROP TRIGGER IF EXISTS {NOTE};
DROP TRIGGER IF EXISTS {RESTORE};
{";".join(_SQLITE_TRIGGERS)};
COMMIT;
"""
"""Makes what is missing."""
SQLITE_MADE = made_in_sqlite(_SQLITE_TRIGGERS)
"""Answers a row if all of it has been made, by a node that knew what this one knows."""

_NOTE_BODY = f"BEGIN {_KEEP} RETURN NEW; END"
_RESTORE_BODY = f"BEGIN {_WIDEN} RETURN NEW; END"
# With the rights of who made them, so that who writes needs none of its own for their table. Tables
# of a session come last: they could have triggers, which would get these rights as well. And nobody
# may let tables of his own run them, which firing asks no right for.
_RUNS = "RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp"
POSTGRES = f"""
CREATE TABLE IF NOT EXISTS {TABLE} ({_COLUMNS.format(flag="BOOLEAN")});
CREATE OR REPLACE FUNCTION {NOTE}() {_RUNS} AS $f${_NOTE_BODY}$f$;
CREATE OR REPLACE FUNCTION {RESTORE}() {_RUNS} AS $f${_RESTORE_BODY}$f$;
REVOKE EXECUTE ON FUNCTION {NOTE}(), {RESTORE}() FROM PUBLIC;
CREATE OR REPLACE TRIGGER {NOTE} AFTER UPDATE ON ducklake_table_column_stats
FOR EACH ROW WHEN ({_CHANGED.format(differs="IS DISTINCT FROM")})
EXECUTE FUNCTION {NOTE}();
CREATE OR REPLACE TRIGGER {RESTORE} AFTER INSERT ON ducklake_snapshot_changes
FOR EACH ROW WHEN (NEW.changes_made LIKE '%rewrite_delete:%'
AND NEW.changes_made ~ '^((merge_adjacent|rewrite_delete):[0-9]+(,|$))+$')
EXECUTE FUNCTION {RESTORE}();
"""
POSTGRES_MADE = made_in_postgres(
    TABLE,
    {
        ("ducklake_table_column_stats", NOTE): _NOTE_BODY,
        ("ducklake_snapshot_changes", RESTORE): _RESTORE_BODY,
    },
)
