"""What a lake needs done, asked of its catalog, and done with DuckLake's own functions.

Owns these questions and calls, and the table in the catalog where nodes say what they did last.
What is done and when is decided in `lake/upkeep`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flightkeeper.flight_server.engine import lake_inlining
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.deletions import DeletionRefused, is_refused
from flightkeeper.flight_server.engine.lake import (
    CATALOG,
    METADATA,
    data_path,
    has_rows_in_files,
    literal,
)
from flightkeeper.flight_server.errors import EngineFailed, NodeError
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.location import Backend
from flightkeeper.flight_server.lake.upkeep import (
    DELETED_MIN,
    LOG_BYTES_MAX,
    SMALL,
    VERSIONS_MAX,
    Backlog,
    Cutoffs,
    Keeping,
    Run,
    Step,
    TableState,
    Task,
    Worn,
)

RECORD = "flightkeeper_upkeep"
"""The table where nodes say what they did last, beside DuckLake's own."""
MESSAGE = "upkeep"
"""What commits of upkeep say that they are."""
_ORPHANS_MAX = 1_000
"""So many files that the lake does not know are nothing strange."""

_RECORD = f"""
    CREATE TABLE IF NOT EXISTS {METADATA}.{RECORD} (
        step VARCHAR, node VARCHAR, at_s DOUBLE, took_ms BIGINT, outcome VARCHAR, detail VARCHAR)"""
_TABLES = f"""
    SELECT t.table_id, s.schema_name, t.table_name
    FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
    WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL"""  # noqa: S608 - ours, as all of these
_FILES = f"""
    WITH file AS (
        SELECT f.table_id, f.file_size_bytes AS bytes,
               coalesce(d.deleted, 0) / greatest(f.record_count, 1) AS deleted
        FROM {METADATA}.ducklake_data_file f LEFT JOIN (
            SELECT data_file_id, sum(delete_count) AS deleted
            FROM {METADATA}.ducklake_delete_file WHERE end_snapshot IS NULL GROUP BY data_file_id
        ) d USING (data_file_id)
        WHERE f.end_snapshot IS NULL)
    SELECT table_id,
           count(*) FILTER (deleted = 0 AND bytes < $small),
           coalesce(sum(bytes) FILTER (deleted = 0 AND bytes < $small), 0)::BIGINT,
           list(deleted) FILTER (deleted >= $worn), list(bytes) FILTER (deleted >= $worn)
    FROM file GROUP BY table_id"""  # noqa: S608
_OLD_VERSIONS = f"""
    FROM {METADATA}.ducklake_snapshot
    WHERE epoch(snapshot_time::TIMESTAMPTZ) < $before
      AND snapshot_id < (SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot)"""  # noqa: S608
_SCHEDULED = f"""
    SELECT count(*), count(*) FILTER (epoch(schedule_start::TIMESTAMPTZ) < $before)
    FROM {METADATA}.ducklake_files_scheduled_for_deletion"""  # noqa: S608
_OLD_ENTRIES = f"""
    FROM {METADATA}.{ledger.TABLE} WHERE noted_s < $before AND key <> '{ledger.NAME}'"""
_AIMED_AT = f"""
    SELECT value FROM {METADATA}.ducklake_metadata
    WHERE key = 'target_file_size' AND scope IS NULL"""  # noqa: S608
_KNOWN = f"SELECT count(*) FROM {METADATA}.ducklake_data_file"  # noqa: S608
_PAGE = 4096
"""Bytes of a page, as SQLite makes them when nobody says otherwise."""
_ORPHANED = "delete_orphaned_files"
_REFUSED = (
    "files may not be deleted from here, and stay where they are: run `flightkeeper lake maintain` "
    "with a key that may"
)
_LOOKED = f"SELECT max(at_s) FROM {METADATA}.{RECORD} WHERE step = '{Step.ORPHANS}'"  # noqa: S608


def backlog(
    connection: Connection, backend: Backend, keeping: Keeping, cutoffs: Cutoffs
) -> Backlog:
    """What is to be done."""
    names = lake_inlining.names(connection, backend)
    versions, expirable = _versions(connection, cutoffs.snapshots_s)
    scheduled = connection.rows(_SCHEDULED, {"before": cutoffs.files_s})[0]
    entries = connection.rows(f"SELECT count(*) {_OLD_ENTRIES}", {"before": cutoffs.ledger_s})
    return Backlog(
        tables=_tables(connection, names, keeping.file_bytes),
        versions=versions,
        expirable=expirable,
        scheduled=scheduled[0],
        cleanable=scheduled[1],
        entries=entries[0][0],
        log_bytes=_log_bytes(connection) if backend is Backend.SQLITE else 0,
        orphans_looked_s=_looked_s(connection, names),
        rows_in_files=has_rows_in_files(backend, data_path(connection)),
    )


