"""Logins at the entrance, and what is due at the end of a call."""

from collections.abc import Sequence
from typing import Any

import pytest
from pyarrow import flight

from flightkeeper.client.gateway.middleware import Entrance, Passing
from flightkeeper.client.gateway.passing import Pair
from flightkeeper.flightsql import headers


class Info:
    """What pyarrow says of a call."""

    def __init__(self, method: flight.FlightMethod) -> None:
        self.method = method


def entrance(asked: list[Any]) -> Entrance:
    def log_in(user: str, password: str) -> str:
        asked.append((user, password))
        return "Bearer new"

    def show(sent: Sequence[Pair]) -> str:
        asked.append([value for name, value in sent if name == "authorization"])
        return ""

    return Entrance(log_in, show)


def arrive(authorization: str, method: flight.FlightMethod) -> tuple[Passing, list[Any]]:
    asked: list[Any] = []
    info: Any = Info(method)
    return entrance(asked).start_call(info, {"authorization": [authorization]}), asked


@pytest.mark.parametrize("credentials", ["YWRhOmE6Yg==", "YWRhOmE6Yg"])
def test_a_login_is_asked_for_at_a_node(credentials: str) -> None:
    passing, asked = arrive(f"Basic {credentials}", flight.FlightMethod.HANDSHAKE)
    assert asked == [("ada", "a:b")]
    assert passing.sending_headers() == {"authorization": ["Bearer new"]}


def test_a_token_is_shown_to_a_node() -> None:
    passing, asked = arrive("Bearer old", flight.FlightMethod.HANDSHAKE)
    assert asked == [["Bearer old"]]
    assert passing.sending_headers() == {}


def test_credentials_that_are_none_are_refused_here() -> None:
    with pytest.raises(flight.FlightUnauthenticatedError, match="not base64"):
        arrive("Basic !!", flight.FlightMethod.HANDSHAKE)


@pytest.mark.parametrize("authorization", ["Basic YWRhOmE6Yg==", "Bearer x", ""])
def test_other_calls_are_only_taken_down(authorization: str) -> None:
    passing, asked = arrive(authorization, flight.FlightMethod.DO_GET)
    assert asked == []
    assert passing.sent == [("authorization", authorization), (headers.FORWARDED_FOR, "")]


def test_what_is_due_at_the_end_is_done_once() -> None:
    passing, _ = arrive("", flight.FlightMethod.DO_GET)
    done: list[int] = []
    passing.at_end += [lambda: done.append(1), lambda: done.append(2)]
    passing.call_completed(None)
    passing.call_completed(None)
    assert done == [2, 1]
