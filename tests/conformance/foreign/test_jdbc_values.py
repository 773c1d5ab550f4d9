"""The Arrow Flight SQL JDBC driver: every type as a result and as a parameter."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes

JDBC = "Arrow Flight SQL JDBC"
UNSIGNED = "the driver reads unsigned integers as signed ones"
ZONED = "the driver has no getObject for timestamps with a time zone; getString works"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]

RESULTS: list[tuple[str, str, Any, str]] = [
    ("BOOLEAN", "BOOLEAN", True, "true"),
    ("TINYINT", "TINYINT", -128, "-128"),
    ("SMALLINT", "SMALLINT", -32768, "-32768"),
    ("INTEGER", "INTEGER", -(2**31), "-2147483648"),
    ("BIGINT", "BIGINT", -(2**63), "-9223372036854775808"),
    ("HUGEINT", "DECIMAL", str(2**127 - 1), str(2**127 - 1)),
    ("FLOAT", "FLOAT", "1.5", "1.5"),
    ("DOUBLE", "DOUBLE", "-2.5E300", "-2.5E300"),
    ("DECIMAL(9,2)", "DECIMAL", "-1234567.89", "-1234567.89"),
    (
        "DECIMAL(38,10)",
        "DECIMAL",
        "1234567890123456789012345678.0123456789",
        "1234567890123456789012345678.0123456789",
    ),
    ("VARCHAR", "VARCHAR", "zwölf ☃", "zwölf ☃"),
    ("BLOB", "VARBINARY", "00ff61", "\x00�a"),
    ("DATE", "DATE", "2024-02-29", "2024-02-29"),
    ("TIME", "TIME", "23:59:58.123", "23:59:58.123"),
    ("TIMETZ", "VARCHAR", "12:34:56+02", "12:34:56+02"),
    ("TIMESTAMP", "TIMESTAMP", "2024-02-29 23:59:58.123456", "2024-02-29 23:59:58.123456"),
    ("TIMESTAMP_S", "TIMESTAMP", "2024-02-29 23:59:58.0", "2024-02-29 23:59:58.0"),
    ("TIMESTAMP_MS", "TIMESTAMP", "2024-02-29 23:59:58.123", "2024-02-29 23:59:58.123"),
    ("TIMESTAMP_NS", "TIMESTAMP", "2024-02-29 23:59:58.123456789", "2024-02-29 23:59:58.123456789"),
    ("ENUM('small', 'large')", "VARCHAR", "large", "large"),
    ("INTERVAL", "JAVA_OBJECT", "P1M2D PT3S", "P1M2DT3S"),
    (
        "UUID",
        "VARCHAR",
        "00112233-4455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeeff",
    ),
    ("JSON", "VARCHAR", '{"a": [1, null]}', '{"a": [1, null]}'),
    ("BIT", "VARCHAR", "0101", "0101"),
    ("BIGNUM", "VARCHAR", "1234567890" * 5, "1234567890" * 5),
    ("INTEGER[]", "ARRAY", [1, None, 3], "[1,null,3]"),
    ("VARCHAR[][]", "ARRAY", [["a"], [], None], '[["a"],[],null]'),
    ("INTEGER[3]", "ARRAY", [1, 2, 3], "[1,2,3]"),
    ("STRUCT(a INTEGER, b VARCHAR)", "JAVA_OBJECT", {"a": 1, "b": "x"}, '{"a":1,"b":"x"}'),
    ("MAP(VARCHAR, INTEGER)", "JAVA_OBJECT", {"k": 1, "l": None}, '{"k":1,"l":null}'),
    ("UNION(n INTEGER, t VARCHAR)", "JAVA_OBJECT", "text", "text"),
]
"""Type, JDBC's name for it, getObject and getString, as the program tells them."""

PARAMETERS = {
    "BOOLEAN": "true",
    "TINYINT": "-5",
    "SMALLINT": "-300",
    "INTEGER": "-70000",
    "BIGINT": str(-(2**63)),
    "UTINYINT": "200",
    "USMALLINT": "60000",
    "UINTEGER": "4000000000",
    "UBIGINT": str(2**63 - 1),
    "HUGEINT": "12345678901234567890123",
    "FLOAT": "1.5",
    "DOUBLE": "-2.5e+300",
    "DECIMAL(10,3)": "-12.345",
    "VARCHAR": "it's ☃",
    "BLOB": "\\x00\\xFFa",
    "DATE": "2024-02-29",
    "TIME": "23:59:58",
    "TIMESTAMP": "2024-02-29 23:59:58.123",
    "TIMESTAMP_S": "2024-02-29 23:59:58",
    "TIMESTAMP_MS": "2024-02-29 23:59:58.123",
    "TIMESTAMPTZ": "2024-02-29 23:59:58.123+00",
    "UUID": "00112233-4455-6677-8899-aabbccddeeff",
    "JSON": '{"a": 1}',
    "ENUM('small', 'large')": "large",
}
"""Type, and the text that the engine makes of what was bound."""

NAMES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


