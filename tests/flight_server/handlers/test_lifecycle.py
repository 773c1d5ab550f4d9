"""Cancelling executions by their FlightInfo, and the probe."""

import threading

import pyarrow as pa
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from pyarrow import flight

from flightkeeper.discovery.records import decode
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.messages import pack, unpack
from flightkeeper.flightsql.wire import flight_pb2 as core
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.flight_server.wire_client import Clock, Served, WireClient, eventually, serving

_MANY = "FROM range(100000000)"


def cancel(client: WireClient, info: flight.FlightInfo) -> int:
    request = core.CancelFlightInfoRequest(info=core.FlightInfo.FromString(info.serialize()))
    (answer,) = client.action("CancelFlightInfo", request)
    return core.CancelFlightInfoResult.FromString(answer).status


def test_a_waiting_result_is_dropped(served: Served, client: WireClient) -> None:
    info = client.plan(_MANY)
    assert served.running == 1
    assert cancel(client, info) == core.CANCEL_STATUS_CANCELLED
    assert served.running == 0
    with pytest.raises(KeyError, match="no such execution is waiting or running"):
        cancel(client, info)


def test_a_stream_is_stopped(served: Served, client: WireClient) -> None:
    info = client.plan(_MANY)
    stream = client.get(info.endpoints[0].ticket)
    stream.read_chunk()
    assert cancel(client, info) == core.CANCEL_STATUS_CANCELLED
    with pytest.raises(flight.FlightError, match=r"Interrupted|dropped"):
        stream.read_all()
    eventually(lambda: served.running == 0)


def test_the_older_action_does_the_same(served: Served, client: WireClient) -> None:
    info = client.plan(_MANY)
    answer = client.act(sql.ActionCancelQueryRequest(info=info.serialize()))
    assert isinstance(answer, sql.ActionCancelQueryResult)
    assert answer.result == sql.ActionCancelQueryResult.CANCEL_RESULT_CANCELLED
    assert served.running == 0


def test_what_took_effect_is_not_cancelled(client: WireClient) -> None:
    info = client.plan("CREATE TABLE IF NOT EXISTS lasting AS SELECT 1 AS a")
    assert cancel(client, info) == core.CANCEL_STATUS_NOT_CANCELLABLE
    answer = client.act(sql.ActionCancelQueryRequest(info=info.serialize()))
    assert isinstance(answer, sql.ActionCancelQueryResult)
    assert answer.result == sql.ActionCancelQueryResult.CANCEL_RESULT_NOT_CANCELLABLE
    assert client.fetch(info).column_names == ["Count"]


def test_a_read_that_runs_again_is_cancelled_in_its_first_batch() -> None:
    clock = Clock()
    endless = "SELECT count(*) FROM n a, n b, n c WHERE hash(a.i, b.i, c.i) % 7 = 9"
    with serving(Clocks(monotonic_s=clock)) as served, served.client() as client:
        client.update("CREATE TABLE n AS SELECT 1 AS i")
        info = client.plan(endless)
        client.update("INSERT INTO n FROM range(100000)")
        clock.now_s += 11
        eventually(lambda: not served.node._executions._reads)

        def stop() -> None:
            with served.client() as other:
                eventually(lambda: served.running == 1)
                assert cancel(other, info) == core.CANCEL_STATUS_CANCELLED

        stopping = threading.Thread(target=stop)
        stopping.start()
        with pytest.raises(flight.FlightCancelledError):
            client.fetch(info)
        stopping.join(30)
        eventually(lambda: served.running == 0)


def cancel_own(client: WireClient, statement_id: str) -> None:
    body = StringValue(value=statement_id)
    assert client.action(headers.CANCEL_ACTION, body) == []


def test_a_caller_ends_its_statement_by_its_own_id(served: Served) -> None:
    def known() -> bool:
        # It has a slot a moment before it is known under its id.
        return any(r.client_id == "mine" for r in served.node._system.activity.running())

    def stop() -> None:
        with served.client(user="eve") as eve, served.client(user="ada") as other:
            eventually(known)
            # Not somebody else's, and not one that is not there.
            cancel_own(eve, "mine")
            cancel_own(other, "other")
            cancel_own(other, "")
            assert served.running == 1
            cancel_own(other, "mine")

    stopping = threading.Thread(target=stop)
    stopping.start()
    with served.client(user="ada") as ada:
        ada.extra_headers[headers.STATEMENT_ID] = "mine"
        with pytest.raises(flight.FlightCancelledError):
            ada.query("SELECT count(*) FROM range(1000000000000)")
    stopping.join(30)
    eventually(lambda: served.running == 0)


