"""What queries name, by the engine's own parse."""

import pytest

from flightkeeper.flight_server.engine.named import Named, builtin_functions, named


def test_tables_and_functions_are_named_as_written() -> None:
    found = named(
        "WITH x AS (FROM u) SELECT Abs(a) + 1 FROM x, s.T, range(3) r WHERE a IN (FROM c.d.e)"
    )
    assert found == Named(
        tables=(("", "", "u"), ("", "", "x"), ("", "s", "T"), ("c", "d", "e")),
        table_functions=frozenset({"range"}),
        feeds=(),
        functions=frozenset({"abs", "+"}),
        shows=False,
    )


def test_what_tells_of_changes_is_named_with_its_table() -> None:
    found = named(
        "SELECT lower(a) FROM lake.main.Table_Changes('T', 1, $1), table_deletions(x, 1, 2), "
        "s.table_insertions(), Lake.Current_Snapshot()"
    )
    assert found is not None
    assert found.feeds == (
        ("", "", "table_deletions", "None"),
        ("", "Lake", "current_snapshot", ""),
        ("", "s", "table_insertions", ""),
        ("lake", "main", "table_changes", "T"),
    )
    assert found.functions == {"lower"}


def test_what_asks_what_there_is() -> None:
    found = named("FROM (SHOW TABLES)")
    assert found is not None
    assert found.shows


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "DELETE FROM t", "SELECT", ""])
def test_anything_else_is_not_said(text: str) -> None:
    assert named(text) is None


def test_what_duckdb_brings_along() -> None:
    builtin = builtin_functions()
    assert {"abs", "+", "list_transform", "sum", "cast", "read_csv"} <= builtin
    assert "mine" not in builtin
