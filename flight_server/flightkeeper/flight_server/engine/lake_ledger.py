"""The lake's ledger in the engine: asked, written, and carried into it by commits.

What stands in it, and what makes it, is in `lake/ledger`.
"""

from collections.abc import Iterable, Mapping, Sequence

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import CATALOG, METADATA, literal
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.ledger import Entry

_ENTRIES = f"SELECT key, text, row_count FROM {ledger.TABLE} WHERE key IN "  # noqa: S608 - ours
_KIND = f"SELECT catalog_type FROM system.main.ducklake_settings('{CATALOG}')"  # noqa: S608 - ours
_SETTLE = f"""
    INSERT INTO {METADATA}.{ledger.TABLE} (key, text, row_count, noted_s)
    VALUES ($key, '', {ledger.NOT_APPLIED}, epoch(now())::BIGINT)"""  # noqa: S608 - ours


def entries(connection: Connection, keys: Sequence[str]) -> Mapping[str, Entry]:
    """What the ledger says of statements, by their keys; without those that it does not know yet.

    Raises:
        NodeError: it cannot be asked.
    """
    # The catalog's own engine is asked, which has an index: of SQLite's tables DuckDB reads all.
    ((kind,),) = connection.rows(_KIND)
    listed = ", ".join(map(literal, keys))
    asked = literal(f"{_ENTRIES} ({listed})")
    rows = connection.rows(f"FROM system.main.{kind}_query('{METADATA}', {asked})")
    return {str(key): Entry(str(key), str(text), int(count)) for key, text, count in rows}


def found(connection: Connection, key: str) -> Entry | None:
    """What the ledger says of one of them; None = nothing yet."""
    return entries(connection, [key]).get(key)


def settle(connection: Connection, key: str) -> None:
    """Let no commit carry this id any more, unless one has.

    Raises:
        NodeError: one has just then, or the ledger cannot be written.
    """
    connection.rows(_SETTLE, {"key": key})


def carry(connection: Connection, author: str, entries: Iterable[Entry]) -> None:
    """Let the commit of the open transaction carry these."""
    info = literal(ledger.carried(entries))
    told = f"'{CATALOG}', {literal(author)}, '', extra_info => {info}"
    connection.command(f"CALL ducklake_set_commit_message({told})")
