"""The `arrow-flight` crate's Flight SQL client, with tonic's 4 MiB limit for a message."""

from typing import Any

import pytest

from tests.conformance.foreign.programs import Outcomes, leaks

RUST = "arrow-flight (Rust)"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("rust"),
    pytest.mark.timeout(600),
]


def total(rows: int, endpoints: int = 1) -> dict[str, int]:
    """Count and sum of the numbers below `rows`."""
    return {"endpoints": endpoints, "rows": rows, "sum": rows * (rows - 1) // 2}


@pytest.mark.tool(RUST, "handshake and token")
def test_a_login_connects(rust: Outcomes) -> None:
    assert rust["login by password"] == [["42"]]
    assert rust["login by token"] == [["42"]]


@pytest.mark.tool(RUST, "handshake and token")
@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("wrong password", "unknown user or wrong password"),
        ("no login", "this service needs a login"),
    ],
)
def test_a_refused_login_says_why(rust: Outcomes, scenario: str, text: str) -> None:
    assert text in rust[scenario]


@pytest.mark.tool(RUST, "queries")
def test_a_query_answers_rows(rust: Outcomes) -> None:
    assert rust["query"] == [["1", "zwölf"], ["2", None]]
    assert rust["many at once"] == list(range(8))


@pytest.mark.tool(RUST, "queries")
def test_every_type_arrives(rust: Outcomes) -> None:
    assert rust["types"] == [
        [
            *("true", "7", str(2**64 - 1), "1.50", "00ff", "2024-02-29", "23:59:58.123456"),
            *("2024-02-29T23:59:58.123456", "[1, ]", "{a: 1, b: x}", "{k: 1}"),
            *("00112233-4455-6677-8899-aabbccddeeff", "large", str(2**127 - 1), None),
        ]
    ]


@pytest.mark.tool(RUST, "big results within 4 MiB a message")
def test_big_and_wide_results_fit(rust: Outcomes) -> None:
    assert rust["big result"] == total(1_000_000)
    assert rust["wide rows"] == {"rows": 40, "characters": 40_000_000}


@pytest.mark.tool(RUST, "several endpoints, compressed results")
def test_endpoints_and_compression_are_read(rust: Outcomes) -> None:
    assert rust["several endpoints"] == total(2_000_000, endpoints=4)
    assert rust["compression"] == total(300_000)


@pytest.mark.tool(RUST, "prepared queries")
def test_a_prepared_query_runs_once_for_each_row(rust: Outcomes) -> None:
    assert rust["prepared query"] == [[["2", "x"]], [["4", "x"]], [["6", "x"], ["8", "x"]]]


@pytest.mark.tool(RUST, "prepared queries")
def test_preparing_tells_types(rust: Outcomes) -> None:
    told: dict[str, Any] = rust["prepared schemas"]
    assert told["result"] == ["day: Date32", "degrees: Float64"]
    assert [parameter.split(": ")[1] for parameter in told["parameters"]] == ["Int64"]


@pytest.mark.tool(RUST, "errors, late ones too")
@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        ("syntax", "syntax error"),
        ("table", "does not exist"),
        ("prepared", "does not exist"),
        ("update", "does not exist"),
        ("late", "too late"),
    ],
)
def test_an_error_says_what_the_engine_said(rust: Outcomes, scenario: str, text: str) -> None:
    told = rust["errors"][scenario]
    assert text in told
    assert not leaks(told)
    assert rust["errors"]["works afterwards"] == [["1"]]


@pytest.mark.tool(RUST, "updates and their counts")
def test_changes_are_counted(rust: Outcomes) -> None:
    assert rust["updates"] == {"counts": [0, 3, 2, 1], "stored": [["1", "x"], ["2", "w"]]}
    assert rust["planned update"] == [["2"]]
    assert rust["returning"] == [["11"], ["21"]]


@pytest.mark.tool(RUST, "prepared updates")
def test_prepared_changes_are_counted(rust: Outcomes) -> None:
    assert rust["prepared update without parameters"] == {"changed": 2, "stored": [["2"]]}
    assert rust["prepared returning"] == [["42"]]


@pytest.mark.tool(RUST, "prepared updates")
def test_parameters_bound_before_an_update_are_used(rust: Outcomes) -> None:
    assert rust["prepared update"] == {
        "changed": [3, 1],
        "stored": [["1", "name 1"], ["2", "name 2"], ["3", None], ["4", "name 4"]],
    }
    assert rust["prepared in a transaction"] == {
        "changed": 2,
        "before": [["0"]],
        "after": [["2"]],
    }


@pytest.mark.tool(RUST, "transactions")
def test_transactions_roll_back_and_commit(rust: Outcomes) -> None:
    assert rust["transactions"] == [[["1"]], [["0"]], [["1"]], [["1"]]]


@pytest.mark.tool(RUST, "bulk ingest, in a transaction too")
def test_ingest_creates_and_adds(rust: Outcomes) -> None:
    told = rust["ingest"]
    assert (told["created"], told["added"]) == (2, 1)
    assert "already exists" in told["refused"]
    assert told["stored"] == [["1", "name 1"], ["2", "name 2"], ["3", None]]
    assert rust["ingest much"] == {"changed": 100_000, "stored": [["100000", "4999950000"]]}
    assert rust["ingest in a transaction"] == {"changed": 2, "stored": [["0"]]}


@pytest.mark.tool(RUST, "metadata, keys, type info, server facts")
def test_metadata_is_read(rust: Outcomes) -> None:
    assert ["memory"] in rust["catalogs"]
    assert rust["schemas"] == [["memory", "ledger"]]
    assert [row[2:] for row in rust["tables"]] == [
        ["accounts", "TABLE"],
        ["bookings", "TABLE"],
        ["open", "VIEW"],
    ]
    assert rust["tables with schema"] == [[3, 5]]
    assert ["TABLE"] in rust["table types"]
    assert len(rust["server facts"]) == 2
    assert "INTEGER" in [row[0] for row in rust["type info"]]


@pytest.mark.tool(RUST, "metadata, keys, type info, server facts")
def test_keys_are_read(rust: Outcomes) -> None:
    assert [row[3:5] for row in rust["primary key"]] == [["number", "1"], ["country", "2"]]
    for scenario in ("imported keys", "exported keys", "cross reference"):
        told = [[row[3], row[7], row[8]] for row in rust[scenario]]
        assert told == [["number", "account", "1"], ["country", "country", "2"]]


def test_the_nodes_met_no_defect(rust: Outcomes) -> None:
    assert rust.exit_code == 0
    assert "] defect" not in rust.log
