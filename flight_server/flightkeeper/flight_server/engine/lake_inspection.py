"""What is in a lake's catalog and its folder, and what is wrong with them.

Owns the questions, and what `lake init` changes. To ask changes nothing but a file of its own that
shows that files can be written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flightkeeper.flight_server.engine import lake_inlining, lake_objects
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import CATALOG, METADATA, literal
from flightkeeper.flight_server.errors import NodeError
from flightkeeper.flight_server.lake import column_statistics, ledger
from flightkeeper.flight_server.lake.location import Backend, folder

FORMAT = "1.0"
"""The version of the catalog that DuckDB 1.5 and 2.0 read and write side by side."""
_PROBE = "flightkeeper-check.parquet"
_SHOWN_MAX = 5
_COMPRESSION = "parquet_compression"

_METADATA = f"SELECT key, value FROM {METADATA}.ducklake_metadata WHERE scope IS NULL"  # noqa: S608
_TRIGGERS = {
    Backend.SQLITE: "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    Backend.POSTGRES: "SELECT tgname AS name FROM pg_trigger WHERE tgenabled IN ('O', 'A') "
    "AND tgrelid IN ("
    "'ducklake_snapshot_changes'::regclass, 'ducklake_table_column_stats'::regclass)",
}
_RIGHTS = (
    "SELECT current_user::text AS role, rolsuper AS super, "
    "has_table_privilege(t, 'SELECT') AS reads, "
    "has_table_privilege(t, 'INSERT') AND has_table_privilege(t, 'UPDATE') "
    "AND has_schema_privilege(current_schema(), 'CREATE') AS writes, "
    "has_table_privilege(t, 'DELETE') AS maintains "
    "FROM pg_roles, (SELECT 'ducklake_snapshot'::regclass::oid AS t) s "
    "WHERE rolname = current_user"
)
_QUERY = {Backend.SQLITE: "sqlite_query", Backend.POSTGRES: "postgres_query"}
_LISTED = f"""
    WITH folder AS (
        SELECT t.table_id, CASE WHEN NOT t.path_is_relative THEN t.path
            WHEN NOT s.path_is_relative THEN s.path || t.path
            ELSE $data || s.path || t.path END AS path
        FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)),
    listed AS (
        SELECT table_id, path, path_is_relative FROM {METADATA}.ducklake_data_file
        UNION ALL SELECT table_id, path, path_is_relative FROM {METADATA}.ducklake_delete_file)
    SELECT DISTINCT CASE WHEN l.path_is_relative THEN f.path ELSE '' END || l.path AS file
    FROM listed l LEFT JOIN (SELECT DISTINCT table_id, path FROM folder) f USING (table_id)
    """  # noqa: S608
_TABLES = f"""
    WITH data AS (
        SELECT table_id, count(*) AS files, sum(record_count) AS rows, sum(file_size_bytes) AS bytes
        FROM {METADATA}.ducklake_data_file WHERE end_snapshot IS NULL GROUP BY table_id),
    deleted AS (
        SELECT table_id, count(*) AS lists, sum(delete_count) AS rows
        FROM {METADATA}.ducklake_delete_file WHERE end_snapshot IS NULL GROUP BY table_id)
    SELECT t.table_id, s.schema_name, t.table_name,
        coalesce(data.rows, 0)::BIGINT - coalesce(deleted.rows, 0)::BIGINT,
        coalesce(files, 0), coalesce(bytes, 0)::BIGINT, coalesce(lists, 0)
    FROM {METADATA}.ducklake_table t JOIN {METADATA}.ducklake_schema s USING (schema_id)
        LEFT JOIN data USING (table_id) LEFT JOIN deleted USING (table_id)
    WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL ORDER BY 2, 3"""  # noqa: S608
_SNAPSHOTS = f"""
    SELECT count(*), max(snapshot_id), min(epoch(snapshot_time::TIMESTAMPTZ))
    FROM {METADATA}.ducklake_snapshot"""  # noqa: S608
_ENTRIES = f"""
    SELECT count(*) FROM {METADATA}.{ledger.TABLE} WHERE key <> '{ledger.NAME}'"""  # noqa: S608
_SCHEDULED = f"SELECT count(*) FROM {METADATA}.ducklake_files_scheduled_for_deletion"  # noqa: S608


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table as it is now.

    Attributes:
        rows: in files, without those that delete files name.
        files, bytes: of its data.
        delete_files: lists of deleted rows.
        inlined: rows, and marks of deleted rows, that are in the catalog.
    """

    schema: str
    table: str
    rows: int
    files: int
    bytes: int
    delete_files: int
    inlined: int


