"""What becomes of an object of a lake's store when it is to be deleted, asked with one of our own.

Theory. The files of a COMMIT that PostgreSQL does not answer are deleted by DuckLake. That harms
nobody if the key may not delete objects, or if the bucket keeps versions of them. SQL has no word
for either. So the answer to a write is looked at, which names the version if there are any; and a
lake in memory, which knows of nothing but the object, is told to clean up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.deletions import is_refused
from flightkeeper.flight_server.engine.lake import literal
from flightkeeper.flight_server.errors import NodeError

STORES = ("s3://", "s3a://", "s3n://", "r2://")
"""How the names of objects begin whose store can tell."""

_SCRATCH = "flightkeeper_scratch"
_NAMED = """
    SELECT count(*) FROM duckdb_logs_parsed('HTTP'), unnest(map_entries(response.headers)) h(header)
    WHERE lower(header.key) = 'x-amz-version-id' AND header.value <> 'null'"""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an object.

    Attributes:
        deletable: the key may delete it.
        versioned: the bucket keeps it as an earlier version then.
    """

    deletable: bool
    versioned: bool


def fate(connection: Connection, file: str) -> Fate:
    """Write an object, and delete it if the key may.

    For a process of our own alone: it looks at all requests to the store meanwhile.

    Raises:
        NodeError: it cannot be written, or the store does not answer.
    """
    connection.command("CALL enable_logging('HTTP')")
    try:
        connection.command(f"COPY (SELECT 42 AS i) TO {literal(file)} (FORMAT parquet)")
        ((named,),) = connection.rows(_NAMED)
    finally:
        connection.command("CALL disable_logging()")
    return Fate(deletable=_deleted(connection, file), versioned=named > 0)


def _deleted(connection: Connection, file: str) -> bool:
    with _scratch(connection, file) as cleanup:
        try:
            connection.command(cleanup)
        except NodeError as exc:
            if is_refused(exc):
                return False
            raise
    return True


@contextmanager
def _scratch(connection: Connection, file: str) -> Iterator[str]:
    """A lake that is to delete this file and knows of no other; its value is what does it."""
    told = f"DATA_PATH {literal(file)}"
    connection.command(f"ATTACH 'ducklake::memory:' AS {_SCRATCH} ({told})")
    try:
        connection.command(
            f"INSERT INTO __ducklake_metadata_{_SCRATCH}.ducklake_files_scheduled_for_deletion "  # noqa: S608 - quoted
            f"VALUES (0, {literal(file)}, false, now())"
        )
        yield (
            f"SELECT count(*) FROM ducklake_cleanup_old_files('{_SCRATCH}', cleanup_all => true)"  # noqa: S608 - ours
        )
    finally:
        connection.command(f"DETACH {_SCRATCH}")
