"""The ledger's values, and its tables' triggers on a real SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from flightkeeper.flight_server.engine import lake_ledger
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.ledger import Entry
from flightkeeper.flight_server.lake.location import Backend, Location
from tests.support.postgres_server import PostgresServer


def test_a_key_is_its_callers_own() -> None:
    assert ledger.key("ada", "s1") == ledger.key("ada", "s1")
    others = {ledger.key("ada", "s1", 1), ledger.key("bob", "s1"), ledger.key("ada", "s2")}
    assert len(others | {ledger.key("ada", "s1")}) == 4
    # No two callers can choose ids that make one key.
    assert ledger.key("ada", "b\0c") != ledger.key("ada\0b", "c")


def test_what_a_commit_carries_is_json() -> None:
    told = json.loads(ledger.carried([Entry("k", "t", 2)]))
    assert told == [{"key": "k", "text": "t", "rows": 2}]


@pytest.fixture
def catalog() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        opened.execute(
            "CREATE TABLE ducklake_snapshot_changes (snapshot_id BIGINT, commit_extra_info TEXT)"
        )
        opened.executescript(ledger.SQLITE)
        yield opened


def commit(catalog: sqlite3.Connection, number: int, info: str | None) -> None:
    with catalog:
        catalog.execute("INSERT INTO ducklake_snapshot_changes VALUES (?, ?)", (number, info))


def noted(catalog: sqlite3.Connection) -> list[tuple[str, int, int]]:
    return catalog.execute(
        "SELECT key, row_count, snapshot_id FROM flightkeeper_ledger WHERE key <> 'lake'"
    ).fetchall()


def test_a_commit_notes_what_it_carries(catalog: sqlite3.Connection) -> None:
    commit(catalog, 1, ledger.carried([Entry("a", "t", 2), Entry("b", "t", 0)]))
    commit(catalog, 2, None)
    commit(catalog, 3, "words of somebody else")
    assert noted(catalog) == [("a", 2, 1), ("b", 0, 1)]


_OTHERS = [
    "[no JSON",
    "[]",
    '[1, "a", null, ["key"]]',
    '[{"key": 1, "rows": 1}, {"rows": 1}]',
]
"""What others' programs let a commit carry, and begins as ours does."""


@pytest.mark.parametrize("info", _OTHERS)
def test_what_is_not_ours_is_no_reason_to_fail(catalog: sqlite3.Connection, info: str) -> None:
    commit(catalog, 1, info)
    assert noted(catalog) == []


@pytest.mark.lake
@pytest.mark.xdist_group("postgres")
def test_a_lake_of_an_older_node_gets_what_newer_ones_know(
    where: Location, request: pytest.FixtureRequest
) -> None:
    options = DatabaseOptions(lake=LakeOptions(where))
    with closing(Database(options)):
        pass
    make_old(where, request)
    with closing(Database(options)) as database:
        connection = database.connect()
        connection.command("CREATE TABLE t (i INTEGER)")
        for number, info in enumerate([*_OTHERS, '[{"key":"k","text":"t","rows":3}]']):
            connection.begin()
            connection.command(f"INSERT INTO t VALUES ({number})")
            told = "'" + info.replace("'", "''") + "'"
            connection.command(
                f"CALL ducklake_set_commit_message('lake', 'ada', '', extra_info => {told})"
            )
            connection.commit()
        assert lake_ledger.found(connection, "k") == Entry("k", "t", 3)
        assert connection.rows("SELECT count(*) FROM t") == [(len(_OTHERS) + 1,)]


def make_old(where: Location, request: pytest.FixtureRequest) -> None:
    """Let a lake have a trigger that no commit passes."""
    if where.backend is Backend.SQLITE:
        with closing(sqlite3.connect(where.path)) as catalog:
            catalog.executescript(
                "DROP TRIGGER flightkeeper_ledger_note; CREATE TRIGGER flightkeeper_ledger_note "
                "AFTER INSERT ON ducklake_snapshot_changes BEGIN SELECT RAISE(ABORT, 'old'); END"
            )
        return
    server: PostgresServer = request.getfixturevalue("server")
    server.run(
        "CREATE OR REPLACE FUNCTION flightkeeper_ledger_note() RETURNS trigger LANGUAGE plpgsql "
        "AS $f$ BEGIN RAISE EXCEPTION 'old'; END $f$"
    )


def test_a_second_commit_of_an_id_fails_as_a_whole(catalog: sqlite3.Connection) -> None:
    commit(catalog, 1, ledger.carried([Entry("a", "t", 2)]))
    with pytest.raises(sqlite3.IntegrityError):
        commit(catalog, 2, ledger.carried([Entry("b", "t", 1), Entry("a", "t", 2)]))
    assert noted(catalog) == [("a", 2, 1)]
    assert catalog.execute("SELECT count(*) FROM ducklake_snapshot_changes").fetchone() == (1,)


def test_it_can_be_made_again_and_keeps_its_name(catalog: sqlite3.Connection) -> None:
    before = catalog.execute("SELECT text FROM flightkeeper_ledger WHERE key = 'lake'").fetchall()
    catalog.executescript(ledger.SQLITE)
    assert before == (
        catalog.execute("SELECT text FROM flightkeeper_ledger WHERE key = 'lake'").fetchall()
    )
