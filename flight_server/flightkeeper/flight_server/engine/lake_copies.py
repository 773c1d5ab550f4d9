"""Copies of a lake's tables in the engine's own format: made, given up, and what they depend on.

They are in memory, compressed, and spill where the engine's intermediate results do.
"""

from collections.abc import Iterable

import duckdb

from flightkeeper.flight_server.engine import lake_history
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import CATALOG, METADATA
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.lake.copying import Changes, Copy, Path

COPIES = "__ducklake_metadata0copies"
"""The catalog that they are in. Whatever keeps callers from a lake's own catalog keeps them from
this one as well, by how its name begins; and no lake's own is called so, which goes on with `_`."""
_SIZE_MIN = 1 << 18
"""What a copy takes at least, whatever its files have."""

_TOLD = f"""
    SELECT snapshot_id, changes_made FROM {METADATA}.ducklake_snapshot_changes
    WHERE snapshot_id > $after AND snapshot_id <= $version AND changes_made IS NOT NULL"""  # noqa: S608 - ours
_SIZE = f"""
    SELECT coalesce(sum(file_size_bytes), 0) FROM {METADATA}.ducklake_data_file
    WHERE table_id = {{table}} AND {{visible}}"""  # noqa: S608 - ours


def attach(root: duckdb.DuckDBPyConnection) -> None:
    """Make room for copies, in no list of databases and tables.

    Raises:
        StartFailed: there is none.
    """
    try:
        root.execute(f"ATTACH ':memory:' AS {COPIES} (COMPRESS, HIDDEN, READ_WRITE)")
    except duckdb.Error as exc:
        raise StartFailed(f"copies of the lake's tables cannot be kept: {exc}") from exc


def changes(connection: Connection, copies: Iterable[Copy], version: int) -> Changes:
    """What happened to the lake since these copies were last known to be right."""
    after = min(copy.until for copy in copies)
    told = connection.rows(_TOLD, {"after": after, "version": version})
    meant = lake_history.names(connection, [copy.table for copy in copies], version)
    return Changes({int(number): str(text) for number, text in told}, meant)


def planned(connection: Connection, path: Path, version: int) -> Copy | None:
    """What a copy of the table with a name would be; None if there is none, or more than one."""
    table = lake_history.table(connection, path, version)
    if table is None:
        return None
    visible = lake_history.visible(version)
    ((size,),) = connection.rows(_SIZE.format(table=table, visible=visible))
    return Copy(path, table, version, version, max(int(size), _SIZE_MIN))


def make(connection: Connection, copy: Copy) -> None:
    """Copy a table as it is at a version.

    Raises:
        NodeError: it cannot be read, or somebody interrupted it; nothing is left of it.
    """
    schema, name = map(quoted, copy.path)
    with connection.listing():
        connection.command(
            f"CREATE TABLE {COPIES}.main.{quoted(copy.name)} AS "
            f"FROM {CATALOG}.{schema}.{name} AT (VERSION => {copy.since})"
        )
    # It is compressed by that; not while somebody writes to another one, which nobody does.
    connection.command(f"CHECKPOINT {COPIES}")


def drop(connection: Connection, copy: Copy) -> None:
    """Forget a copy; who reads it reads it to the end. Idempotent."""
    connection.command(f"DROP TABLE IF EXISTS {COPIES}.main.{quoted(copy.name)}")
