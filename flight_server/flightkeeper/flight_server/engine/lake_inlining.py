"""Rows of a lake's tables that are in its catalog instead of in files: how many, and the end of it.

DuckLake puts the rows of small changes there, and marks of deleted ones, where it is let. Owns the
names of the tables that they are in.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake import METADATA, literal
from flightkeeper.flight_server.engine.types import quoted
from flightkeeper.flight_server.lake.location import Backend

# With their place: without, the functions would be looked for in the lake first.
_NAMES = {
    Backend.SQLITE: "system.main.sqlite_query({}, "
    "'SELECT name FROM sqlite_master WHERE type = ''table''')",
    Backend.POSTGRES: "system.main.postgres_query({}, 'SELECT tablename AS name FROM pg_tables')",
}
_PLACES = f"SELECT table_id, table_name FROM {METADATA}.ducklake_inlined_data_tables"  # noqa: S608 - ours, as all of these
_OF_NOW = f"SELECT table_id FROM {METADATA}.ducklake_table WHERE end_snapshot IS NULL"  # noqa: S608
_NEWEST = f"""
    FROM {METADATA}.ducklake_snapshot
    WHERE snapshot_id = (SELECT max(snapshot_id) FROM {METADATA}.ducklake_snapshot)"""  # noqa: S608
# Who has loaded tables at another number of their schemas loads them again.
_NEXT = f"""
    INSERT INTO {METADATA}.ducklake_snapshot
    SELECT snapshot_id + 1, greatest(now(), snapshot_time::TIMESTAMPTZ), schema_version + 1,
           next_catalog_id, next_file_id {_NEWEST} AND snapshot_id = $newest"""
_ALTERED = f"""
    INSERT INTO {METADATA}.ducklake_snapshot_changes
    VALUES ($newest + 1, $changes, $author, $message, NULL)"""  # noqa: S608
_NO_LONGER_ASKED = f"""
    DELETE FROM {METADATA}.ducklake_inlined_data_tables
    WHERE list_contains($numbers, table_id)"""  # noqa: S608
_AT_ONCE_MAX = 1_000
"""Tables of which one version says that they have no such rows any more."""
_MARKS = "ducklake_inlined_delete_"
_COUNTED_AT_ONCE = 100


def names(connection: Connection, backend: Backend) -> frozenset[str]:
    """The tables in the lake's catalog."""
    rows = connection.rows(f"FROM {_NAMES[backend].format(literal(METADATA))}")
    return frozenset(str(name) for (name,) in rows)


def asked(connection: Connection) -> frozenset[int]:
    """The numbers of the tables whose reads ask for such rows, whether or not there are any."""
    return frozenset(int(number) for number, _ in connection.rows(_PLACES))


def counted(connection: Connection, tables: frozenset[str]) -> Mapping[int, int]:
    """Rows in the catalog, and marks of deleted ones, by the number of their table.

    Args:
        tables: those in the catalog.
    """
    kept = [*connection.rows(_PLACES), *_marks(tables)]
    return _counted(connection, [(number, name) for number, name in kept if name in tables])


def _counted(connection: Connection, kept: Sequence[Sequence[object]]) -> Mapping[int, int]:
    """How much there is in the catalog's tables for those with these numbers."""
    counts = [
        f"SELECT {number}, count(*) FROM {METADATA}.{quoted(str(name))}"  # noqa: S608 - quoted
        for number, name in kept
    ]
    found: Counter[int] = Counter()
    for first in range(0, len(counts), _COUNTED_AT_ONCE):
        together = " UNION ALL ".join(counts[first : first + _COUNTED_AT_ONCE])
        for number, count in connection.rows(together):
            found[number] += count
    return found


def _marks(tables: frozenset[str]) -> Iterator[tuple[int, str]]:
    for name in tables:
        number = name.removeprefix(_MARKS)
        if number != name and number.isdecimal():
            yield int(number), name


def ask_no_longer(connection: Connection, author: str, message: str) -> int:
    """Let reads of tables without such rows ask for none; how many tables that are.

    DuckLake lets them ask as long as the table lives. As its own changes of tables do, this makes
    a version: whoever is about to commit such rows is late, and begins again. Where they would have
    been stays for those who read an older version.
    """
    connection.begin()
    try:
        # First, so that whatever is committed from here on takes the number that this one needs.
        ((newest,),) = connection.rows(f"SELECT snapshot_id {_NEWEST}")
        found = _counted(connection, connection.rows(_PLACES))
        there = sorted(int(number) for (number,) in connection.rows(_OF_NOW))
        numbers = [number for number in there if found.get(number) == 0][:_AT_ONCE_MAX]
        if numbers:
            changes = ",".join(f"altered_table:{number}" for number in numbers)
            told = {"newest": newest, "changes": changes, "author": author, "message": message}
            connection.rows(_NEXT, {"newest": newest})
            connection.rows(_ALTERED, told)
            connection.rows(_NO_LONGER_ASKED, {"numbers": numbers})
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return len(numbers)
