"""Rows of a real lake that are in its catalog: counted, and asked for no longer without any."""

import pytest

from flightkeeper.flight_server.engine import lake, lake_inlining
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.lake.location import Location

pytestmark = [pytest.mark.lake, pytest.mark.xdist_group("postgres")]

TABLES = ("few", "none", "gone")


@pytest.fixture
def connection(in_lake: Connection) -> Connection:
    """One whose lake has the tables 1 to 3: of the first some rows are in the catalog."""
    in_lake.command("CALL ducklake_set_option('lake', 'data_inlining_row_limit', '10')")
    for name in TABLES:
        in_lake.command(f"CREATE TABLE {name} (i BIGINT)")
        in_lake.command(f"INSERT INTO {name} VALUES (1), (2)")
        in_lake.command(f"INSERT INTO {name} SELECT range FROM range(50)")
    for name in ("none", "gone"):
        in_lake.rows(f"CALL ducklake_flush_inlined_data('lake', table_name => '{name}')")
    in_lake.command("DROP TABLE gone")
    in_lake.command("DELETE FROM few WHERE i = 30")
    return in_lake


def counted(connection: Connection, where: Location) -> dict[int, int]:
    names = lake_inlining.names(connection, where.backend)
    assert "ducklake_snapshot" in names
    return {n: found for n, found in lake_inlining.counted(connection, names).items() if found}


def test_rows_and_marks_of_deleted_ones_are_counted(
    connection: Connection, where: Location
) -> None:
    assert counted(connection, where) == {1: 3}
    assert lake_inlining.asked(connection) >= {1, 2}


def test_only_tables_that_are_there_are_told_as_altered(
    connection: Connection, where: Location
) -> None:
    version, _ = lake.last_change(connection)
    assert lake_inlining.ask_no_longer(connection, "n1", "because") == 1
    assert 2 not in lake_inlining.asked(connection)
    assert counted(connection, where) == {1: 3}
    assert lake.last_change(connection) == (version + 1, "n1")
    changed = f"SELECT changes::VARCHAR FROM lake.snapshots() WHERE snapshot_id = {version + 1}"
    assert connection.rows(changed) == [("{tables_altered=[2]}",)]
    # There is nothing more to say.
    assert lake_inlining.ask_no_longer(connection, "n1", "because") == 0
    assert lake.last_change(connection) == (version + 1, "n1")
    assert connection.rows("SELECT count(*) FROM few") == [(51,)]