def _versions(connection: Connection, before_s: float) -> tuple[tuple[int, ...], int]:
    told = {"before": before_s}
    ((count,),) = connection.rows(f"SELECT count(*) {_OLD_VERSIONS}", told)
    if not count:
        return (), 0
    oldest = f"SELECT snapshot_id {_OLD_VERSIONS} ORDER BY 1 LIMIT {VERSIONS_MAX}"
    return tuple(number for (number,) in connection.rows(oldest, told)), int(count)


def _tables(
    connection: Connection, names: frozenset[str], file_bytes: int
) -> tuple[TableState, ...]:
    told = {"small": round(file_bytes * SMALL), "worn": DELETED_MIN}
    files = {number: found for number, *found in connection.rows(_FILES, told)}
    rows, asked = lake_inlining.counted(connection, names), lake_inlining.asked(connection)
    return tuple(
        TableState(
            schema, name, rows.get(number, 0), *_state(files.get(number)), asked=number in asked
        )
        for number, schema, name in connection.rows(_TABLES)
    )


def _state(files: Sequence[Any] | None) -> tuple[int, int, tuple[Worn, ...]]:
    if files is None:
        return 0, 0, ()
    small, small_bytes, deleted, sizes = files
    worn = (Worn(*told) for told in zip(deleted or (), sizes or (), strict=True))
    return small, small_bytes, tuple(worn)


def _looked_s(connection: Connection, names: frozenset[str]) -> float:
    looked = connection.rows(_LOOKED)[0][0] if RECORD in names else None
    return float("-inf") if looked is None else float(looked)


def perform(
    connection: Connection, task: Task, keeping: Keeping, cutoffs: Cutoffs, author: str
) -> str:
    """Do one thing; what came of it, for people.

    Raises:
        NodeError: it was not done, or no more than a part of it that stands by itself.
    """
    if task.step is Step.UNINLINE:
        return f"{lake_inlining.ask_no_longer(connection, author, MESSAGE)} tables"
    if task.table:
        return _rewritten(connection, task, keeping, author)
    return _cleared(connection, task, cutoffs)


def _cleared(connection: Connection, task: Task, cutoffs: Cutoffs) -> str:
    """Take away what is old."""
    match task.step:
        case Step.EXPIRE:
            listed = ", ".join(map(str, task.versions))
            return f"{_called(connection, 'expire_snapshots', f'versions => [{listed}]')} versions"
        case Step.CLEAN:
            gone = _called(connection, "cleanup_old_files", _older_than(cutoffs.files_s))
            return f"{gone} files"
        case Step.ORPHANS:
            return f"{_orphans(connection, cutoffs.orphans_s)} files"
        case Step.LEDGER:
            told = {"before": cutoffs.ledger_s}
            return f"{connection.rows(f'DELETE {_OLD_ENTRIES}', told)[0][0]} entries"
        case _:
            return f"{_shortened(connection)} bytes"


