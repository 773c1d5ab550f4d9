"""Two Flight SQL clients for Node.js: one on Rust with tonic's limits, one on grpc-js."""

import pytest

from tests.conformance.foreign.programs import Outcomes, leaks

LAKEHOUSE = "@lakehouse-rs/flight-sql-client"
GIZMOSQL = "@gizmodata/gizmosql-client"
BARE = "the client sends these without the wrapping that Flight SQL asks for"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("node"),
    pytest.mark.timeout(600),
]

MILLION = [1_000_000, 1_000_000 * 999_999 // 2]


@pytest.mark.tool(LAKEHOUSE, "login by password or token")
@pytest.mark.parametrize("how", ["password", "token"])
def test_lakehouse_logs_in(node: Outcomes, how: str) -> None:
    assert node[f"lakehouse: login by {how}"] == [[42]]


@pytest.mark.tool(LAKEHOUSE, "queries")
def test_lakehouse_queries(node: Outcomes) -> None:
    assert node["lakehouse: query"] == [[1, "zwölf"], [2, None]]
    assert node["lakehouse: empty result"] == {"columns": ["a", "b"], "rows": []}
    assert node["lakehouse: many at once"] == list(range(16))


@pytest.mark.tool(LAKEHOUSE, "big results within its 4 MiB a message")
def test_lakehouse_reads_much_and_wide(node: Outcomes) -> None:
    assert node["lakehouse: big result"] == MILLION
    assert node["lakehouse: wide rows"] == [1_000_000] * 20


@pytest.mark.tool(LAKEHOUSE, "changes sent as queries")
def test_lakehouse_changes_data(node: Outcomes) -> None:
    assert node["lakehouse: changes"] == {"changed": [[2]], "stored": [[2]]}


@pytest.mark.tool(LAKEHOUSE, "metadata")
def test_lakehouse_reads_metadata(node: Outcomes) -> None:
    assert ["memory"] in node["lakehouse: catalogs"]
    assert node["lakehouse: schemas"] == [["memory", "main"]]
    assert node["lakehouse: tables"] == [["memory", "main", "lakehouse_things", "TABLE"]]
    assert node["lakehouse: tables with schema"] == ["a: Int32"]


@pytest.mark.tool(LAKEHOUSE, "going on after an error")
def test_lakehouse_goes_on_after_an_error(node: Outcomes) -> None:
    assert "failed to prepare" in node["lakehouse: error"]
    assert node["lakehouse: works after errors"] == [[1]]


@pytest.mark.tool(GIZMOSQL, "login by password or token")
@pytest.mark.parametrize("how", ["password", "token"])
def test_gizmosql_logs_in(node: Outcomes, how: str) -> None:
    assert node[f"gizmosql: login by {how}"] == [[42]]


@pytest.mark.tool(GIZMOSQL, "login by password or token")
def test_gizmosql_hears_why_it_is_refused(node: Outcomes) -> None:
    assert "unknown user or wrong password" in node["gizmosql: wrong password"]
    assert node["gizmosql: no login for a web sign-on"] is None


@pytest.mark.tool(GIZMOSQL, "queries")
def test_gizmosql_queries(node: Outcomes) -> None:
    assert node["gizmosql: query"] == [[1, "zwölf"], [2, None]]
    assert node["gizmosql: types"] == [[True, 7, 2.5, [1, 2], {"a": 1}, "00ff", None]]
    assert node["gizmosql: empty result"] == {"columns": ["a", "b"], "rows": []}
    assert node["gizmosql: many at once"] == list(range(16))


@pytest.mark.tool(GIZMOSQL, "big results")
def test_gizmosql_reads_much_and_wide(node: Outcomes) -> None:
    assert node["gizmosql: big result"] == MILLION
    assert node["gizmosql: wide rows"] == [1_000_000] * 20


@pytest.mark.tool(GIZMOSQL, "changes sent as queries")
def test_gizmosql_changes_data(node: Outcomes) -> None:
    assert node["gizmosql: changes"] == {"changed": [[2]], "returned": [[3]], "stored": [[3]]}


@pytest.mark.tool(GIZMOSQL, "metadata and server facts")
def test_gizmosql_reads_metadata(node: Outcomes) -> None:
    assert "memory" in node["gizmosql: catalogs"]
    assert {"catalog": "memory", "schema": "main"} in node["gizmosql: schemas"]
    assert node["gizmosql: tables"] == [
        {
            "catalog": "memory",
            "schema": "main",
            "tableName": "gizmosql_things",
            "tableType": "TABLE",
        }
    ]
    assert {"TABLE", "VIEW"} <= set(node["gizmosql: table types"])


@pytest.mark.tool(GIZMOSQL, "metadata and server facts")
def test_gizmosql_reads_server_facts(node: Outcomes) -> None:
    facts = node["gizmosql: server facts"]
    assert (facts["0"], facts["8"]) == ("Flightkeeper", 1)
    assert facts["1"].startswith("duckdb v")
    assert node["gizmosql: all server facts"] is True


@pytest.mark.tool(GIZMOSQL, "errors, late ones too")
@pytest.mark.parametrize(("scenario", "text"), [("error", "nowhere"), ("late error", "too late")])
def test_gizmosql_hears_what_the_engine_said(node: Outcomes, scenario: str, text: str) -> None:
    told = node[f"gizmosql: {scenario}"]
    assert text in told
    assert not leaks(told)
    assert node["gizmosql: works after errors"] == [[1]]


@pytest.mark.tool(GIZMOSQL, "session state and CloseSession")
def test_gizmosql_keeps_a_session(node: Outcomes) -> None:
    assert node["gizmosql: session state"] == [[42]]


@pytest.mark.tool(GIZMOSQL, "prepared statements, query schemas, keys", limit=BARE)
def test_gizmosql_hears_that_bare_commands_are_not_understood(node: Outcomes) -> None:
    told = node["gizmosql: commands without wrapping"]
    assert "serialization failure" in told["prepare"]
    assert "not a Flight SQL message" in told["schema"]
    assert "not a Flight SQL message" in told["primary keys"]


def test_the_nodes_met_no_defect(node: Outcomes) -> None:
    assert node.exit_code == 0
    assert "] defect" not in node.log
