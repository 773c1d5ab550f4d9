"""A call as handlers see it: who, with which wishes, and what runs when it is over."""

from typing import Any

import pytest

from flightkeeper.flight_server.auth.middleware import MIDDLEWARE, CallMiddleware
from flightkeeper.flight_server.auth.tokens import Identity
from flightkeeper.flight_server.call import Call, call_of
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.cancellation import CancelWatcher
from tests.flight_server.wire_client import eventually


class Context:
    """What gRPC gives a handler, as far as a call looks at it."""

    def __init__(self, middleware: object) -> None:
        self.middleware = middleware
        self.gone = False
        self.sent: list[tuple[str, str]] = []

    def get_middleware(self, key: str) -> object:
        assert key == MIDDLEWARE
        return self.middleware

    def is_cancelled(self) -> bool:
        return self.gone

    def peer(self) -> str:
        return "ipv4:127.0.0.1:5"

    def add_header(self, name: str, value: str) -> None:
        self.sent.append((name, value))


def made(session_id: str = "s", **asked: str) -> tuple[Call, Context]:
    identity = Identity("ada", session_id, 0.0)
    wishes: Any = {name: [value] for name, value in asked.items()}
    context: Any = Context(CallMiddleware(identity, None, wishes))
    watcher = CancelWatcher()
    call = call_of(context, watcher)
    call.at_end(watcher.close)
    return call, context


def test_a_session_goes_by_its_token_or_by_its_connection() -> None:
    for session_id, key in (("s", "s"), ("", "peer ipv4:127.0.0.1:5")):
        call, _ = made(session_id)
        assert call.session_key == key
        call.middleware.call_completed(None)


@pytest.mark.parametrize(("asked", "wanted"), [({}, False), ({headers.READ_ONLY: "1"}, True)])
def test_wishes(asked: dict[str, str], *, wanted: bool) -> None:
    call, context = made(**asked)
    assert call.read_only is wanted
    assert call.identity.principal == "ada"
    call.answer_header("name", "value")
    assert context.sent == [("name", "value")]
    call.middleware.call_completed(None)


def test_it_is_stopped_when_the_caller_goes_and_forgotten_when_it_ends() -> None:
    call, context = made()
    stops: list[int] = []
    call.stop_when_over(lambda: stops.append(1))
    assert not call.cancelled
    context.gone = True
    assert call.cancelled
    eventually(lambda: bool(stops))
    call.middleware.call_completed(None)
    assert not call.watcher._calls
    assert not call.watcher._thread.is_alive()


def test_what_was_left_last_runs_first() -> None:
    call, _ = made()
    ran: list[str] = []
    call.at_end(lambda: ran.append("first"))
    call.at_end(lambda: ran.append("second"))
    call.middleware.call_completed(None)
    assert ran == ["second", "first"]


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ({}, False),
        ({headers.SENT_BEFORE: "0"}, False),
        ({headers.STATEMENT_ID: "a"}, True),
        ({headers.STATEMENT_ID: "a", headers.SENT_BEFORE: "1"}, True),
        ({headers.STATEMENT_ID: "a", headers.SENT_BEFORE: "0"}, False),
    ],
)
def test_what_has_an_id_and_is_not_said_to_be_new_may_be_known(
    asked: dict[str, str], *, known: bool
) -> None:
    call, _ = made(**asked)
    assert call.may_be_known is known
    call.middleware.call_completed(None)
