"""Names in a database with everything in it: odd ones, views, temporary and broken tables."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from flightkeeper.flight_server.engine import catalog
from flightkeeper.flight_server.engine.catalog import Namespace, Relation, TableFilter, quoted
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flightsql import schemas

_ODD = 'odd "näme".x'
_ESCAPED = "100%_\\"


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    opened = Database(DatabaseOptions())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def connection(database: Database) -> Iterator[Connection]:
    made = database.connect()
    for command in (
        "ATTACH ':memory:' AS other",
        "CREATE SCHEMA s_1",
        "CREATE SCHEMA sx1",
        "CREATE TABLE t (a INT NOT NULL, b VARCHAR, c DECIMAL(10, 2))",
        f"CREATE TABLE s_1.{quoted(_ODD)} (a INT)",
        f"CREATE TABLE sx1.{quoted(_ESCAPED)} (a INT)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE gone (a INT)",
        "CREATE VIEW broken AS SELECT a FROM gone",
        "DROP TABLE gone",
        "CREATE TEMP TABLE passing (a INT)",
        "CREATE TEMP VIEW glance AS SELECT 1 AS a",
        "CREATE TABLE other.main.far (a INT)",
        "COMMENT ON TABLE t IS 'of all'",
    ):
        made.command(command)
    yield made
    made.close()


def listed(connection: Connection, wanted: TableFilter) -> list[tuple[str, str, str]]:
    rows = catalog.tables(connection, wanted).to_pylist()
    return [(row["catalog_name"], row["table_name"], row["table_type"]) for row in rows]


def test_catalogs_are_the_attached_ones(database: Database, connection: Connection) -> None:
    with closing(database.connect()) as another:
        found = catalog.catalogs(another)
    assert found.schema == schemas.CATALOGS
    assert found["catalog_name"].to_pylist() == ["memory", "other"]
    # Only where a session has something of its own is there a place for it.
    assert catalog.catalogs(connection)["catalog_name"].to_pylist() == ["memory", "other", "temp"]


def test_schemas_are_sorted_and_filtered(connection: Connection) -> None:
    found = catalog.db_schemas(connection, None, None)
    assert found.schema == schemas.DB_SCHEMAS
    pairs = [tuple(row.values()) for row in found.to_pylist()]
    assert pairs == sorted(pairs)
    assert {("memory", "main"), ("memory", "s_1"), ("other", "main"), ("temp", "main")} == {
        pair for pair in pairs if pair[1] in ("main", "s_1")
    }

    def names(of: str | None, pattern: str | None) -> list[str | None]:
        return catalog.db_schemas(connection, of, pattern)["db_schema_name"].to_pylist()

    assert names("memory", "s_1") == ["s_1", "sx1"]
    assert names("memory", r"s\_1") == ["s_1"]
    assert names("", None) == []
    assert names("memory", "") == []


def test_tables_are_sorted(connection: Connection) -> None:
    assert catalog.tables(connection, TableFilter()).schema == schemas.TABLES
    assert listed(connection, TableFilter()) == [
        ("memory", "broken", "VIEW"),
        ("memory", "t", "TABLE"),
        ("memory", "v", "VIEW"),
        ("memory", _ODD, "TABLE"),
        ("memory", _ESCAPED, "TABLE"),
        ("other", "far", "TABLE"),
        ("temp", "glance", "VIEW"),
        ("temp", "passing", "LOCAL TEMPORARY"),
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (TableFilter(catalog="other"), ["far"]),
        (TableFilter(catalog=""), []),
        (TableFilter(catalog="oth%"), []),
        (TableFilter(schema_pattern="s%"), [_ODD, _ESCAPED]),
        (TableFilter(schema_pattern=r"s\_1"), [_ODD]),
        (TableFilter(schema_pattern=""), []),
        (TableFilter(table_pattern="_"), ["t", "v"]),
        (TableFilter(table_pattern=r"\_"), []),
        (TableFilter(table_pattern=r"100\%\_\\"), [_ESCAPED]),
        (TableFilter(table_pattern='odd "n_me".x'), [_ODD]),
        (TableFilter(table_pattern="%ä%"), [_ODD]),
        (TableFilter(table_pattern="T"), []),
        (TableFilter(path_pattern="main.%r%"), ["broken", "far"]),
        (TableFilter(path_pattern=r"s\_1.%"), [_ODD]),
        (TableFilter(types=["VIEW"], catalog="memory"), ["broken", "v"]),
        (TableFilter(types=["base table"], catalog="memory"), ["t", _ODD, _ESCAPED]),
        (TableFilter(types=["TEMPORARY"]), ["passing"]),
        (TableFilter(types=["Table", "view"], table_pattern="_"), ["t", "v"]),
        (TableFilter(types=["SYNONYM"]), []),
    ],
)
def test_tables_are_filtered(connection: Connection, wanted: TableFilter, names: list[str]) -> None:
    assert [name for _, name, _ in listed(connection, wanted)] == names


@pytest.mark.parametrize("kind", ["SYSTEM TABLE", "system view"])
def test_what_every_database_has_is_listed_if_asked_for(connection: Connection, kind: str) -> None:
    found = listed(connection, TableFilter(types=[kind]))
    assert ("system", "duckdb_tables", "SYSTEM TABLE") in found
    assert {(place, of) for place, _, of in found} == {("system", "SYSTEM TABLE")}


def test_a_relation_says_what_the_catalog_knows(connection: Connection) -> None:
    (table,) = catalog.relations(connection, TableFilter(table_pattern="t"))
    assert table == Relation("memory", "main", "t", "TABLE", "of all", read_only=False)
    (odd,) = catalog.relations(connection, TableFilter(table_pattern="odd%"))
    assert odd.sql == '"memory"."s_1"."odd ""näme"".x"'
    assert catalog.relations(connection, TableFilter(table_pattern="nowhere")) == []


def test_table_types() -> None:
    found = catalog.table_types()
    assert found.schema == schemas.TABLE_TYPES
    assert found["table_type"].to_pylist() == sorted(catalog.TABLE_TYPES)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (["t"], '"memory"."main"."t"'),
        (["T"], '"memory"."main"."t"'),
        (["main", "v"], '"memory"."main"."v"'),
        (["other", "main", "far"], '"other"."main"."far"'),
        (["OTHER", "Main", "FAR"], '"other"."main"."far"'),
        (["s_1", _ODD], '"memory"."s_1"."odd ""näme"".x"'),
        (["sx1", _ESCAPED], f'"memory"."sx1"."{_ESCAPED}"'),
        (["passing"], '"temp"."main"."passing"'),
        (["temp", "main", "passing"], '"temp"."main"."passing"'),
        (["duckdb_tables"], '"system"."main"."duckdb_tables"'),
        (["information_schema", "tables"], '"system"."information_schema"."tables"'),
        (["far"], None),
        (["other", "far"], None),
        (["s%1", _ODD], None),
        (["t_"], None),
        ([""], None),
        (["", "main", "t"], None),
        (["memory", "", "t"], None),
        (["memory", "main", "t; DROP TABLE t"], None),
    ],
)
def test_a_path_is_found_as_sql_finds_names(
    connection: Connection, path: list[str], found: str | None
) -> None:
    assert catalog.find(connection, path) == found


def test_a_path_follows_the_session(database: Database, connection: Connection) -> None:
    del connection
    with closing(database.connect()) as session:
        session.command("CREATE TABLE sx1.t (a INT)")
        session.command("SET search_path = 'sx1,s_1'")
        assert catalog.find(session, ["t"]) == '"memory"."sx1"."t"'
        assert catalog.find(session, [_ODD]) == '"memory"."s_1"."odd ""näme"".x"'
        session.command("CREATE TEMP TABLE t (a INT)")
        assert catalog.find(session, ["t"]) == '"temp"."main"."t"'
        catalog.use(session, "other")
        assert catalog.find(session, ["main", "far"]) == '"other"."main"."far"'
        session.command("DROP TABLE memory.sx1.t")


def test_names_are_looked_up_where_one_says(database: Database, connection: Connection) -> None:
    del connection
    with closing(database.connect()) as session:
        assert catalog.namespace(session) == Namespace("memory", "main")
        catalog.use(session, "memory", "s_1")
        assert catalog.namespace(session) == Namespace("memory", "s_1")
        catalog.use(session, "other")
        assert catalog.namespace(session) == Namespace("other", "main")
        assert catalog.default_catalog(session) == "memory"
        with pytest.raises(InvalidArgument):
            catalog.use(session, 'no"where')
        assert catalog.namespace(session) == Namespace("other", "main")


def test_quoting() -> None:
    assert quoted('a"b') == '"a""b"'
    assert catalog.dotted(["a", 'b"']) == '"a"."b"""'