@dataclass(frozen=True, slots=True)
class LakeFacts:
    """A lake as it is now.

    Attributes:
        name: that tells it from every other one.
        format: the version of its catalog.
        data: where its files are.
        compression: of files that are written from now on.
        oldest_s: when the oldest version that can be read was made, in Unix time.
        statements: that are known to have been applied.
        scheduled: files that no version has any more.
    """

    name: str
    format: str
    data: str
    compression: str
    version: int
    versions: int
    oldest_s: float
    statements: int
    scheduled: int
    tables: tuple[TableFacts, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What the role that a node uses may do with the catalog."""

    role: str
    superuser: bool
    reads: bool
    writes: bool
    maintains: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what is wrong with it; empty = nothing."""

    about: str
    problem: str = ""


def facts(connection: Connection, backend: Backend, name: str) -> LakeFacts:
    """What is in a lake.

    Raises:
        NodeError: its catalog does not answer.
    """
    told = _told(connection)
    ((versions, newest, oldest_s),) = connection.rows(_SNAPSHOTS)
    return LakeFacts(
        name=name,
        format=told.get("version", ""),
        data=told.get("data_path", ""),
        compression=told.get(_COMPRESSION, "snappy"),
        version=newest,
        versions=versions,
        oldest_s=oldest_s,
        statements=connection.rows(_ENTRIES)[0][0],
        scheduled=connection.rows(_SCHEDULED)[0][0],
        tables=tuple(_tables(connection, backend)),
    )


def _told(connection: Connection) -> Mapping[str, str]:
    return {str(key): str(value) for key, value in connection.rows(_METADATA)}


def _tables(connection: Connection, backend: Backend) -> Iterator[TableFacts]:
    inlined = lake_inlining.counted(connection, lake_inlining.names(connection, backend))
    for number, schema, table, *counts in connection.rows(_TABLES):
        rows, files, size, lists = map(int, counts)
        yield TableFacts(schema, table, rows, files, size, lists, inlined.get(number, 0))


def compress(connection: Connection, how: str) -> None:
    """Let files that are written from now on be compressed so."""
    told = f"{literal(CATALOG)}, {literal(_COMPRESSION)}, {literal(how)}"
    connection.command(f"CALL ducklake_set_option({told})")


def findings(connection: Connection, backend: Backend) -> Iterator[Finding]:
    """What was looked at, one thing after the other."""
    told = _told(connection)
    found = told.get("version", "none")
    yield Finding(
        f"the catalog's format {found}",
        ""
        if found == FORMAT
        else f"it has to be {FORMAT}: nodes of both versions of DuckDB "
        "read no other; do not migrate it",
    )
    if (held := rights(connection, backend)) is not None:
        yield _role(held)
    yield from _triggers(connection, backend)
    data = told.get("data_path", "")
    yield (folder := _writable(connection, data))
    # SQLite's answer to a COMMIT is not lost.
    if backend is Backend.POSTGRES and data.startswith(lake_objects.STORES) and not folder.problem:
        yield _objects(connection, data)
    yield _files(connection, data)


def rights(connection: Connection, backend: Backend) -> Rights | None:
    """What the role may do; None where there are no roles.

    Raises:
        NodeError: the catalog does not answer.
    """
    if backend is Backend.SQLITE:
        return None
    asked = f"postgres_query({literal(METADATA)}, {literal(_RIGHTS)})"
    return Rights(*connection.rows(f"FROM {asked}")[0])


def _role(held: Rights) -> Finding:
    may = {"read": held.reads, "write": held.writes, "do the upkeep": held.maintains}
    about = f"the role {held.role} may {', '.join(verb for verb, it in may.items() if it)}"
    if held.superuser:
        return Finding(about, "and anything else, as a superuser: deploy/lake-roles.sql has others")
    if held.maintains and not held.writes:
        return Finding(about, "which is good for nothing: deploy/lake-roles.sql has those it needs")
    return Finding(about)


def _triggers(connection: Connection, backend: Backend) -> Iterator[Finding]:
    asked = f"{_QUERY[backend]}({literal(METADATA)}, {literal(_TRIGGERS[backend])})"
    names = {str(name) for (name,) in connection.rows(f"FROM {asked}")}
    for about, needed, else_ in (
        ("the ledger's trigger", {f"{ledger.TABLE}_note"}, "writes are not noted"),
        (
            "the triggers of columns' ranges",
            {column_statistics.NOTE, column_statistics.RESTORE},
            "older versions may be read wrongly",
        ),
    ):
        wrong = f"it is missing, so that {else_}: run `flightkeeper lake init`"
        yield Finding(about, "" if needed <= names else wrong)


def _writable(connection: Connection, data: str) -> Finding:
    file = literal(f"{data}{_PROBE}")
    try:
        if (there := folder(data)) is not None:
            # DuckLake makes it with the first file.
            there.mkdir(parents=True, exist_ok=True)
        connection.command(f"COPY (SELECT 42 AS i) TO {file} (FORMAT parquet)")
        ((found,),) = connection.rows(f"SELECT i FROM read_parquet({file})")  # noqa: S608 - quoted
    except (NodeError, OSError) as exc:
        return Finding("the folder of files", f"it cannot be written and read: {_first(exc)}")
    return Finding("the folder of files", "" if found == 42 else "it reads back something else")  # noqa: PLR2004


def _objects(connection: Connection, data: str) -> Finding:
    """What becomes of the files of a COMMIT whose answer is lost."""
    try:
        found = lake_objects.fate(connection, f"{data}{_PROBE}")
    except NodeError as exc:
        return Finding("what the key may do", f"it cannot be told: {_first(exc)}")
    if not found.deletable:
        return Finding("the key may not delete objects, so that no COMMIT loses files")
    if found.versioned:
        return Finding("the key may delete objects, and the bucket keeps versions of them")
    return Finding(
        "the key may delete objects, and the bucket keeps no versions",
        "a COMMIT that PostgreSQL does not answer can lose its files, although it is done: give "
        "nodes a key that may not delete, see docs/lake.md",
    )


def _files(connection: Connection, data: str) -> Finding:
    """Whether every file of the catalog is there, by a listing of the folder."""
    known = {str(file) for (file,) in connection.rows(_LISTED, {"data": data})}
    inside = literal(f"{data}**")
    there = {str(file) for (file,) in connection.rows(f"FROM glob({inside})")}
    missing = sorted(known - there)
    outside = [file for file in missing if not file.startswith(data)]
    for file in outside:
        # With a mark of its own, because a name without any is found in S3 whatever there is.
        if connection.rows("SELECT 1 FROM glob($file)", {"file": f"{file[:-1]}[{file[-1:]}]"}):
            missing.remove(file)
    about = f"all {len(known)} files of the catalog"
    if not missing:
        return Finding(about)
    some = ", ".join(missing[:_SHOWN_MAX]) + (", …" if len(missing) > _SHOWN_MAX else "")
    return Finding(about, f"{len(missing)} are missing, and their rows are lost: {some}")


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]
