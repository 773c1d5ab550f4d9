"""Older versions of a lake under grants: they show no more than the newest one."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from tests.flight_server.cluster.granted import Granted, granted

pytestmark = pytest.mark.lake


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    home: Path = tmp_path_factory.mktemp("granted")
    with granted(f"dir://{home}/registry", "amy", lake=f"ducklake:sqlite:{home}/l.sqlite") as made:
        for change in (
            "CREATE TABLE part (id INTEGER, pay INTEGER)",
            "INSERT INTO part VALUES (1, 10), (2, 20)",
            "CREATE TABLE pay (amount INTEGER)",
            "INSERT INTO pay VALUES (7)",
            "ALTER TABLE pay RENAME TO kept",
            "CREATE TABLE pay (amount INTEGER)",
            "CREATE TABLE none (id INTEGER)",
            "CREATE SCHEMA s",
            "CREATE TABLE once AS SELECT range AS id FROM range(2)",
            "CREATE TABLE s.once AS SELECT 'canary' AS word",
            "CREATE TABLE was AS SELECT 'canary' AS word",
            "CREATE VIEW shown AS FROM was",
            "CREATE TABLE whole AS SELECT range AS id FROM range(2)",
            "CREATE SCHEMA t",
            "CREATE TABLE t.again AS SELECT 'canary' AS word",
            "DROP TABLE s.once",
            "DROP SCHEMA t CASCADE",
            "CREATE SCHEMA t",
            "CREATE TABLE t.again (word VARCHAR)",
            "CREATE OR REPLACE TABLE was (word VARCHAR)",
            "GRANT SELECT (id) ON lake.main.part TO amy",
            "GRANT SELECT ON lake.main.pay TO amy",
            "GRANT SELECT ON lake.main.whole TO amy",
            "GRANT SELECT ON lake.main.once TO amy",
            "GRANT SELECT ON lake.main.shown TO amy",
            "GRANT SELECT ON lake.t.again TO amy",
        ):
            made.root.update(change)
        yield made


def test_a_ticket_shows_what_is_granted_of_its_version(cluster: Granted) -> None:
    amy, root = cluster.clients["amy"], cluster.root
    info = amy.plan("SELECT * FROM part ORDER BY id")
    root.update("INSERT INTO part VALUES (3, 30)")
    for _ in range(2):
        assert amy.fetch(info).to_pydict() == {"id": [1, 2]}
    root.update("DELETE FROM part WHERE id = 3")


def test_an_older_version_shows_no_more_than_is_granted(cluster: Granted) -> None:
    amy, root = cluster.clients["amy"], cluster.root
    version = root.value("SELECT id FROM lake.current_snapshot()")
    root.update("INSERT INTO part VALUES (3, 30)")
    amy.update(f"SET snapshot = {version}")
    try:
        assert amy.query("SELECT * FROM part ORDER BY id").to_pydict() == {"id": [1, 2]}
        with pytest.raises(pa.ArrowInvalid):
            amy.query("SELECT pay FROM part")
        for text in ("FROM none", "FROM kept", "FROM pay"):
            with pytest.raises(flight.FlightUnauthorizedError):
                amy.query(text)
    finally:
        amy.update("RESET snapshot")
        root.update("DELETE FROM part WHERE id = 3")
    assert amy.query("FROM pay").num_rows == 0
    for when in (f"VERSION => {version}", "VERSION => 4", "TIMESTAMP => now()"):
        for table in ("pay", "part", "none"):
            with pytest.raises(flight.FlightUnauthorizedError):
                amy.query(f"FROM {table} AT ({when})")
    assert amy.query(f"FROM whole AT (VERSION => {version})").num_rows == 2


@pytest.mark.parametrize(
    "text",
    [
        "FROM once AT (VERSION => {version})",
        "FROM lake.once AT (VERSION => {version})",
        "FROM lake.t.again AT (VERSION => {version})",
        "FROM lake.main.shown AT (VERSION => {version})",
        "CREATE TEMP TABLE x AS FROM lake.main.pay AT (VERSION => {version})",
        "INSERT INTO temp.kept FROM lake.main.pay AT (VERSION => 4)",
        "EXPLAIN ANALYZE FROM lake.main.pay AT (VERSION => 4) WHERE error(amount::TEXT)",
        "SET snapshot = {version}; FROM once",
        "SET snapshot = {version}; FROM lake.once",
        "SET snapshot = {version}; FROM lake.t.again",
        "SET snapshot = {version}; FROM lake.main.shown",
    ],
)
def test_a_name_finds_nothing_in_the_past_that_it_does_not_mean_now(
    cluster: Granted, text: str
) -> None:
    known = cluster.root.query("SELECT snapshot_id, changes FROM lake.snapshots()").to_pylist()
    dropped = next(
        row["snapshot_id"] for row in known if dict(row["changes"]).get("tables_dropped")
    )
    amy = cluster.clients["amy"]
    assert amy.query(f"FROM lake.main.once AT (VERSION => {dropped - 1})").num_rows == 2
    amy.update("CREATE OR REPLACE TEMP TABLE kept (amount INTEGER); USE lake.s")
    try:
        with pytest.raises(flight.FlightUnauthorizedError, match="superusers"):
            amy.query(text.format(version=dropped - 1))
    finally:
        amy.update("RESET snapshot; USE lake.main")
