"""What nodes ask each other: only under the cluster's secret, and for a minute."""

import pytest

from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flightsql.tickets import ForgedHandle, Kind, Signer, TicketKey
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest
from tests.flight_server.wire_client import Clock

SIGNER = Signer(TicketKey(b"s" * 32))


def test_a_request_arrives_as_it_was_made_until_it_is_too_old() -> None:
    clock = Clock(1000)
    requests = Requests(SIGNER, clock)
    handle = requests.sign(PeerRequest(principal="ada", tables=["nodes"]))
    assert list(requests.open(handle).tables) == ["nodes"]
    clock.now_s += 59
    assert requests.open(handle).principal == "ada"
    clock.now_s += 2
    with pytest.raises(PermissionDenied, match="too old"):
        requests.open(handle)


def test_nobody_else_can_make_one() -> None:
    requests = Requests(SIGNER, Clock())
    request = PeerRequest(principal="ada", expires_ms=2**62)
    forged = [
        b"",
        Signer(TicketKey(b"x" * 32)).sign(Kind.PEER, request),
        SIGNER.sign(Kind.STATEMENT, request),
        requests.sign(request)[:-1],
    ]
    for handle in forged:
        with pytest.raises(ForgedHandle):
            requests.open(handle)
