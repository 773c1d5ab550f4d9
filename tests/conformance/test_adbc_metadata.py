"""The stock ADBC driver: what it can learn about a database."""

from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pytest

from tests.conformance.conftest import Pair, connect

TOOL = "ADBC DB-API (Python)"
objects = pytest.mark.tool(TOOL, "catalogs, schemas, tables and columns (get_objects)")
schemas = pytest.mark.tool(TOOL, "schemas of tables")
facts = pytest.mark.tool(TOOL, "facts about the server (get_info)")
constraints = pytest.mark.tool(
    TOOL, "primary and foreign keys (get_objects)", limit="the driver does not ask for them"
)
statistics = pytest.mark.tool(TOOL, "statistics", limit="the driver does not ask for them")


@pytest.fixture
def tables(cursor: Any) -> Any:
    """Schema `work` with tables and a view; the cursor that made them."""
    cursor.execute("CREATE TABLE work.left_one (a INT PRIMARY KEY, b VARCHAR NOT NULL)")
    cursor.execute("CREATE TABLE work.leftXone (a INT)")
    cursor.execute("CREATE TABLE work.child (a INT REFERENCES work.left_one (a))")
    cursor.execute("CREATE VIEW work.v AS SELECT a, b FROM work.left_one")
    return cursor


def found(connection: Any, **filters: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Tables by schema and catalog, as get_objects tells them."""
    catalogs = connection.adbc_get_objects(**filters).read_all().to_pylist()
    return {
        catalog["catalog_name"]: {
            schema["db_schema_name"]: {
                table["table_name"]: table for table in schema["db_schema_tables"] or ()
            }
            for schema in catalog["catalog_db_schemas"] or ()
        }
        for catalog in catalogs
    }


@objects
@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("depth", ["catalogs", "db_schemas", "tables", "columns", "all"])
def test_get_objects_at_every_depth(connection: Any, depth: str) -> None:
    here = found(connection, depth=depth)["memory"]
    if depth == "catalogs":
        assert not here
        return
    assert {"main", "work"} <= here.keys()
    work = here["work"]
    if depth == "db_schemas":
        assert not work
        return
    kinds = {name: table["table_type"] for name, table in work.items()}
    assert kinds == {"left_one": "TABLE", "leftXone": "TABLE", "child": "TABLE", "v": "VIEW"}
    if depth == "tables":
        assert not work["left_one"]["table_columns"]
        return
    columns = work["left_one"]["table_columns"]
    assert [(each["column_name"], each["ordinal_position"]) for each in columns] == [
        ("a", 1),
        ("b", 2),
    ]
    assert [each["xdbc_type_name"] for each in columns] == ["INTEGER", "VARCHAR"]


@objects
@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"table_name_filter": "left\\_%"}, {"left_one"}),
        ({"table_name_filter": "left_one"}, {"left_one", "leftXone"}),
        ({"table_name_filter": "%"}, {"left_one", "leftXone", "child", "v"}),
        ({"table_types_filter": ["VIEW"]}, {"v"}),
        ({"table_types_filter": ["TABLE"], "table_name_filter": "c%"}, {"child"}),
        ({"table_name_filter": "nothing"}, set()),
        ({"column_name_filter": "b", "table_name_filter": "left\\_one"}, {"left_one"}),
    ],
)  # fmt: skip
def test_get_objects_filters(connection: Any, filters: dict[str, Any], names: set[str]) -> None:
    here = found(connection, db_schema_filter="wor_", **filters)["memory"]
    assert set(here.get("work", {})) == names
    if "column_name_filter" in filters:
        (column,) = here["work"]["left_one"]["table_columns"]
        assert column["column_name"] == "b"


@objects
def test_get_objects_knows_other_catalogs_and_filters_them(pair: Pair, cursor: Any) -> None:
    cursor.execute("ATTACH ':memory:' AS other")
    try:
        cursor.execute("CREATE TABLE other.main.there AS SELECT 1 AS a")
        with connect(pair.first, autocommit=True) as fresh:
            assert {"memory", "other"} <= found(fresh).keys()
            here = found(fresh, catalog_filter="other")
            assert here.keys() == {"other"}
            assert "there" in here["other"]["main"]
    finally:
        cursor.execute("DETACH other")


@objects
@pytest.mark.usefixtures("cursor")
def test_a_connection_sees_what_it_has_not_committed_yet(pair: Pair) -> None:
    with connect(pair.first) as mine, connect(pair.first) as other, mine.cursor() as inside:
        inside.execute("CREATE TABLE work.coming (a INT)")
        inside.execute("CREATE TEMP TABLE scratch (a INT)")
        assert "coming" in found(mine)["memory"]["work"]
        assert mine.adbc_get_table_schema("scratch").names == ["a"]
        assert "coming" not in found(other)["memory"]["work"]
        mine.rollback()
        assert "coming" not in found(mine)["memory"]["work"]


@schemas
def test_a_tables_schema(connection: Any, cursor: Any) -> None:
    cursor.execute("CREATE TABLE work.t (a INT NOT NULL, b DECIMAL(10, 2), c VARCHAR[])")
    schema = connection.adbc_get_table_schema("t", db_schema_filter="work")
    assert schema.names == ["a", "b", "c"]
    assert [str(kind) for kind in schema.types[:2]] == ["int32", "decimal128(10, 2)"]
    assert schema.field("c").type.value_type == pa.string()
    assert [field.nullable for field in schema] == [False, True, True]


@schemas
def test_a_name_is_not_a_pattern(connection: Any, tables: Any) -> None:
    tables.execute("ALTER TABLE work.leftXone ADD COLUMN more INT")
    schema = connection.adbc_get_table_schema("left_one", db_schema_filter="work")
    assert schema.names == ["a", "b"]


@schemas
@pytest.mark.parametrize("name", ['quo"te', "semi;colon", "Großbuchstabe", "sp ace", "100%"])
def test_a_name_may_need_quoting(connection: Any, cursor: Any, name: str) -> None:
    quoted = name.replace('"', '""')
    cursor.execute(f'CREATE TABLE work."{quoted}" (a INT, "{quoted}" INT)')
    schema = connection.adbc_get_table_schema(name, db_schema_filter="work")
    assert schema.names == ["a", name]


@schemas
def test_a_missing_table_is_not_found(connection: Any) -> None:
    with pytest.raises(adbc.ProgrammingError, match="NOT_FOUND"):
        connection.adbc_get_table_schema("nowhere")


@facts
def test_info_and_table_types(connection: Any) -> None:
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "Flightkeeper"
    assert info["vendor_version"].startswith("duckdb v")
    assert info["vendor_arrow_version"] == pa.__version__
    assert {"TABLE", "VIEW"} <= set(connection.adbc_get_table_types())


@constraints
@pytest.mark.usefixtures("tables")
def test_the_driver_never_asks_for_keys(connection: Any) -> None:
    work = found(connection)["memory"]["work"]
    assert [table["table_constraints"] for table in work.values()] == [[]] * len(work)


@statistics
def test_the_driver_never_asks_for_statistics(connection: Any) -> None:
    with pytest.raises(adbc.NotSupportedError):
        connection.adbc_get_statistics()
    with pytest.raises(adbc.NotSupportedError):
        connection.adbc_get_statistic_names()
