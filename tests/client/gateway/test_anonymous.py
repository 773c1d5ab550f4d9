"""Callers without a login: one session for each of their connections."""

import pytest

from flightkeeper.client.gateway import anonymous
from flightkeeper.client.gateway.anonymous import Anonymous


def test_a_connection_logs_in_once() -> None:
    callers, logins = Anonymous(), iter(["Bearer 1", "Bearer 2"])
    found = [callers.token(peer, lambda: next(logins)) for peer in ("a", "b", "a", "b")]
    assert found == ["Bearer 1", "Bearer 2", "Bearer 1", "Bearer 2"]


def test_a_newer_token_is_used_from_then_on() -> None:
    callers = Anonymous()
    callers.note("a", "Bearer pinned")
    assert callers.token("a", lambda: "Bearer other") == "Bearer pinned"


def test_a_refused_login_is_tried_again() -> None:
    callers = Anonymous()
    assert callers.token("a", lambda: "") == ""
    assert callers.token("a", lambda: "Bearer 1") == "Bearer 1"


def test_the_oldest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anonymous, "REMEMBERED_MAX", 1)
    callers = Anonymous()
    for peer in "ab":
        callers.note(peer, f"Bearer {peer}")
    assert callers.token("a", lambda: "Bearer again") == "Bearer again"
