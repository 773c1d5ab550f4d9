"""arrow-go's Flight SQL client: ingest, sessions, cancelling, renewing, what is not served."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes, leaks

GO = "arrow-go flightsql"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("go"),
    pytest.mark.timeout(600),
]


def total(rows: int) -> list[int]:
    """Count and sum of the numbers below `rows`."""
    return [rows, rows * (rows - 1) // 2]


def done(rows: int) -> dict[str, Any]:
    return {"changed": rows, "error": None}


@pytest.mark.tool(GO, "bulk ingest in every mode")
def test_every_mode_creates_adds_or_replaces(go: Outcomes) -> None:
    told = go["ingest in every mode"]
    assert [told["create"], told["add"], told["create or add"]] == [done(10), done(5), done(5)]
    assert told["stored"] == [20, 45 + 10 + 10]
    assert told["replace"] == done(3)
    assert told["stored instead"] == total(3)
    assert [told["create by adding"], told["stored newly"]] == [done(2), total(2)]


@pytest.mark.tool(GO, "bulk ingest in every mode")
@pytest.mark.parametrize("mode", ["add to nothing", "create again"])
def test_a_mode_that_does_not_fit_is_refused(go: Outcomes, mode: str) -> None:
    outcome = go["ingest in every mode"][mode]
    assert outcome["error"]["code"] in {"InvalidArgument", "NotFound"}
    assert not leaks(outcome["error"]["message"])


@pytest.mark.tool(GO, "bulk ingest: big, empty, compressed, with other types")
def test_much_and_nothing_are_ingested(go: Outcomes) -> None:
    assert go["ingest much"] == {"outcome": done(300_000), "stored": total(300_000)}
    assert go["ingest no rows"] == {"outcome": done(0), "stored": [0, 0]}
    assert go["ingest compressed"] == {"changed": 5000, "stored": total(5000)}
    assert go["ingest other types"] == {"outcome": done(3), "stored": total(3)}


@pytest.mark.tool(GO, "bulk ingest into schemas, catalogs and temporary tables")
def test_rows_go_where_they_were_sent(go: Outcomes) -> None:
    assert go["ingest into a schema and a catalog"] == {
        "changed": [4, 6],
        "schema": total(4),
        "catalog": total(6),
    }
    temporary = go["ingest into a temporary table"]
    assert temporary == {"changed": 7, "stored": total(7), "hidden": True}


@pytest.mark.tool(GO, "bulk ingest in a transaction")
def test_an_ingest_belongs_to_its_transaction(go: Outcomes) -> None:
    assert go["ingest in a transaction"] == {
        "committed_rows": [0, 2500],
        "rolled_back_rows": [0, 0],
    }


@pytest.mark.tool(GO, "bulk ingest is all or nothing")
def test_rows_that_do_not_fit_leave_nothing(go: Outcomes) -> None:
    told = go["ingest what does not fit"]
    assert told["outcome"]["error"]["code"] == "InvalidArgument"
    assert "duplicate key" in told["outcome"]["error"]["message"].lower()
    assert told["stored"] == [1, 7]


@pytest.mark.tool(GO, "bulk ingest is all or nothing")
def test_an_ingest_given_up_leaves_nothing(go: Outcomes) -> None:
    told = go["ingest cancelled"]
    assert told["error"]["code"] == "Canceled"
    assert told["idle"]
    assert told["stored"] == [[0]]


@pytest.mark.tool(GO, "session options")
def test_a_session_begins_with_the_nodes_options(go: Outcomes) -> None:
    options = go["session options at first"]
    wanted = {
        "catalog": "memory",
        "schema": "main",
        "dialect": "duckdb",
        "compression": "none",
        "endpoints": "1",
        "statement_timeout": "0",
    }
    assert {name: options[name] for name in wanted} == {
        name: {"stringValue": value} for name, value in wanted.items()
    }


@pytest.mark.tool(GO, "session options")
def test_catalog_and_schema_belong_to_the_session(go: Outcomes) -> None:
    told = go["catalog and schema of a session"]
    assert told["errors"] == {}
    assert told["options"]["schema"] == {"stringValue": "corner"}
    assert told["here"] == [["attic", "corner"]]
    assert told["elsewhere"] == [["memory"]]


@pytest.mark.tool(GO, "session options")
def test_statement_options_belong_to_the_session(go: Outcomes) -> None:
    told = go["statement options of a session"]
    assert told["errors"] == {}
    assert told["options"]["dialect"] == {"stringValue": "mysql"}
    assert told["options"]["compression"] == {"stringValue": "zstd"}
    assert told["options"]["endpoints"] == {"stringValue": "2"}
    assert told["answer"] == [[1]]


@pytest.mark.tool(GO, "session options")
def test_an_option_can_be_unset(go: Outcomes) -> None:
    told = go["unset session options"]
    assert told["errors"] == {}
    assert told["options"]["dialect"] == {"stringValue": "duckdb"}


@pytest.mark.tool(GO, "session options")
def test_wrong_options_are_told_one_by_one(go: Outcomes) -> None:
    assert go["wrong session options"] == {
        "no such option": "INVALID_NAME",
        "catalog": "INVALID_VALUE",
        "schema": "INVALID_VALUE",
        "dialect": "INVALID_VALUE",
        "statement_timeout": "INVALID_VALUE",
        "endpoints": "INVALID_VALUE",
    }


@pytest.mark.tool(GO, "session state and CloseSession")
def test_a_session_keeps_its_state_until_it_is_closed(go: Outcomes) -> None:
    assert go["state of a session"] == [[42, 0]]
    assert go["closed session"] == {"status": "CLOSED", "gone": True}


@pytest.mark.tool(GO, "cancelling by context and by CancelFlightInfo")
@pytest.mark.parametrize(
    ("scenario", "codes"),
    [
        ("cancelled while planning", {"Canceled"}),
        ("deadline while planning", {"DeadlineExceeded"}),
        ("cancelled while fetching", {"Canceled"}),
        ("cancelled update", {"DeadlineExceeded"}),
        # Inside a stream pyarrow's clients take CANCELLED for Ctrl-C, so UNKNOWN is sent there.
        ("CancelFlightInfo", {"Canceled", "Unknown"}),
    ],
)
def test_what_is_cancelled_stops_the_engine(go: Outcomes, scenario: str, codes: set[str]) -> None:
    told = go[scenario]
    assert told["error"]["code"] in codes
    assert told["idle"]
    assert told["works afterwards"] == [[1]]


@pytest.mark.tool(GO, "cancelling by context and by CancelFlightInfo")
def test_cancelling_says_what_became_of_it(go: Outcomes) -> None:
    assert go["CancelFlightInfo"]["status"] == "CANCEL_STATUS_CANCELLED"
    assert go["CancelQuery"]["result"] == "CANCEL_RESULT_CANCELLED"
    assert go["CancelQuery"]["idle"]
    assert go["CancelFlightInfo of a stranger's ticket"]["code"] == "NotFound"
    assert go["cancelled update"]["stored"] == [[0]]


@pytest.mark.tool(GO, "statement timeout by header or session option")
@pytest.mark.parametrize(
    "scenario", ["statement timeout by header", "statement timeout of a session"]
)
def test_a_statement_timeout_stops_the_engine(go: Outcomes, scenario: str) -> None:
    told = go[scenario]
    assert told["error"]["code"] == "DeadlineExceeded"
    assert "700 ms" in told["error"]["message"]
    assert told["idle"]


@pytest.mark.tool(GO, "RenewFlightEndpoint")
def test_a_renewed_endpoint_lives_longer(go: Outcomes) -> None:
    assert go["RenewFlightEndpoint"] == {
        "expires": True,
        "later": True,
        "in the future": True,
        "rows": [["still here"]],
    }


@pytest.mark.tool(GO, "PollFlightInfo", limit="pyarrow, which serves the node, has no way to")
def test_polling_is_refused_cleanly(go: Outcomes) -> None:
    assert go["PollFlightInfo"]["code"] == "Unimplemented"


@pytest.mark.tool(GO, "Substrait plans", limit="DuckDB does not read them")
@pytest.mark.parametrize("call", ["execute", "update", "prepare"])
def test_substrait_is_refused_cleanly(go: Outcomes, call: str) -> None:
    error = go["Substrait"][call]
    assert error["code"] == "Unimplemented"
    assert not leaks(error["message"])


@pytest.mark.tool(GO, "actions")
def test_actions_are_listed(go: Outcomes) -> None:
    assert {
        *("CreatePreparedStatement", "ClosePreparedStatement", "BeginTransaction"),
        *("EndTransaction", "CancelFlightInfo", "CancelQuery", "RenewFlightEndpoint"),
        *("SetSessionOptions", "GetSessionOptions", "CloseSession"),
    } <= set(go["actions"])
    assert go["unknown action"]["code"] == "Unimplemented"
    assert go["damaged ticket"]["code"] == "InvalidArgument"


@pytest.mark.tool(GO, "many statements at once on one connection")
def test_many_at_once_get_their_own_answers(go: Outcomes) -> None:
    sums = {rows * (rows - 1) // 2 for rows in range(1000, 9000, 1000)}
    assert go["many at once"] == {str(each): 20 for each in sums}
