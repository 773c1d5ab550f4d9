"""Results in several parts: exact, of one version of the data, and redeemable on any node."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.flight_server.engine import partitions as engine_partitions
from flightkeeper.flightsql.messages import unpack
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving

_ROWS = 2_000_000
_BIG = f"""
    CREATE TABLE big AS
    SELECT i AS a, i * 7 % 1000003 AS b, i * 0.5 AS c FROM range({_ROWS}) t(i)"""
_WHOLE = "FROM big"
ENDPOINTS = "x-flightkeeper-endpoints"
_EARLIER = 11.0
"""Seconds after which a result that waits is dropped."""


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def served(clock: Clock) -> Iterator[Served]:
    with serving(clock.clocks) as node:
        with node.client() as client:
            client.update(_BIG)
        yield node


@pytest.fixture(autouse=True)
def nothing_is_left(served: Served) -> Iterator[None]:
    yield
    eventually(lambda: served.running == 0)
    assert not any(connection.working for connection in served.node._database._idle)


@contextmanager
def asking(client: WireClient, endpoints: int) -> Iterator[WireClient]:
    client.extra_headers[ENDPOINTS] = str(endpoints)
    yield client
    del client.extra_headers[ENDPOINTS]


def parts_of(client: WireClient, info: flight.FlightInfo) -> list[pa.Table]:
    return [client.get(endpoint.ticket).read_all() for endpoint in info.endpoints]


def forget(served: Served, clock: Clock) -> None:
    """Let results that wait be dropped."""
    clock.now_s += _EARLIER
    eventually(lambda: not served.node._executions._reads)


@pytest.mark.parametrize("endpoints", [2, 4, 16])
def test_the_parts_are_the_whole(client: WireClient, endpoints: int) -> None:
    whole = client.query(_WHOLE)
    with asking(client, endpoints):
        info = client.plan(_WHOLE)
    assert len(info.endpoints) == endpoints
    assert not info.ordered
    parts = parts_of(client, info)
    assert all(part.schema.equals(info.schema, check_metadata=True) for part in parts)
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())


def test_it_is_one_endpoint_unless_more_are_wanted(client: WireClient) -> None:
    info = client.plan(_WHOLE)
    assert (len(info.endpoints), info.ordered) == (1, False)
    client.get(info.endpoints[0].ticket).cancel()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM big ORDER BY b",
        "SELECT a FROM big LIMIT 1000000",
        "SELECT b, count(*) FROM big GROUP BY b",
        "SELECT random() FROM big",
        "FROM range(1000000)",
        "SELECT 1; FROM big",
    ],
)
def test_what_cannot_be_divided_is_one_endpoint(client: WireClient, text: str) -> None:
    with asking(client, 4):
        info = client.plan(text)
    assert len(info.endpoints) == 1
    assert info.ordered is ("ORDER" in text)
    assert parts_of(client, info)[0].num_rows > 0


def test_a_text_can_ask_for_parts(client: WireClient) -> None:
    client.update("SET endpoints = 4")
    info = client.plan(_WHOLE)
    assert len(info.endpoints) == 4
    cancel(client, info)


def test_a_session_can_want_parts(client: WireClient) -> None:
    value = core.SessionOptionValue(int64_value=4)
    request = core.SetSessionOptionsRequest(session_options={"endpoints": value})
    client.action("SetSessionOptions", request)
    info = client.plan(_WHOLE)
    assert len(info.endpoints) == 4
    cancel(client, info)


def test_small_answers_are_one_endpoint_and_known(client: WireClient) -> None:
    with asking(client, 4):
        for text, rows in (("FROM big WHERE a = 7", 1), ("FROM big WHERE a < 0", 0)):
            info = client.plan(text)
            assert (len(info.endpoints), info.total_records) == (1, rows)
            assert client.fetch(info).num_rows == rows


def test_parts_without_rows_are_left_out(client: WireClient) -> None:
    with asking(client, 4):
        info = client.plan(f"FROM big WHERE a >= {_ROWS // 2}")
    assert len(info.endpoints) == 2
    assert sum(part.num_rows for part in parts_of(client, info)) == _ROWS // 2


def test_prepared_statements_have_parts_unless_they_have_parameters(client: WireClient) -> None:
    client.update("CREATE OR REPLACE TABLE small AS SELECT i AS a FROM range(300000) t(i)")
    whole = client.prepare("FROM small").prepared_statement_handle
    bound = client.prepare("FROM small WHERE a >= ?").prepared_statement_handle
    bound = client.bind(bound, pa.table({"0": [0]}))
    with asking(client, 4):
        for handle, endpoints in ((whole, 2), (bound, 1)):
            info = client.info(sql.CommandPreparedStatementQuery(prepared_statement_handle=handle))
            assert len(info.endpoints) == endpoints
            assert sum(part.num_rows for part in parts_of(client, info)) == 300_000


def test_other_dialects_have_parts(client: WireClient) -> None:
    client.extra_headers["x-flightkeeper-dialect"] = "mysql"
    with asking(client, 4):
        info = client.plan("SELECT `a` FROM `big` WHERE `a` >= 0")
    assert len(info.endpoints) == 4
    assert sum(part.num_rows for part in parts_of(client, info)) == _ROWS


def test_transactions_and_sessions_with_state_have_one_endpoint(client: WireClient) -> None:
    transaction = client.begin()
    with asking(client, 4):
        info = client.plan(_WHOLE, transaction)
        assert len(info.endpoints) == 1
        assert client.fetch(info).num_rows == _ROWS
        client.end(transaction)
        client.update(f"CREATE TEMP TABLE big AS SELECT i AS a FROM range({_ROWS // 2}) t(i)")
        info = client.plan(_WHOLE)
        assert len(info.endpoints) == 1
        assert client.fetch(info).num_rows == _ROWS // 2


def test_a_part_can_be_fetched_again(served: Served, client: WireClient, clock: Clock) -> None:
    with asking(client, 4):
        info = client.plan(_WHOLE)
    first = parts_of(client, info)
    again = parts_of(client, info)
    assert all(one.equals(other) for one, other in zip(first, again, strict=True))
    forget(served, clock)
    renewed = core.FlightEndpoint.FromString(info.endpoints[2].serialize())
    (answer,) = client.action(
        "RenewFlightEndpoint", core.RenewFlightEndpointRequest(endpoint=renewed)
    )
    ticket = core.FlightEndpoint.FromString(answer).ticket.ticket
    assert client.get(ticket).read_all().equals(first[2])


def test_parts_see_the_data_as_they_were_planned(client: WireClient) -> None:
    with asking(client, 4):
        info = client.plan(_WHOLE)
    client.update("DELETE FROM big WHERE a % 2 = 0")
    try:
        assert sum(part.num_rows for part in parts_of(client, info)) == _ROWS
        # What was taken is not here any more, and what is here now would not fit.
        with pytest.raises(pa.ArrowKeyError, match="run the statement again"):
            client.get(info.endpoints[1].ticket).read_all()
    finally:
        client.update("CREATE OR REPLACE TABLE big AS " + _BIG.partition(" AS\n")[2])


@pytest.mark.parametrize("text", ["CREATE TEMP TABLE big AS SELECT 1 AS a", "SET VARIABLE x = 1"])
def test_a_part_is_not_run_among_the_state_of_a_session(
    served: Served, client: WireClient, clock: Clock, text: str
) -> None:
    with asking(client, 4):
        info = client.plan(_WHOLE)
    client.update(text)
    forget(served, clock)
    with pytest.raises(pa.ArrowKeyError, match="run the statement again"):
        client.get(info.endpoints[1].ticket).read_all()


def test_a_failed_change_may_have_been_none(served: Served, client: WireClient) -> None:
    with asking(client, 4):
        info = client.plan(_WHOLE)
    with served.client(user="other") as other, pytest.raises(pa.ArrowInvalid, match="nowhere"):
        other.update("INSERT INTO nowhere VALUES (1)")
    parts_of(client, info)
    with pytest.raises(pa.ArrowKeyError, match="run the statement again"):
        client.get(info.endpoints[0].ticket).read_all()


def test_data_that_keep_changing_are_read_at_once(
    client: WireClient, monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    found: list[Any] = []

    def scan(*arguments: Any) -> Any:
        served.node._database.changes.begin()
        served.node._database.changes.end()
        found.append(engine_partitions.scan(*arguments))
        return found[-1]

    monkeypatch.setattr("flightkeeper.flight_server.handlers.partitions.partitions", Scanning(scan))
    with asking(client, 4):
        info = client.plan(_WHOLE)
    assert len(found) == 3
    assert len(info.endpoints) == 1
    assert client.fetch(info).num_rows == _ROWS


class Scanning:
    """The engine's module, with another way to look at a statement."""

    ranges = staticmethod(engine_partitions.ranges)

    def __init__(self, scan: Any) -> None:
        self.scan = scan