@pytest.mark.tool(JDBC, "results of every type but unsigned and TIMESTAMPTZ")
@pytest.mark.parametrize(
    ("kind", "name", "value", "text"), RESULTS, ids=[each[0] for each in RESULTS]
)
def test_a_value_arrives(java: Outcomes, kind: str, name: str, value: Any, text: str) -> None:
    result = java[f"result {kind}"]
    assert (result["type"], result["object"], result["string"]) == (name, value, text)
    assert (result["null object"], result["null string"]) == (None, None)


@pytest.mark.tool(JDBC, "results of every type but unsigned and TIMESTAMPTZ")
def test_a_null_without_a_type_arrives(java: Outcomes) -> None:
    result = java['result "NULL"']
    assert (result["object"], result["string"]) == (None, None)


@pytest.mark.tool(JDBC, "unsigned integers beyond the signed range", limit=UNSIGNED)
@pytest.mark.parametrize("kind", ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"])
def test_unsigned_integers_are_taken_for_signed_ones(java: Outcomes, kind: str) -> None:
    assert str(java[f"result {kind}"]["object"]) == "-1"


@pytest.mark.tool(JDBC, "timestamps with a time zone by getObject", limit=ZONED)
def test_a_timestamp_with_a_zone_is_read_as_text(java: Outcomes) -> None:
    result = java["result TIMESTAMPTZ"]
    assert result["type"] == "TIMESTAMP_WITH_TIMEZONE"
    assert result["object"] == "failed: not implemented"
    assert result["string"] == result["timestamp"] == "2024-02-29 23:59:58.123456"


@pytest.mark.tool(JDBC, "every getter of a ResultSet")
def test_every_getter_converts(java: Outcomes) -> None:
    got = java["getters"]
    assert [got[each] for each in ("byte", "short", "int", "long")] == [42] * 4
    assert [got[each] for each in ("float", "double", "decimal")] == ["42.0", "42.0", "2.50"]
    assert [got["date"], got["timestamp"]] == ["2024-02-29", "2024-02-29 12:00:00.0"]
    assert [got["boolean"], got["string"], got["column"]] == [True, "x", 3]
    assert [got["missing"], got["was null"]] == [0, True]


@pytest.mark.tool(JDBC, "parameters of every type")
@pytest.mark.parametrize(("kind", "text"), PARAMETERS.items(), ids=list(PARAMETERS))
def test_a_parameter_arrives(java: Outcomes, kind: str, text: str) -> None:
    assert java[f"parameter {kind}"] == [text, NAMES.get(kind, kind)]


@pytest.mark.tool(JDBC, "parameters of every type")
@pytest.mark.parametrize("kind", PARAMETERS, ids=list(PARAMETERS))
def test_a_missing_parameter_is_null(java: Outcomes, kind: str) -> None:
    assert java[f"null parameter {kind}"] == [None, NAMES.get(kind, kind)]


@pytest.mark.tool(JDBC, "prepared queries")
def test_a_prepared_query_finds_its_row(java: Outcomes) -> None:
    assert java["prepared query"] == [["Grace"]]


@pytest.mark.tool(JDBC, "prepared queries")
def test_a_prepared_query_runs_again_with_other_values(java: Outcomes) -> None:
    assert java["prepared again with other values"] == [[[10]], [[20]], [[30]], [[None]]]
    assert java["prepared without parameters"] == [[["same"]], [["same"]]]


@pytest.mark.tool(JDBC, "prepared queries")
def test_types_of_parameters_follow_from_the_columns_beside_them(java: Outcomes) -> None:
    assert java["parameters by position and column"] == [[2]]


@pytest.mark.tool(JDBC, "prepared queries")
def test_a_prepared_statement_describes_parameters_and_columns(java: Outcomes) -> None:
    assert java["prepared metadata"] == {
        "parameters": ["Int(64, true)", "Date(DAY)"],
        "columns": ["day", "degrees"],
    }


@pytest.mark.tool(JDBC, "prepared queries")
def test_a_wrong_statement_says_so(java: Outcomes) -> None:
    assert "Table with name nowhere does not exist" in java["prepared error"]["message"]


@pytest.mark.tool(JDBC, "prepared updates and batches")
def test_prepared_changes_are_counted(java: Outcomes) -> None:
    assert java["prepared changes"] == {
        "counts": [1, 1, 1, 2, 3],
        "rows": [[0, "renamed"], [1, "renamed"], [2, "number 2"]],
    }


@pytest.mark.tool(JDBC, "prepared updates and batches")
def test_a_batch_inserts_every_row(java: Outcomes) -> None:
    assert java["prepared batch"]["rows"] == [
        [0, "box 0", "0.0"],
        [1, "box 1", "0.5"],
        [2, None, "1.0"],
        [3, "box 3", "1.5"],
    ]
    assert java["prepared big batch"] == [[20_000, 20_000, 199_990_000]]


@pytest.mark.tool(JDBC, "prepared updates and batches")
def test_a_batch_is_all_or_nothing(java: Outcomes) -> None:
    outcome = java["prepared batch with an error"]
    assert "duplicate key" in outcome["error"]["message"]
    assert outcome["stored"] == [[0]]


@pytest.mark.tool(JDBC, "INSERT ... RETURNING")
def test_a_prepared_insert_returns_rows(java: Outcomes) -> None:
    assert java["prepared returning"] == [{"next": 42, "name": "x"}]
