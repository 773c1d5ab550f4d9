"""The table of the functions that reach a lake holds all that DuckDB has."""

import pytest

from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.lake.functions import CHANGING, FUNCTIONS, Does

_READING = {"ducklake_scan", "sqlite_attach", "sqlite_scan"}


@pytest.mark.lake
def test_no_function_of_the_extensions_is_forgotten(here: Database) -> None:
    connection = here.connect()
    found = connection.rows(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE regexp_matches(function_name, '^(ducklake|sqlite)_')"
    )
    assert {name for (name,) in found} - FUNCTIONS.keys() == _READING
    connection.close()


def test_a_call_of_what_changes_a_lake_is_no_pure_read() -> None:
    for name, does in FUNCTIONS.items():
        (statement,) = parse(f"FROM {name}('lake')")
        assert statement.read_only == (does is Does.TELLS)
    assert "set_option" in CHANGING
