"""What happened to a node, as far as it is remembered."""

from flightkeeper.flight_server.system.events import EVENTS_MAX, Event, Events, What
from tests.flight_server.wire_client import Clock


def test_they_are_remembered_with_their_time() -> None:
    clock = Clock(5)
    events = Events(clock)
    events.record(What.STARTED)
    clock.now_s = 6
    events.record(What.NODE_LEFT, "n2", "detail")
    assert events.all() == (
        Event(5, What.STARTED, "", ""),
        Event(6, What.NODE_LEFT, "n2", "detail"),
    )


def test_only_the_newest_are_and_none_is_long() -> None:
    events = Events(Clock())
    for number in range(EVENTS_MAX + 10):
        events.record(What.STATEMENT_KILLED, str(number), "x" * 100)
    assert len(events.all()) == EVENTS_MAX
    assert events.all()[0].subject == "10"
    for _ in range(EVENTS_MAX):
        events.record(What.DRAINING, "", "x" * 10_000)
    assert {len(event.detail) for event in events.all()} == {500}
    assert len(events.all()) < EVENTS_MAX
