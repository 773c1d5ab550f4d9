"""Callers without a login: one session for each of their connections, and not for ever."""

import base64
import json

import pytest

from flightkeeper.client.gateway import anonymous
from flightkeeper.client.gateway.anonymous import IDLE_S, Anonymous
from tests.flight_server.wire_client import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def callers(clock: Clock) -> Anonymous:
    return Anonymous(clock)


def bearer(clock: Clock, good_s: float, pin: str = "") -> str:
    claims = {"sid": "s", "exp": clock.now_s + good_s, "pin": pin}
    return f"Bearer h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()}.t"


def known(callers: Anonymous, peer: str) -> str:
    """What is known of a connection, or "again" if it has to log in."""
    return callers.token(peer, lambda: "") or "again"


def test_a_connection_logs_in_once(callers: Anonymous) -> None:
    logins = iter(["Bearer 1", "Bearer 2"])
    found = [callers.token(peer, lambda: next(logins)) for peer in ("a", "b", "a", "b")]
    assert found == ["Bearer 1", "Bearer 2", "Bearer 1", "Bearer 2"]


def test_calls_that_log_in_at_once_share_a_session(callers: Anonymous) -> None:
    def log_in() -> str:
        assert callers.token("a", lambda: "Bearer first") == "Bearer first"
        return "Bearer second"

    assert callers.token("a", log_in) == "Bearer first"


def test_a_newer_token_is_used_from_then_on(callers: Anonymous) -> None:
    callers.note("a", "Bearer pinned")
    assert known(callers, "a") == "Bearer pinned"


def test_a_refused_login_is_tried_again(callers: Anonymous) -> None:
    assert callers.token("a", lambda: "") == ""
    assert callers.token("a", lambda: "Bearer 1") == "Bearer 1"


def test_the_longest_unused_is_forgotten_first(
    callers: Anonymous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anonymous, "REMEMBERED_MAX", 2)
    for peer in "ab":
        callers.note(peer, f"Bearer {peer}")
    assert known(callers, "a") == "Bearer a"
    callers.note("c", "Bearer c")
    assert [known(callers, peer) for peer in "abc"] == ["Bearer a", "again", "Bearer c"]


def test_a_connection_that_left_nothing_is_forgotten_soon(callers: Anonymous, clock: Clock) -> None:
    callers.note("a", bearer(clock, 3600))
    for _ in range(3):
        clock.now_s += IDLE_S - 1
        assert known(callers, "a") != "again"
    clock.now_s += IDLE_S
    # The address may be somebody else's by now.
    assert known(callers, "a") == "again"


def test_what_was_left_on_a_node_is_found_for_as_long_as_the_login_is_good(
    callers: Anonymous, clock: Clock
) -> None:
    callers.note("a", bearer(clock, 3600, pin="life"))
    clock.now_s += 3599
    assert known(callers, "a") != "again"
    clock.now_s += 1
    # The node would refuse it, and this caller cannot log in again.
    assert known(callers, "a") == "again"


def test_a_login_that_is_good_for_less_is_kept_for_less(callers: Anonymous, clock: Clock) -> None:
    callers.note("a", bearer(clock, 60))
    clock.now_s += 60
    assert known(callers, "a") == "again"


def test_those_who_are_gone_take_no_room(callers: Anonymous, clock: Clock) -> None:
    for number in range(100):
        callers.note(f"peer-{number}", bearer(clock, 3600))
    clock.now_s += IDLE_S
    callers.note("a", bearer(clock, 3600))
    assert list(callers._kept) == ["a"]
    # Its clock is behind, and says so; nothing is kept of it.
    callers.note("a", bearer(clock, -1))
    assert list(callers._kept) == []


def test_a_login_that_was_refused_is_forgotten(callers: Anonymous) -> None:
    callers.note("a", "Bearer 1")
    callers.forget("a")
    callers.forget("a")
    assert known(callers, "a") == "again"
