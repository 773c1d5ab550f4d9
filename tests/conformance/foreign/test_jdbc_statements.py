"""The Arrow Flight SQL JDBC driver: logins and java.sql.Statement."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes, leaks

JDBC = "Arrow Flight SQL JDBC"
NOT_CALLED = "the driver keeps a catalog that is set later to itself"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]


@pytest.mark.tool(JDBC, "login by password or token")
@pytest.mark.parametrize(
    "scenario",
    ["login by properties", "login in the URL", "login by token", "token of another node"],
)
def test_a_login_connects(java: Outcomes, scenario: str) -> None:
    assert java[scenario] == {
        "answer": [[42]],
        "valid": True,
        "read only": True,
        "auto commit": True,
    }


@pytest.mark.tool(JDBC, "login by password or token")
@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("wrong password", "unknown user or wrong password"),
        ("wrong token", "log in again"),
        ("no login", "this service needs a login"),
        ("nobody there", "UNAVAILABLE"),
    ],
)
def test_a_refused_login_says_why(java: Outcomes, scenario: str, text: str) -> None:
    assert text in java[scenario]["told"]
    assert not leaks(java[scenario]["told"])


@pytest.mark.tool(JDBC, "login by password or token")
def test_a_closed_connection_is_closed(java: Outcomes) -> None:
    assert java["a closed connection"] == {"closed": True, "valid": False}


@pytest.mark.tool(JDBC, "queries")
def test_a_query_answers_rows(java: Outcomes) -> None:
    assert java["query"] == [[1, "zwölf"], [2, None]]


@pytest.mark.tool(JDBC, "queries")
def test_an_empty_result_names_its_columns(java: Outcomes) -> None:
    """The driver lists the columns of an empty result twice; the names are right."""
    assert java["empty result"] == {"first": "a", "second": "b", "rows": []}


@pytest.mark.tool(JDBC, "queries")
def test_several_statements_in_one_text_run_in_order(java: Outcomes) -> None:
    assert java["several statements in one text"] == [[42]]


@pytest.mark.tool(JDBC, "queries")
def test_max_rows_cut_a_result(java: Outcomes) -> None:
    assert java["row limits"] == [0, 1, 2, 3, 4]


@pytest.mark.tool(JDBC, "queries")
def test_two_results_are_read_side_by_side(java: Outcomes) -> None:
    assert java["two results side by side"] == 3 * 300_000 * 299_999 // 2


@pytest.mark.tool(JDBC, "updates, definitions and their counts")
def test_changes_are_counted(java: Outcomes) -> None:
    assert java["changes and their counts"] == {
        "counts": [0, 3, 2, 1],
        "rows": [[1, "x"], [2, "w"]],
    }


@pytest.mark.tool(JDBC, "updates, definitions and their counts")
def test_execute_tells_results_from_counts(java: Outcomes) -> None:
    told = [False, 0, False, 2, True, -1, [[1], [2]], False, -1]
    assert java["execute tells what it was"] == told


@pytest.mark.tool(JDBC, "INSERT ... RETURNING")
def test_returning_answers_rows_and_runs_once(java: Outcomes) -> None:
    assert java["returning"] == {"returned": [[11], [21]], "stored": [[2, 30]]}


@pytest.mark.tool(JDBC, "ResultSetMetaData")
def test_a_result_describes_its_columns(java: Outcomes) -> None:
    columns = java["result metadata"]
    assert [column["label"] for column in columns] == ["id", "the price", "name"]
    assert [column["type"] for column in columns] == ["BIGINT", "DECIMAL", "VARCHAR"]


@pytest.mark.tool(JDBC, "precision and scale in ResultSetMetaData")
def test_a_column_tells_its_digits(java: Outcomes) -> None:
    number, price, _ = java["result metadata"]
    assert (number["precision"], number["scale"]) == (19, 0)
    assert (price["precision"], price["scale"]) == (12, 3)


@pytest.mark.tool(JDBC, "session state: USE, SET, temporary tables")
def test_a_session_keeps_its_state_to_itself(java: Outcomes) -> None:
    assert java["set and use"] == {"here": [["inside", 42]], "elsewhere": [["main", None]]}


@pytest.mark.tool(JDBC, "catalog as a connection property")
def test_a_catalog_property_selects_the_catalog(java: Outcomes) -> None:
    assert java["catalog property"] == [["attic"]]


@pytest.mark.tool(JDBC, "catalog as a connection property")
def test_an_unknown_catalog_is_refused(java: Outcomes) -> None:
    assert "no such catalog" in java["catalog property of an unknown catalog"]["message"]


@pytest.mark.tool(JDBC, "Connection.setCatalog", limit=NOT_CALLED)
def test_a_catalog_that_is_set_later_stays_in_the_driver(java: Outcomes) -> None:
    assert java["set catalog"] == {"get": "cellar", "asked": [["memory"]]}


@pytest.mark.tool(JDBC, "transactions written as SQL")
def test_begin_commit_and_rollback_work_as_text(java: Outcomes) -> None:
    assert java["transactions in text"] == [[[0]], [[1]], [[1]]]


@pytest.mark.tool(JDBC, "SQL dialect as a URL property")
def test_a_dialect_property_translates(java: Outcomes) -> None:
    assert java["dialect property"] == [[1, 3]]


@pytest.mark.tool(JDBC, "errors")
@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("syntax", 'syntax error at or near "SELEC"'),
        ("no such table", "does not exist"),
        ("no such column", 'Referenced column "b" not found'),
        ("conversion", "Could not convert string 'x' to INT32"),
        ("while running", "too late"),
        ("file", "No files found"),
        ("empty", "the statement is empty"),
        ("constraint", "NOT NULL constraint failed"),
    ],
)
def test_an_error_says_what_the_engine_said(java: Outcomes, scenario: str, text: str) -> None:
    error: dict[str, Any] = java["errors"][scenario]
    assert text in error["message"]
    assert not leaks(error["told"])


@pytest.mark.tool(JDBC, "errors")
def test_a_connection_works_after_errors(java: Outcomes) -> None:
    assert java["errors"]["works afterwards"] == [[1]]


def test_the_nodes_met_no_defect(java: Outcomes) -> None:
    assert java.exit_code == 0
    assert "] defect" not in java.log
