"""The Arrow Flight SQL JDBC driver: DatabaseMetaData, which database tools live on."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes

JDBC = "Arrow Flight SQL JDBC"
EMPTY = "the driver answers these itself, with nothing"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]

NO_ACTION = 3


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["TABLE_NAME"] for row in rows]


@pytest.mark.tool(JDBC, "every fact of DatabaseMetaData")
def test_every_question_without_arguments_has_an_answer(java: Outcomes) -> None:
    facts = java["server facts"]
    assert len(facts) > 130
    assert not {name: fact for name, fact in facts.items() if str(fact).startswith("failed")}


@pytest.mark.tool(JDBC, "every fact of DatabaseMetaData")
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("getDatabaseProductName", "Flightkeeper"),
        ("getIdentifierQuoteString", '"'),
        ("getSearchStringEscape", "\\"),
        ("getCatalogTerm", "catalog"),
        ("getSchemaTerm", "schema"),
        ("getUserName", "ada"),
        ("isReadOnly", False),
        ("supportsTransactions", True),
        ("supportsSavepoints", False),
        ("supportsBatchUpdates", True),
        ("supportsColumnAliasing", True),
        ("supportsGroupBy", True),
        ("supportsOuterJoins", True),
        ("supportsFullOuterJoins", True),
        ("supportsUnionAll", True),
        ("supportsSubqueriesInExists", True),
        ("supportsSchemasInTableDefinitions", True),
        ("supportsStoredProcedures", False),
        ("nullsAreSortedAtEnd", True),
        ("nullsAreSortedHigh", False),
    ],
)
def test_a_fact_is_true_of_the_engine(java: Outcomes, question: str, answer: Any) -> None:
    assert java["server facts"][question] == answer


@pytest.mark.tool(JDBC, "every fact of DatabaseMetaData")
def test_keywords_and_functions_are_listed(java: Outcomes) -> None:
    facts = java["server facts"]
    assert {"select", "qualify"} <= set(facts["getSQLKeywords"].lower().split(", "))
    assert "abs" in facts["getNumericFunctions"].lower().split(", ")
    assert facts["getDatabaseProductVersion"].startswith("duckdb v")


@pytest.mark.tool(JDBC, "catalogs, schemas, tables, table types")
def test_catalogs_and_schemas(java: Outcomes) -> None:
    assert {"TABLE_CAT": "memory"} in java["catalogs"]
    assert {"TABLE_SCHEM": "shop", "TABLE_CATALOG": "memory"} in java["schemas"]
    assert java["schemas by pattern"] == [{"TABLE_SCHEM": "shop", "TABLE_CATALOG": "memory"}]
    assert java["schemas of no catalog"] == []


@pytest.mark.tool(JDBC, "catalogs, schemas, tables, table types")
def test_tables_of_a_schema(java: Outcomes) -> None:
    listed = [(row["TABLE_NAME"], row["TABLE_TYPE"]) for row in java["all tables"]]
    assert sorted(listed) == [
        ("cheap", "VIEW"),
        ('odd "name" ü', "TABLE"),
        ("wares", "TABLE"),
        ("waresXold", "TABLE"),
        ("wares_old", "TABLE"),
    ]


@pytest.mark.tool(JDBC, "catalogs, schemas, tables, table types")
@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        ("views", ["cheap"]),
        ("tables by pattern", ["wares_old"]),
        ("tables by loose pattern", ["waresXold", "wares_old"]),
        ("tables of an unknown type", []),
        ("tables nowhere", []),
    ],
)
def test_tables_are_filtered(java: Outcomes, scenario: str, found: list[str]) -> None:
    assert sorted(names(java[scenario])) == sorted(found)


@pytest.mark.tool(JDBC, "catalogs, schemas, tables, table types")
def test_tables_and_views_are_what_tools_ask_for(java: Outcomes) -> None:
    assert len(java["tables and views"]) == 5
    assert {"TABLE", "VIEW"} <= {row["TABLE_TYPE"] for row in java["table types"]}


@pytest.mark.tool(JDBC, "columns with types, sizes, nullability and remarks")
def test_columns_tell_type_size_and_digits(java: Outcomes) -> None:
    told = {
        row["COLUMN_NAME"]: (row["DATA_TYPE"], row["COLUMN_SIZE"], row["DECIMAL_DIGITS"])
        for row in java["columns"]
    }
    assert list(told) == [
        *("id", "name", "price", "weight", "made", "sold", "seen", "tags", "on_sale", "photo")
    ]
    assert told["id"] == (-5, 19, 0)
    assert told["price"] == (3, 10, 2)
    assert told["made"][0] == 91
    assert told["sold"] == (93, 26, 6)
    assert told["seen"][0] == 2014
    assert [told[name][0] for name in ("name", "weight", "tags", "on_sale", "photo")] == [
        *(12, 8, 2003, 16, -3)
    ]


@pytest.mark.tool(JDBC, "columns with types, sizes, nullability and remarks")
def test_columns_tell_the_engines_name_of_their_type(java: Outcomes) -> None:
    told = {row["COLUMN_NAME"]: row["TYPE_NAME"] for row in java["columns"]}
    assert told["price"] == "DECIMAL(10,2)"
    assert told["seen"] == "TIMESTAMP WITH TIME ZONE"
    assert told["tags"] == "VARCHAR[]"


@pytest.mark.tool(JDBC, "columns with types, sizes, nullability and remarks")
def test_columns_tell_whether_they_take_null(java: Outcomes) -> None:
    told = {row["COLUMN_NAME"]: (row["NULLABLE"], row["IS_NULLABLE"]) for row in java["columns"]}
    assert told["id"] == (0, "NO")
    assert told["name"] == (1, "YES")


@pytest.mark.tool(JDBC, "columns with types, sizes, nullability and remarks")
def test_columns_tell_their_comments(java: Outcomes) -> None:
    told = {row["COLUMN_NAME"]: row["REMARKS"] for row in java["columns"]}
    assert told["name"] == "as on the label"
    assert not told["id"]


@pytest.mark.tool(JDBC, "columns with types, sizes, nullability and remarks")
def test_columns_are_filtered(java: Outcomes) -> None:
    found = [(row["TABLE_NAME"], row["COLUMN_NAME"]) for row in java["columns by pattern"]]
    assert found == [("cheap", "name"), ("wares", "name")]
    (odd,) = java["columns of an odd name"]
    assert (odd["TABLE_NAME"], odd["COLUMN_NAME"]) == ('odd "name" ü', "odd column")


@pytest.mark.tool(JDBC, "type info, functions, procedures, indexes, privileges", limit=EMPTY)
@pytest.mark.parametrize(
    "scenario",
    [
        "type info",
        "functions",
        "procedures",
        "indexes",
        "row identifiers",
        "privileges",
        "user types",
        "client properties",
    ],
)
def test_the_driver_asks_nobody_for_these(java: Outcomes, scenario: str) -> None:
    assert java[scenario] == []


@pytest.mark.tool(JDBC, "primary and foreign keys")
@pytest.mark.parametrize("scenario", ["primary key", "primary key anywhere"])
def test_a_primary_key_lists_its_columns_in_order(java: Outcomes, scenario: str) -> None:
    told = [
        (row["TABLE_CAT"], row["TABLE_SCHEM"], row["COLUMN_NAME"], row["KEY_SEQ"])
        for row in java[scenario]
    ]
    assert told == [("memory", "ledger", "number", 1), ("memory", "ledger", "country", 2)]


@pytest.mark.tool(JDBC, "primary and foreign keys")
@pytest.mark.parametrize("scenario", ["imported keys", "exported keys", "cross reference"])
def test_a_foreign_key_is_told_from_both_sides(java: Outcomes, scenario: str) -> None:
    told = [
        (
            *(row["PKTABLE_NAME"], row["PKCOLUMN_NAME"], row["FKTABLE_NAME"], row["FKCOLUMN_NAME"]),
            *(row["KEY_SEQ"], row["UPDATE_RULE"], row["DELETE_RULE"]),
        )
        for row in java[scenario]
    ]
    assert told == [
        ("accounts", "number", "bookings", "account", 1, NO_ACTION, NO_ACTION),
        ("accounts", "country", "bookings", "country", 2, NO_ACTION, NO_ACTION),
    ]


@pytest.mark.tool(JDBC, "primary and foreign keys")
@pytest.mark.parametrize(
    "scenario",
    ["no primary key", "imported by none", "exported by none", "cross reference of strangers"],
)
def test_where_there_is_no_key_none_is_told(java: Outcomes, scenario: str) -> None:
    assert java[scenario] == []
