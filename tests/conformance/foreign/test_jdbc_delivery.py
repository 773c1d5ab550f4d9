"""The Arrow Flight SQL JDBC driver: big results, other places, threads, pools, the end."""

import pytest

from tests.conformance.foreign.programs import Outcomes

JDBC = "Arrow Flight SQL JDBC"
HIKARI = "HikariCP"
NO_CODECS = "the driver has no codecs; leave the node's compression at none for it"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.xdist_group("java"),
    pytest.mark.timeout(600),
]


def total(rows: int) -> list[int]:
    """Count and sum of the numbers below `rows`."""
    return [rows, rows * (rows - 1) // 2]


@pytest.mark.tool(JDBC, "big results")
def test_a_million_rows_arrive(java: Outcomes) -> None:
    assert java["a million rows"] == total(1_000_000)


@pytest.mark.tool(JDBC, "big results")
def test_wide_rows_arrive(java: Outcomes) -> None:
    assert java["wide rows"] == [3_000_000] * 4


@pytest.mark.tool(JDBC, "several endpoints in one result")
def test_every_endpoint_is_read_once(java: Outcomes) -> None:
    assert java["several endpoints"] == total(1_000_000)


@pytest.mark.tool(JDBC, "several endpoints in one result")
def test_an_ordered_result_stays_ordered(java: Outcomes) -> None:
    assert java["ordered despite endpoints"] == {"ordered": True, "last": 0}


@pytest.mark.tool(JDBC, "compressed results", limit=NO_CODECS)
@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_a_compressed_result_is_refused_by_the_driver(java: Outcomes, codec: str) -> None:
    assert "Please add arrow-compression module" in java[f"compression {codec}"]["message"]


@pytest.mark.tool(JDBC, "results elsewhere: several locations, the first one dead")
def test_a_dead_location_is_passed_over(java: Outcomes) -> None:
    assert java["first location dead"] == total(100_000)
    assert java["prepared elsewhere"] == [["from elsewhere"]]


@pytest.mark.tool(JDBC, "threads")
@pytest.mark.parametrize(
    "scenario", ["connections on eight threads", "one connection on eight threads"]
)
def test_eight_threads_get_their_own_answers(java: Outcomes, scenario: str) -> None:
    rows, numbers = total(20_000)
    assert java[scenario] == [[rows, numbers + rows * thread] for thread in range(8)]


@pytest.mark.tool(JDBC, "cancelling")
def test_cancelling_from_another_thread_stops_the_engine(java: Outcomes) -> None:
    told = java["cancel from another thread"]
    assert "cancel" in told["error"]["message"].lower()
    assert told["idle"]
    assert told["works afterwards"] == [[1]]


@pytest.mark.tool(JDBC, "cancelling")
def test_closing_a_running_result_stops_the_engine(java: Outcomes) -> None:
    told = java["close while running"]
    assert told["idle"]
    assert told["works afterwards"] == [[1]]


@pytest.mark.tool(JDBC, "setQueryTimeout")
def test_a_query_timeout_lets_a_quick_query_through(java: Outcomes) -> None:
    assert java["query timeout"] == {"set": 30, "rows": [[1]]}


@pytest.mark.tool(JDBC, "statement timeout as a URL property")
def test_a_statement_timeout_stops_the_engine(java: Outcomes) -> None:
    told = java["statement timeout property"]
    assert "time limit of 500 ms" in told["error"]["message"]
    assert told["idle"]
    assert told["works afterwards"] == [[1]]


@pytest.mark.tool(HIKARI, "lending connections of the JDBC driver")
def test_a_pool_lends_its_connections_again_after_errors(java: Outcomes) -> None:
    assert java["connection pool"] == {"answers": list(range(10)), "open": 2}
