"""arrow-go's Flight SQL client: metadata, and the schemas in which it must arrive."""

import pytest

from tests.conformance.foreign.programs import Outcomes

GO = "arrow-go flightsql"
INTEGER = 4
NO_ACTION = 3

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("go"),
    pytest.mark.timeout(600),
]


@pytest.mark.tool(GO, "catalogs, schemas, tables, table types")
def test_catalogs_schemas_and_tables(go: Outcomes) -> None:
    assert ["memory"] in go["catalogs"]
    assert go["schemas"] == [["memory", "shop"]]
    assert go["tables"] == [
        ["memory", "shop", "cheap", "VIEW"],
        ["memory", "shop", "wares", "TABLE"],
    ]
    assert go["tables by type"] == [["memory", "shop", "cheap", "VIEW"]]
    assert {"TABLE", "VIEW"} <= {kind for (kind,) in go["table types"]}


@pytest.mark.tool(GO, "table schemas with types, precision, nullability and remarks")
def test_a_table_schema_tells_types(go: Outcomes) -> None:
    told = {column["name"]: column for column in go["table schema"]}
    assert [column["arrow"] for column in told.values()] == ["int64", "decimal(10, 2)", "date32"]
    assert [told[name]["type"] for name in told] == ["BIGINT", "DECIMAL(10,2)", "DATE"]
    assert (told["price"]["precision"], told["price"]["scale"]) == (10, 2)


@pytest.mark.tool(GO, "table schemas with types, precision, nullability and remarks")
def test_a_table_schema_tells_comments_and_whether_null_fits(go: Outcomes) -> None:
    told = {column["name"]: column for column in go["table schema"]}
    assert [column["nullable"] for column in told.values()] == [False, True, True]
    assert [column["remarks"] for column in told.values()] == ["", "with tax", ""]


@pytest.mark.tool(GO, "XDBC type info")
def test_type_info_lists_the_engines_types(go: Outcomes) -> None:
    names = {row[0] for row in go["type info"]}
    assert {"INTEGER", "VARCHAR", "DECIMAL", "TIMESTAMP", "BOOLEAN", "BLOB"} <= names
    one = go["type info of one type"]
    assert "INTEGER" in {row[0] for row in one}
    assert {row[1] for row in one} == {INTEGER}


@pytest.mark.tool(GO, "server facts (SqlInfo)")
def test_server_facts_are_read_from_their_union(go: Outcomes) -> None:
    facts = go["server facts"]
    assert facts["name"] == "Flightkeeper"
    assert facts["quote"] == '"'
    assert facts["transaction"] == 1
    assert facts["cancel"] is True
    assert facts["ingest"] is True
    assert facts["ingest in transactions"] is True
    assert facts["substrait"] is False
    assert facts["read only"] is False
    assert go["all server facts"] > 80


@pytest.mark.tool(GO, "primary and foreign keys")
def test_a_primary_key_lists_its_columns_in_order(go: Outcomes) -> None:
    assert [row[:5] for row in go["primary key"]] == [
        ["memory", "ledger", "accounts", "number", 1],
        ["memory", "ledger", "accounts", "country", 2],
    ]
    assert len({row[5] for row in go["primary key"]}) == 1
    assert [row[3:5] for row in go["primary key by name alone"]] == [["id", 1]]


@pytest.mark.tool(GO, "primary and foreign keys")
@pytest.mark.parametrize("scenario", ["imported keys", "exported keys", "cross reference"])
def test_a_foreign_key_is_told_from_both_sides(go: Outcomes, scenario: str) -> None:
    rows = go[scenario]
    assert [row[:9] for row in rows] == [
        *(
            ["memory", "ledger", "accounts", of, "memory", "ledger", "bookings", by, number]
            for of, by, number in (("number", "account", 1), ("country", "country", 2))
        )
    ]
    assert [row[11:] for row in rows] == [[NO_ACTION, NO_ACTION]] * 2


@pytest.mark.tool(GO, "primary and foreign keys")
def test_a_foreign_key_has_a_direction(go: Outcomes) -> None:
    assert go["cross reference backwards"] == []


@pytest.mark.tool(GO, "metadata in the very schemas of the specification")
@pytest.mark.parametrize(
    "kind",
    [
        *("catalogs", "schemas", "tables", "tables with schema", "table types", "server facts"),
        *("type info", "primary keys", "exported keys", "imported keys", "cross reference"),
    ],
)
def test_a_schema_is_the_one_the_client_knows(go: Outcomes, kind: str) -> None:
    assert go[f"schema of {kind}"] == {"announced": True, "planned": True, "sent": True}