def test_what_waits_to_be_fetched_is_ended_too(served: Served, client: WireClient) -> None:
    client.extra_headers[headers.STATEMENT_ID] = "waiting" * 20
    client.plan(_MANY)
    assert served.running == 1
    cancel_own(client, "waiting" * 20)
    eventually(lambda: served.running == 0)


def test_another_user_cannot_cancel(served: Served, client: WireClient) -> None:
    info = client.plan(_MANY)
    with served.client(user="eve") as eve, pytest.raises(KeyError, match="issued to another user"):
        cancel(eve, info)
    assert served.running == 1
    cancel(client, info)


def test_what_cannot_be_cancelled_is_refused(client: WireClient) -> None:
    with pytest.raises(KeyError, match="not the ticket of a statement"):
        cancel(client, client.info(sql.CommandGetCatalogs()))
    with pytest.raises(KeyError, match="no such execution"):
        client.action("CancelFlightInfo", core.CancelFlightInfoRequest())
    forged = core.FlightInfo()
    forged.endpoint.add().ticket.ticket = pack(sql.TicketStatementQuery(statement_handle=b"x"))
    with pytest.raises(pa.ArrowInvalid, match="not a statement handle"):
        client.action("CancelFlightInfo", core.CancelFlightInfoRequest(info=forged))
    with pytest.raises(pa.ArrowInvalid, match="not a FlightInfo message"):
        client.act(sql.ActionCancelQueryRequest(info=b"\xff"))
    assert unpack(pack(sql.CommandGetCatalogs())) == sql.CommandGetCatalogs()


def renew(client: WireClient, endpoint: core.FlightEndpoint) -> core.FlightEndpoint:
    (answer,) = client.action(
        "RenewFlightEndpoint", core.RenewFlightEndpointRequest(endpoint=endpoint)
    )
    return core.FlightEndpoint.FromString(answer)


@pytest.mark.parametrize("text", ["SELECT 1 AS a", "CREATE TABLE renewed AS SELECT 1 AS a"])
def test_an_endpoint_is_renewed(text: str) -> None:
    wall = Clock()
    with serving(Clocks(wall_s=wall)) as node, node.client() as client:
        info = core.FlightInfo.FromString(client.plan(text).serialize())
        (endpoint,) = info.endpoint
        endpoint.location.add().uri = "grpc://elsewhere:1"
        wall.now_s += 100
        renewed = renew(client, endpoint)
        assert renewed.expiration_time.seconds == endpoint.expiration_time.seconds + 100
        assert list(renewed.location) == list(endpoint.location)
        assert client.get(renewed.ticket.ticket).read_all().column_names


def test_a_ticket_that_expired_is_told_so() -> None:
    wall = Clock()
    with serving(Clocks(wall_s=wall), token_lifetime_s=100_000) as node, node.client() as client:
        info = client.plan("SELECT 1")
        wall.now_s += 3600
        assert client.fetch(info).num_rows == 1
        wall.now_s += 1
        with pytest.raises(KeyError, match="this ticket has expired; plan the statement again"):
            client.fetch(info)
        with pytest.raises(KeyError, match="has expired"):
            renew(client, core.FlightInfo.FromString(info.serialize()).endpoint[0])


def test_the_answer_of_a_change_is_fetched_until_it_is_no_longer_kept() -> None:
    monotonic, wall = Clock(), Clock()
    with serving(Clocks(wall_s=wall, monotonic_s=monotonic)) as node, node.client() as client:
        info = client.plan("CREATE TABLE t AS SELECT 1 AS a")
        for _ in range(3):
            assert client.fetch(info).num_rows in (0, 1)
        endpoint = core.FlightInfo.FromString(info.serialize()).endpoint[0]
        monotonic.now_s += 301
        eventually(lambda: not node.node._executions._writes)
        with pytest.raises(KeyError, match="cannot be renewed"):
            renew(client, endpoint)
        with pytest.raises(KeyError, match="took effect when it was planned"):
            client.fetch(info)


def test_a_probe_answers_with_the_record(served: Served, client: WireClient) -> None:
    (answer,) = client.action(headers.PROBE_ACTION, b"")
    assert decode(answer).location == served.location


def test_a_probe_fails_when_the_engine_does(
    served: Served, client: WireClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Connection, sql_text: str) -> None:
        del self, sql_text
        raise EngineFailed("IO Error: disk gone")

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "command", broken)
        with pytest.raises(flight.FlightServerError, match="disk gone"):
            client.action(headers.PROBE_ACTION, b"")
    assert len(client.action(headers.PROBE_ACTION, b"")) == 1
    assert served.running == 0


def test_probes_and_statements_do_not_disturb_each_other(served: Served) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with served.client(user=f"user {number}") as client:
                for _ in range(20):
                    client.action(headers.PROBE_ACTION, b"")
                    assert client.value("SELECT 1") == 1
        except BaseException as exc:  # noqa: BLE001  reported below
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
