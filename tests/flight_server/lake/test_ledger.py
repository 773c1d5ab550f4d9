"""The ledger's values, and its tables' triggers on a real SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from flightkeeper.flight_server.lake import ledger
from flightkeeper.flight_server.lake.ledger import Entry


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