def _log_bytes(connection: Connection) -> int:
    """How much of SQLite's log is in use."""
    ((file,),) = connection.rows(f"SELECT file FROM {_asked('PRAGMA database_list')}")  # noqa: S608
    log = Path(f"{file}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size < LOG_BYTES_MAX:
        return size
    # The file stays as long as it was when the log in it begins anew.
    with suppress(NodeError):
        return _checkpoint(connection, "PASSIVE")[0] * _PAGE
    return size  # a node that only reads cannot tell


def _shortened(connection: Connection) -> int:
    """Let SQLite's log begin anew with the next change; how long it was."""
    pages, moved = _checkpoint(connection, "PASSIVE")
    # Others write nothing while it waits for those who read, up to the lake's busy timeout. Of a
    # read that is longer the pages that it may need are still in the log, and most of them are.
    if 2 * moved < pages:
        raise EngineFailed("somebody reads an old state of the catalog, which the log is kept for")
    _checkpoint(connection, "TRUNCATE")
    return pages * _PAGE


def _checkpoint(connection: Connection, kind: str) -> tuple[int, int]:
    """Move pages from SQLite's log into its file; how many are in the log, and of these moved."""
    asked = _asked(f"PRAGMA wal_checkpoint({kind})")
    ((pages, moved),) = connection.rows(f"SELECT log::INT, checkpointed::INT FROM {asked}")  # noqa: S608
    return pages, moved


def _asked(question: str) -> str:
    return f"system.main.sqlite_query({literal(METADATA)}, {literal(question)})"


def _rewritten(connection: Connection, task: Task, keeping: Keeping, author: str) -> str:
    """Write rows of a table into other files, in a commit that says who did it."""
    if task.step is Step.MERGE:
        _aim_at(connection, keeping.file_bytes)
    where = f"{literal(CATALOG)}, "
    schema, table = literal(task.schema), literal(task.table)
    match task.step:
        case Step.FLUSH:
            call = f"flush_inlined_data({where}schema_name => {schema}, table_name => {table})"
        case Step.REWRITE:
            least = f"delete_threshold => {task.deleted_min}"
            call = f"rewrite_data_files({where}{table}, schema => {schema}, {least})"
        case _:
            most = "max_compacted_files => 1"
            call = f"merge_adjacent_files({where}{table}, schema => {schema}, {most})"
    connection.begin()
    try:
        told = f"{where}{literal(author)}, {literal(MESSAGE)}"
        connection.command(f"CALL ducklake_set_commit_message({told})")
        rows = connection.rows(f"CALL ducklake_{call}")
        with connection.replacing_files():
            connection.commit()
    except BaseException:
        connection.rollback()
        raise
    if task.step is Step.FLUSH:
        return f"{sum(row[2] for row in rows)} rows"
    return f"{sum(row[2] for row in rows)} files into {sum(row[3] for row in rows)}"


def _aim_at(connection: Connection, file_bytes: int) -> None:
    """Let DuckLake make files of this size."""
    rows = connection.rows(_AIMED_AT)
    if not rows or rows[0][0] != str(file_bytes):
        told = f"'target_file_size', '{file_bytes}B'"
        connection.command(f"CALL ducklake_set_option({literal(CATALOG)}, {told})")


def _orphans(connection: Connection, before_s: float) -> int:
    found = _called(connection, _ORPHANED, f"dry_run => true, {_older_than(before_s)}")
    ((known,),) = connection.rows(_KNOWN)
    if found > max(known, _ORPHANS_MAX):
        raise EngineFailed(
            f"the lake's folder has {found} old files that the lake does not know, and {known} "
            "that it does; nothing was taken away: a folder belongs to one lake alone"
        )
    return _called(connection, _ORPHANED, _older_than(before_s)) if found else 0


def _called(connection: Connection, function: str, told: str) -> int:
    """Call what takes something away; how much that was."""
    call = f"ducklake_{function}({literal(CATALOG)}, {told})"
    try:
        # Counted, because rows with times need a library that nodes do not have.
        return int(connection.rows(f"SELECT count(*) FROM {call}")[0][0])  # noqa: S608 - ours
    except NodeError as exc:
        if is_refused(exc):
            raise DeletionRefused(f"{_REFUSED}. {exc}") from exc
        raise


def _older_than(before_s: float) -> str:
    return f"older_than => to_timestamp({before_s!r})"


def prepare(connection: Connection) -> None:
    """Make the table where nodes say what they did, if it is not there."""
    connection.command(_RECORD)


def runs(connection: Connection, backend: Backend) -> Mapping[Step, Run]:
    """What was done last, by step."""
    if RECORD not in lake_inlining.names(connection, backend):
        return {}
    rows = connection.rows(f"FROM {METADATA}.{RECORD}")
    return {Step(step): Run(Step(step), *told) for step, *told in rows}


def note(connection: Connection, run: Run) -> None:
    """Say what was done.

    Raises:
        NodeError: the catalog cannot be written.
    """
    prepare(connection)
    told = [run.step.value, run.node, run.at_s, run.took_ms, run.outcome, run.detail]
    connection.begin()
    try:
        connection.rows(f"DELETE FROM {METADATA}.{RECORD} WHERE step = ?", told[:1])  # noqa: S608
        connection.rows(f"INSERT INTO {METADATA}.{RECORD} VALUES (?, ?, ?, ?, ?, ?)", told)  # noqa: S608
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
