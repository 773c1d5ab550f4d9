"""Who calls a node: counted, bounded, and refused once they were ended."""

import pytest

from flightkeeper.flight_server.errors import Unauthenticated
from flightkeeper.flight_server.system import visitors
from flightkeeper.flight_server.system.visitors import Visitors
from tests.flight_server.system.callers import caller
from tests.flight_server.wire_client import Clock


def test_calls_of_a_session_are_counted() -> None:
    clock = Clock(10)
    known = Visitors(clock, 60)
    call = caller("ada", "s1", user_agent="ADBC Flight SQL")
    known.heard(call)
    clock.now_s = 12
    known.heard(call)
    known.heard(caller("bob", "s2"))
    ada, bob = known.all()
    assert (ada.principal, ada.since_s, ada.used_s, ada.calls) == ("ada", 10, 12, 2)
    assert (ada.peer, ada.user_agent) == ("ipv4:10.0.0.7:4711", "ADBC Flight SQL")
    assert (bob.session_id, bob.calls) == ("s2", 1)


def test_without_a_login_the_connection_is_the_session() -> None:
    known = Visitors(Clock(), 60)
    known.heard(caller("anonymous", ""))
    assert known.find("peer ipv4:10.0.0.7:4711") is not None


def test_who_said_goodbye_or_did_not_call_for_long_is_forgotten() -> None:
    clock = Clock(0)
    known = Visitors(clock, 60)
    for name in ("s1", "s2"):
        known.heard(caller(session_id=name))
    known.forget("s1")
    known.forget("s1")
    clock.now_s = 5
    known.heard(caller(session_id="s3"))
    clock.now_s = 11
    known.expire(idle_s=10)
    assert [visitor.session_id for visitor in known.all()] == ["s3"]


def test_an_ended_session_is_refused_for_as_long_as_its_login_may_live() -> None:
    clock = Clock(0)
    known = Visitors(clock, ended_for_s=60)
    known.heard(caller())
    assert known.end("s1", "bob") is True
    assert known.end("s9", "bob") is False
    for _ in range(3):
        clock.now_s += 50
        known.expire(1000)
        with pytest.raises(Unauthenticated, match="ended by bob; connect again"):
            known.heard(caller())
    known.heard(caller(session_id="s2"))
    clock.now_s += 61
    known.expire(1000)
    known.heard(caller())
    assert known.find("s1") is not None


def test_they_are_bounded_and_the_least_recently_heard_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "VISITORS_MAX", 10)
    monkeypatch.setattr(visitors, "_FORGOTTEN_AT_ONCE", 2)
    clock = Clock(0)
    known = Visitors(clock, 60)
    for number in range(10):
        clock.now_s = number
        known.heard(caller(session_id=f"s{number}"))
    clock.now_s = 100
    known.heard(caller(session_id="s0"))
    known.heard(caller(session_id="new"))
    names = {visitor.session_id for visitor in known.all()}
    assert names == {"s0", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "new"}
    for number in range(100):
        known.end(f"e{number}", "bob")
    assert len(known._ended) == 10
