"""arrow-go's Flight SQL client: logins, statements, prepared statements, transactions."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes, leaks

GO = "arrow-go flightsql"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("go"),
    pytest.mark.timeout(600),
]


def total(rows: int, step: int = 1) -> list[int]:
    """Count and sum of so many numbers from zero."""
    return [rows, step * rows * (rows - 1) // 2]


@pytest.mark.tool(GO, "login by password or token, on every call too")
@pytest.mark.parametrize("scenario", ["login by password", "login by token", "login on every call"])
def test_a_login_connects(go: Outcomes, scenario: str) -> None:
    assert go[scenario] == [[42]]


@pytest.mark.tool(GO, "login by password or token, on every call too")
@pytest.mark.parametrize("scenario", ["wrong password", "no login"])
def test_a_refused_login_is_unauthenticated(go: Outcomes, scenario: str) -> None:
    assert go[scenario]["code"] == "Unauthenticated"


@pytest.mark.tool(GO, "queries and their schemas")
def test_a_query_answers_rows(go: Outcomes) -> None:
    assert go["query"] == [[1, "zwölf", 1.5, None], [2, None, -1, "2024-02-29"]]
    assert go["ticket of another node"] == [["portable"]]


@pytest.mark.tool(GO, "queries and their schemas")
def test_a_plan_and_get_schema_tell_the_schema(go: Outcomes) -> None:
    assert go["schema of a plan"] == {"schema": ["one: int32", "text: utf8"], "endpoints": 1}
    assert go["schema without running"] == ["a: int64", "b: utf8"]


@pytest.mark.tool(GO, "updates and their counts")
def test_changes_are_counted(go: Outcomes) -> None:
    assert go["updates"] == [0, 3, 2, 1, 2]
    assert go["planned update"] == {"total": 2, "stored": [[2]]}
    assert go["returning"] == [[11], [21]]
    assert go["several statements"] == [[3]]


@pytest.mark.tool(GO, "big results below gRPC's 4 MiB a message")
def test_big_results_arrive_in_messages_that_fit(go: Outcomes) -> None:
    assert go["big result"] == {"total": total(1_000_000), "below 4 MiB": True}
    assert go["wide rows"] == {"rows": 40, "several batches": True}


@pytest.mark.tool(GO, "several endpoints in one result")
def test_several_endpoints_hold_every_row_once(go: Outcomes) -> None:
    assert go["several endpoints"] == {"endpoints": 4, "total": total(2_000_000)}
    assert go["several endpoints at once"] == total(1_000_000, step=2)


@pytest.mark.tool(GO, "compressed results")
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_compressed_result_is_read(go: Outcomes, codec: str) -> None:
    assert go[f"compression {codec}"] == total(300_000)


@pytest.mark.tool(GO, "SQL dialect by header")
def test_a_dialect_translates(go: Outcomes) -> None:
    assert go["dialect"] == [[1, 3]]


@pytest.mark.tool(GO, "errors with their gRPC codes")
@pytest.mark.parametrize(
    ("scenario", "code", "text"),
    [
        ("error syntax", "InvalidArgument", "syntax error"),
        ("error no such table", "InvalidArgument", "does not exist"),
        ("error conversion", "InvalidArgument", "Could not convert"),
        ("error late", "InvalidArgument", "too late"),
        ("error file", "Unknown", "No files found"),
        ("error empty", "InvalidArgument", "empty"),
        ("error of an update", "InvalidArgument", "does not exist"),
        ("preparing an error", "InvalidArgument", "does not exist"),
        ("preparing an error with parameters", "InvalidArgument", "does not exist"),
        ("too few parameters", "InvalidArgument", "2 parameters"),
    ],
)
def test_an_error_has_its_code_and_its_words(
    go: Outcomes, scenario: str, code: str, text: str
) -> None:
    error: dict[str, Any] = go[scenario]
    assert error["code"] == code
    assert text in error["message"]
    assert not leaks(error["message"])


@pytest.mark.tool(GO, "errors with their gRPC codes")
def test_a_connection_works_after_errors(go: Outcomes) -> None:
    assert go["works after errors"] == [[1]]


@pytest.mark.tool(GO, "prepared queries with parameters")
def test_a_prepared_query_runs_once_for_each_row(go: Outcomes) -> None:
    assert go["prepared query"] == [[[2, "x"]], [[4, "x"]], [[6, "y"], [8, None]]]


@pytest.mark.tool(GO, "prepared queries with parameters")
def test_preparing_tells_types_of_parameters_and_columns(go: Outcomes) -> None:
    query, change = go["prepared schemas"]["query"], go["prepared schemas"]["change"]
    kinds = [parameter.split(": ")[1] for parameter in query["parameters"]]
    assert kinds == ["int64", "date32"]
    assert query["result"] == ["day: date32", "degrees: float64"]
    assert (query["known"], query["update"]) == (True, False)
    kinds = [parameter.split(": ")[1] for parameter in change["parameters"]]
    assert kinds == ["int64", "date32", "float64"]
    assert (change["known"], change["update"]) == (True, True)


@pytest.mark.tool(GO, "prepared updates and batches")
def test_prepared_changes_are_counted(go: Outcomes) -> None:
    assert go["prepared updates"] == {"counts": [3, 2], "stored": [[3, None]]}
    assert go["prepared update from a reader"] == [3, 3]
    assert go["prepared returning"] == {"update": False, "rows": [[42]]}


@pytest.mark.tool(GO, "prepared updates and batches")
def test_a_batch_is_all_or_nothing(go: Outcomes) -> None:
    outcome = go["prepared update is all or nothing"]
    assert "duplicate key" in outcome["error"]["message"]
    assert outcome["stored"] == [[0]]


@pytest.mark.tool(GO, "prepared handles on another node")
def test_a_handle_can_be_closed_and_used_elsewhere(go: Outcomes) -> None:
    assert go["a closed handle"] is True
    assert go["a handle on another node"] == [[42]]


@pytest.mark.tool(GO, "transactions")
def test_a_commit_shows_everything_at_once(go: Outcomes) -> None:
    assert go["commit"] == {"changed": 2, "inside": [[2]], "before": 0, "after": 2}
    assert go["prepared in a transaction"] == {"changed": 1, "before": 0, "after": 1}


@pytest.mark.tool(GO, "transactions")
def test_a_rollback_leaves_nothing(go: Outcomes) -> None:
    assert go["rollback"] == 0


@pytest.mark.tool(GO, "transactions")
def test_a_transaction_sees_its_own_tables_alone(go: Outcomes) -> None:
    told = go["schema in a transaction"]
    assert told["inside"] is None
    assert told["outside"]["code"] == "InvalidArgument"


@pytest.mark.tool(GO, "transactions")
def test_a_transaction_that_has_ended_is_not_found(go: Outcomes) -> None:
    assert go["ended transaction"]["code"] == "NotFound"


@pytest.mark.tool(GO, "savepoints", limit="DuckDB has none")
def test_a_savepoint_is_refused_cleanly(go: Outcomes) -> None:
    assert go["savepoint"]["code"] == "Unimplemented"
    assert "savepoint" in go["savepoint"]["message"].lower()


def test_the_nodes_met_no_defect(go: Outcomes) -> None:
    assert go.exit_code == 0
    assert "] defect" not in go.log