def test_while_something_is_written_it_is_one_endpoint(served: Served, client: WireClient) -> None:
    changes = served.node._database.changes
    changes.begin()
    with asking(client, 4):
        info = client.plan(_WHOLE)
    changes.end()
    assert len(info.endpoints) == 1
    assert client.fetch(info).num_rows == _ROWS


def cancel(client: WireClient, info: flight.FlightInfo) -> None:
    message = core.FlightInfo.FromString(info.serialize())
    client.action("CancelFlightInfo", core.CancelFlightInfoRequest(info=message))


def test_cancelling_stops_all_parts(served: Served, client: WireClient) -> None:
    with asking(client, 4):
        info = client.plan(_WHOLE)
    assert served.running == 4
    stream = client.get(info.endpoints[0].ticket)
    stream.read_chunk()
    cancel(client, info)
    eventually(lambda: served.running == 0)
    with pytest.raises(flight.FlightError):
        stream.read_all()


def test_an_error_in_one_part_is_told_when_it_is_planned(
    served: Served, client: WireClient
) -> None:
    with asking(client, 4), pytest.raises(pa.ArrowInvalid, match="Conversion"):
        client.plan("SELECT CAST(CASE WHEN a = 1500000 THEN 'x' ELSE '1' END AS INT) FROM big")
    assert served.running == 0


