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
            "CREATE TABLE whole AS SELECT range AS id FROM range(2)",
            "GRANT SELECT (id) ON lake.main.part TO amy",
            "GRANT SELECT ON lake.main.pay TO amy",
            "GRANT SELECT ON lake.main.whole TO amy",
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
