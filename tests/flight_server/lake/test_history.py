"""The versions of a real lake as rows, and what is said of their changes."""

import pytest

from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.history import changed, providers, statements
from flightkeeper.flight_server.lake.ledger import Entry
from flightkeeper.flight_server.system.tables import SNAPSHOTS


def test_changes_are_told_by_names() -> None:
    names = {"1": "main.t", "2": "main.u"}
    told = {"tables_created": ["main.v"], "inlined_insert": ["1", "2"], "made_up": ["9"]}
    assert changed(told, names) == "created main.v; inserted into main.t, main.u; made up 9"
    assert changed({}, names) == ""


def test_statements_are_counted_by_what_a_commit_carries() -> None:
    assert statements(ledger.carried([Entry("a", "t", 1), Entry("b", "t", 1)])) == 2
    assert [statements(info) for info in (None, "", "words", "{}")] == [None] * 4


def test_without_a_lake_there_are_none() -> None:
    database = Database(DatabaseOptions())
    assert providers(database) == {}
    database.close()


@pytest.mark.lake
def test_each_version_is_a_row(here: Database, there: Database) -> None:
    connection = here.connect()
    connection.command("CREATE TABLE t (i INTEGER)")
    connection.command("INSERT INTO t VALUES (1)")
    connection.command("ALTER TABLE t RENAME TO u")
    connection.close()
    rows = providers(there)["snapshots"]()
    assert all(len(row) == len(SNAPSHOTS.columns) for row in rows)
    assert [row[1] for row in rows] == [3, 2, 1, 0]
    assert [row[3] for row in rows][1:] == [
        "inserted into main.u",
        "created main.t",
        "created schema main",
    ]
    assert sorted((row[2] for row in rows), key=str) == [row[2] for row in reversed(rows)]