def test_a_full_node_starts_all_parts_or_none() -> None:
    with serving(statements_max=1) as node, node.client() as client:
        client.update(_BIG)
        with asking(client, 4):
            info = client.plan(_WHOLE)
            assert len(info.endpoints) == 4
            with pytest.raises(flight.FlightUnavailableError, match="nothing was run"):
                client.plan(_WHOLE)
        assert sum(part.num_rows for part in parts_of(client, info)) == _ROWS


def test_a_reader_of_all_parts_at_once_needs_no_thread_of_the_engine_for_each() -> None:
    with serving(threads=1) as node, node.client() as client, ExitStack() as streams:
        client.update(_BIG)
        with asking(client, 16):
            info = client.plan(_WHOLE)
        opened = [client.get(endpoint.ticket) for endpoint in info.endpoints]
        for stream in opened:
            streams.callback(stream.cancel)
        assert sum(stream.read_all().num_rows for stream in opened) == _ROWS


def _read_only(path: Path, key_file: Path) -> Any:
    return serving(database=str(path), read_only=True, key_file=key_file)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A database's file, and a copy of it."""
    paths = [tmp_path / name / "data.duckdb" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
    with duckdb.connect(str(paths[0])) as opened:
        opened.execute(_BIG)
    shutil.copy2(*paths)
    return paths


def test_any_node_that_has_the_file_serves_any_part(files: list[Path], key_file: Path) -> None:
    with (
        _read_only(files[0], key_file) as a,
        _read_only(files[1], key_file) as b,
        a.client() as planner,
        asking(planner, 2),
    ):
        info = planner.plan(_WHOLE)
        one, two = (endpoint.ticket for endpoint in info.endpoints)
        with b.stranger(planner.authorization) as other:
            parts = [planner.get(one).read_all(), other.get(two).read_all()]
            assert other.get(one).read_all().equals(parts[0])
        assert planner.get(two).read_all().equals(parts[1])
    assert pa.concat_tables(parts)["a"].to_pylist() == list(range(_ROWS))


def test_a_node_with_another_file_refuses_a_part(files: list[Path], key_file: Path) -> None:
    with duckdb.connect(str(files[1])) as opened:
        opened.execute("DELETE FROM big WHERE a % 2 = 0")
    with (
        _read_only(files[0], key_file) as a,
        _read_only(files[1], key_file) as b,
        a.client() as planner,
        asking(planner, 2),
    ):
        info = planner.plan(_WHOLE)
        with b.stranger(planner.authorization) as other:
            for endpoint in info.endpoints:
                with pytest.raises(pa.ArrowKeyError, match="run the statement again"):
                    other.get(endpoint.ticket).read_all()
        cancel(planner, info)


def test_a_node_that_can_write_serves_its_own_parts_only(key_file: Path) -> None:
    with (
        serving(key_file=key_file) as a,
        serving(key_file=key_file) as b,
        a.client() as planner,
        asking(planner, 2),
    ):
        planner.update(_BIG)
        info = planner.plan(_WHOLE)
        with b.stranger(planner.authorization) as other:
            other.update(_BIG)
            with pytest.raises(pa.ArrowKeyError, match="run the statement again"):
                other.get(info.endpoints[0].ticket).read_all()
        cancel(planner, info)


def test_a_ticket_says_which_data_it_is_for(client: WireClient) -> None:
    with asking(client, 2):
        info = client.plan(_WHOLE)
    tickets = [unpack(endpoint.ticket.ticket) for endpoint in info.endpoints]
    assert all(isinstance(ticket, sql.TicketStatementQuery) for ticket in tickets)
    assert len({ticket.SerializeToString() for ticket in tickets}) == 2
    cancel(client, info)
