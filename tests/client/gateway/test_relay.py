"""Calls whose clients go away are stopped where they run."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.client.gateway.passing import Pair
from flightkeeper.client.gateway.relay import Caller, Relay, Turn
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
from tests.client.gateway.conftest import Front
from tests.flight_server.wire_client import WireClient, eventually

_LONG = "SELECT count(*) FROM range(1000000000000) a, range(1000) b"


def plan(client: WireClient) -> None:
    client.info(sql.CommandStatementQuery(query=_LONG), timeout_s=0.5)


def update(client: WireClient) -> None:
    client.put(sql.CommandStatementUpdate(query=f"CREATE TABLE x AS {_LONG}"), timeout_s=0.5)


@pytest.mark.parametrize("call", [plan, update])
def test_a_statement_whose_client_is_gone_is_stopped(
    front: Front, call: Callable[[WireClient], None]
) -> None:
    with front.client() as client:
        with pytest.raises(flight.FlightTimedOutError):
            call(client)
        eventually(lambda: not any(node.running for node in front.nodes.values()))


@pytest.mark.parametrize("own", [(), ((headers.SENT_BEFORE, "0"),)])
def test_a_call_that_is_sent_again_says_so(own: tuple[Pair, ...]) -> None:
    sent = (("x-of-the-client", "1"), *own)
    first: Any = SimpleNamespace(sent_before=False)
    assert tuple(Turn(first, sent).sent) == sent
    again: Any = SimpleNamespace(sent_before=True)
    assert Turn(again, sent).sent == [sent[0], (headers.SENT_BEFORE, "1")]


def test_a_statement_without_an_id_gets_one_that_nobody_has_seen() -> None:
    context: Any = None
    told = dict(Caller(context, ()).sent)
    assert told[headers.STATEMENT_ID]
    assert told[headers.SENT_BEFORE] == "0"
    # Whoever gives one may have sent it before.
    own = ((headers.STATEMENT_ID, "mine"),)
    assert tuple(Caller(context, own).sent) == own


def test_a_reader_is_told_of_other_nodes_that_work(front: Front) -> None:
    relay = front.running._relay
    members = front.running._router.routes.topology.members
    one, other = (members[node_id].instance for node_id in ("n1", "n2"))
    assert list(relay.others(one)) == [other.location]
    assert relay.knows(one.incarnation)
    assert not relay.knows("another life")
    assert not relay.knows("")


def test_a_reader_is_not_sent_where_no_login_may_be_shown(front: Front) -> None:
    router = front.running._router
    one = router.routes.topology.members["n1"].instance
    attempts, pool = front.running._attempts, front.running._pool
    relay = Relay(router, pool, attempts, lambda location: location == one.location)
    assert list(relay.others(one)) == []
    relay.close()
