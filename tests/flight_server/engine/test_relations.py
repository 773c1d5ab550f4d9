"""What a name may mean for a connection."""

from collections.abc import Iterator

import pytest

from flightkeeper.flight_server.engine import relations
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.relations import Relation


@pytest.fixture
def connection() -> Iterator[Connection]:
    database = Database(DatabaseOptions())
    made = database.connect()
    for text in (
        "CREATE TABLE T (B INT, a INT)",
        "CREATE SCHEMA s",
        "CREATE VIEW s.t AS SELECT 1 AS x",
        "ATTACH ':memory:' AS other",
        "CREATE TABLE other.t (c INT)",
    ):
        made.command(text)
    yield made
    made.close()
    database.close()


MAIN, VIEW, OTHER = (
    Relation("memory", "main", "T"),
    Relation("memory", "s", "t"),
    Relation("other", "main", "t"),
)


def candidates(connection: Connection, *path: str) -> set[Relation]:
    scope = relations.look_up(connection, "memory", path[-1:])
    return set(scope.candidates(path))


def test_names_are_looked_up_where_duckdb_may_look(connection: Connection) -> None:
    assert candidates(connection, "t") == {MAIN}
    assert candidates(connection, "main", "t") == {MAIN}
    assert candidates(connection, "s", "t") == {VIEW}
    assert candidates(connection, "other", "t") == {OTHER}
    assert candidates(connection, "memory", "t") == {MAIN, VIEW}
    assert candidates(connection, "memory", "s", "t") == {VIEW}
    assert candidates(connection, "u") == set()


def test_the_sessions_own_tables_do_not_hide_others(connection: Connection) -> None:
    connection.command("CREATE TEMP TABLE t (z INT)")
    mine = Relation("temp", "main", "t")
    assert mine.temporary
    assert candidates(connection, "t") == {MAIN, mine}
    assert candidates(connection, "temp", "t") == {mine}


def test_use_changes_where_names_are_looked_up(connection: Connection) -> None:
    connection.command("USE other")
    assert candidates(connection, "t") >= {OTHER}
    assert relations.look_up(connection, "memory", ["t"]).catalog == "other"
    connection.command("USE memory.s")
    assert candidates(connection, "t") >= {VIEW}
    connection.command("SET search_path = 's,other.main'")
    assert candidates(connection, "t") >= {VIEW, OTHER}


def test_new_tables_come_to_stand_in_a_schema(connection: Connection) -> None:
    scope = relations.look_up(connection, "memory", ["x"])
    assert scope.places(["x"]) == (("memory", "main"),)
    assert scope.places(["s", "x"]) == (("memory", "s"),)
    assert scope.places(["other", "x"]) == (("memory", "other"), ("other", "main"))
    assert scope.places(["temp", "x"]) == (("temp", "main"),)
    assert scope.places(["a", "b", "x"]) == (("a", "b"),)


def test_duckdbs_own_are_told_apart(connection: Connection) -> None:
    assert all(one.internal for one in candidates(connection, "pg_class"))
    assert candidates(connection, "pg_catalog", "pg_class")


def test_columns_in_order_of_tables_and_views(connection: Connection) -> None:
    assert relations.columns(connection, MAIN) == ["B", "a"]
    assert relations.columns(connection, VIEW) == ["x"]
