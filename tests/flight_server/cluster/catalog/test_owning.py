"""Changes of what the cluster defines are known by their names."""

from typing import Any

import pytest

from flightkeeper.discovery.catalog.definition import Definition, Macro, ObjectName, View
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.cluster.catalog.owning import CatalogOwner
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.errors import InvalidArgument

CALL: Any = None
DEFINITIONS = {
    found.name.key: found
    for found in (
        Definition(ObjectName("s", "v"), View("SELECT 1")),
        Definition(ObjectName("main", "m"), Macro("(a) AS a")),
    )
}


@pytest.mark.parametrize(
    ("text", "owned"),
    [
        ("DROP VIEW s.v", True),
        ("DROP VIEW S.V", True),
        ('DROP VIEW memory."s"."v"', True),
        ("CREATE OR REPLACE VIEW s.v AS SELECT 2", True),
        ("INSERT INTO s.v VALUES (1)", True),
        ("DROP MACRO m", True),
        ("DROP SCHEMA s CASCADE", True),
        ("DROP SCHEMA IF EXISTS memory.s", True),
        ("DROP VIEW memory.m", True),
        ("DROP VIEW other.s.v", False),
        ("DROP VIEW v", False),
        ("CREATE TEMP VIEW m AS SELECT 1", False),
        ("CREATE TABLE s.w (a INT)", False),
        ("DROP SCHEMA v", False),
    ],
)
def test_names_are_found_as_the_engine_finds_them(text: str, owned: bool) -> None:  # noqa: FBT001
    database = Database(DatabaseOptions())
    owner = CatalogOwner("memory", lambda: DEFINITIONS)
    connection = database.lend()
    (statement,) = parse(text)
    assert owner.owns(connection, statement) == owned
    if owned:
        with pytest.raises(InvalidArgument, match="defined once for all nodes; nothing was done"):
            owner.change(CALL, connection, Change(statement, lambda _: pytest.fail("it was run")))
    database.take_back(connection)
    database.close()


def test_what_is_made_is_made_in_the_current_schema() -> None:
    database = Database(DatabaseOptions())
    owner = CatalogOwner("memory", lambda: DEFINITIONS)
    connection = database.connect()
    connection.command("CREATE SCHEMA s")
    connection.command("USE memory.s")
    (make,), (drop,) = parse("CREATE MACRO m(a) AS a"), parse("DROP MACRO m")
    assert not owner.owns(connection, make)
    assert owner.owns(connection, drop)
    connection.close()
    database.close()
