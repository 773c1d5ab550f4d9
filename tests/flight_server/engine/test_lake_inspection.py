"""What is said of a real lake, and of what is wrong with one."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.lake_inspection import (
    TableFacts,
    facts,
    findings,
)
from flightkeeper.flight_server.lake.location import Backend, Location, parse
from tests.flight_server.engine.lakes import connected

pytestmark = pytest.mark.lake


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return parse(f"ducklake:sqlite:{tmp_path}/lake.sqlite")


@pytest.fixture
def connection(location: Location) -> Iterator[Connection]:
    with connected(location) as opened:
        yield opened


def problems(connection: Connection) -> dict[str, str]:
    return {
        finding.about: finding.problem
        for finding in findings(connection, Backend.SQLITE)
        if finding.problem
    }


def catalog(location: Location, sql: str) -> None:
    with closing(sqlite3.connect(location.path)) as opened, opened:
        opened.execute(sql)


def test_what_is_in_a_lake_is_counted(connection: Connection) -> None:
    connection.command("CREATE SCHEMA s")
    connection.command("CREATE TABLE s.t AS FROM range(100)")
    connection.command("DELETE FROM s.t WHERE range < 60")
    connection.command("INSERT INTO s.t VALUES (1)")
    connection.command("CREATE TABLE empty (i INTEGER)")
    found = facts(connection, Backend.SQLITE, "its name")
    assert (found.name, found.format, found.versions) == ("its name", "1.0", found.version + 1)
    empty, table = found.tables
    assert empty == TableFacts("main", "empty", 0, 0, 0, 0, 0)
    assert (table.schema, table.rows, table.files) == ("s", 41, 2)
    assert (table.delete_files, table.inlined) == (1, 0)
    assert table.bytes > 0
    assert found.statements == found.scheduled == 0


def test_a_whole_lake_has_nothing_wrong(connection: Connection) -> None:
    connection.command("CREATE TABLE t AS FROM range(100)")
    connection.command("DELETE FROM t WHERE range < 60")
    told = [finding.about for finding in findings(connection, Backend.SQLITE)]
    assert told[-1] == "all 2 files of the catalog"
    assert not problems(connection)


def test_files_that_are_missing_are_named(connection: Connection, location: Location) -> None:
    connection.command("CREATE TABLE t AS FROM range(100)")
    (file,) = Path(location.data).rglob("ducklake-*.parquet")
    file.unlink()
    (problem,) = problems(connection).values()
    assert problem == f"1 are missing, and their rows are lost: {file}"


def test_files_elsewhere_are_looked_for_there(connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.parquet"
    connection.command(f"COPY (FROM range(5)) TO '{file}'")
    connection.command("CREATE TABLE t (range BIGINT)")
    connection.command(f"CALL ducklake_add_data_files('lake', 't', '{file}')")
    assert not problems(connection)
    file.unlink()
    assert str(file) in problems(connection)["all 1 files of the catalog"]


def test_a_ledger_without_its_trigger_is_told(connection: Connection, location: Location) -> None:
    catalog(location, "DROP TRIGGER flightkeeper_ledger_note")
    assert "run `flightkeeper lake init`" in problems(connection)["the ledger's trigger"]


def test_a_catalog_that_was_migrated_is_told(connection: Connection, location: Location) -> None:
    catalog(location, "UPDATE ducklake_metadata SET value = '1.1' WHERE key = 'version'")
    assert list(problems(connection)) == ["the catalog's format 1.1"]


def test_a_folder_that_cannot_be_written_is_told(
    connection: Connection, location: Location
) -> None:
    Path(location.data).write_text("a file in its place")
    assert "cannot be written and read" in problems(connection)["the folder of files"]
