"""What queries name, and what that means in a lake."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.lake import LakeOptions
from flightkeeper.flight_server.engine.lake_names import names, place
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.lake.location import parse as located


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("SELECT 1", []),
        ("FROM T", [("t",)]),
        ('SELECT * FROM a.b."C" JOIN d ON true', [("a", "b", "c"), ("d",)]),
        ("WITH x AS (FROM y) FROM x, z", [("y",), ("z",)]),
        ("WITH x AS (FROM x) FROM x", [("x",)]),
        ("WITH x AS (SELECT 1) FROM main.x", [("main", "x")]),
        ("FROM t WHERE i IN (WITH x AS (SELECT 1 AS i) FROM x)", [("t",)]),
        ("FROM x, (WITH x AS (SELECT 1 AS i) FROM x)", [("x",)]),
        ("WITH a AS (SELECT 1), b AS (FROM a) (WITH c AS (FROM b) FROM c) UNION FROM a", []),
        (
            "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r, t) FROM r",
            [("t",)],
        ),
        ("SUMMARIZE t", [("t",)]),
        ("SELECT (SELECT max(i) FROM t), $1", [("t",)]),
    ],
)
def test_the_tables_of_a_query(text: str, named: list[tuple[str, ...]]) -> None:
    found = names(text)
    assert found is not None
    assert sorted(table.path for table in found.tables) == sorted(named)


def test_its_calls_are_what_may_read_more() -> None:
    found = names("SELECT sum(mine(i)) FROM range(3), query_table('t'), yours(1)")
    assert found is not None
    assert found.calls == {"mine", "yours", "query_table"}
    assert names("EXPLAIN FROM t") is None


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    where = located(f"ducklake:sqlite:{tmp_path}/lake.sqlite")
    with closing(Database(DatabaseOptions(lake=LakeOptions(where)))) as database:
        made = database.connect()
        made.command("CREATE SCHEMA s")
        made.command("ATTACH ':memory:' AS other")
        yield made
        made.close()


def only(sql: str) -> Statement:
    (statement,) = parse(sql)
    return statement


def places(connection: Connection, text: str) -> dict[str, tuple[str, str] | None]:
    found = names(text)
    assert found is not None
    return {".".join(table.path): place(connection, table) for table in found.tables}


@pytest.mark.lake
def test_where_names_are_in_the_lake(connection: Connection) -> None:
    assert places(connection, "FROM T, S.u, LAKE.main.V") == {
        "t": ("main", "t"),
        "s.u": ("s", "u"),
        "lake.main.v": ("main", "v"),
    }
    # A catalog, or a schema of that name; and letters that only some take for the same.
    for text in ("FROM lake.t", "FROM other.t", "FROM other.main.t", 'FROM "Ü"'):
        assert list(places(connection, text).values()) == [None]


@pytest.mark.lake
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            "CREATE TEMP TABLE mine (i INTEGER)",
            {"mine": None, "main.mine": None, "s.mine": ("s", "mine"), "t": ("main", "t")},
        ),
        ("SET search_path = 's'", {"t": ("s", "t"), "main.t": ("main", "t")}),
        (
            "SET search_path = 'lake.s,lake.main'",
            {"t": None, "s.t": None, "lake.s.t": ("s", "t")},
        ),
        ("USE other", {"t": None, "s.t": None, "lake.s.t": ("s", "t")}),
    ],
)
def test_where_a_session_looks_names_up(
    connection: Connection, change: str, found: dict[str, tuple[str, str] | None]
) -> None:
    connection.change(only(change))
    assert places(connection, f"FROM {', '.join(found)}") == found
