"""Subscriptions."""

import threading

import pytest

from flightkeeper.discovery.subscription import Subscription
from flightkeeper.discovery.topology import Event, Unreachable

EVENT = Unreachable(0.0)


def test_it_calls_until_it_is_closed() -> None:
    heard: list[Event] = []
    forgotten: list[Subscription[Event]] = []
    subscription = Subscription(heard.append, forgotten.append)
    subscription.deliver(EVENT)
    subscription.close()
    subscription.close()
    subscription.deliver(EVENT)
    assert heard == [EVENT]
    assert forgotten == [subscription]


def test_close_waits_for_a_running_call() -> None:
    inside, leave = threading.Event(), threading.Event()
    order: list[str] = []

    def listen(_event: Event) -> None:
        inside.set()
        leave.wait(10)
        order.append("called")

    subscription = Subscription(listen, lambda _: order.append("closed"))
    caller = threading.Thread(target=subscription.deliver, args=(EVENT,))
    caller.start()
    inside.wait(10)
    closer = threading.Thread(target=subscription.close)
    closer.start()
    leave.set()
    caller.join(10)
    closer.join(10)
    assert order == ["called", "closed"]


def test_a_listener_may_close_its_own_subscription() -> None:
    heard: list[Event] = []

    def listen(event: Event) -> None:
        heard.append(event)
        subscription.close()

    subscription = Subscription(listen, lambda _: None)
    subscription.deliver(EVENT)
    subscription.deliver(EVENT)
    assert heard == [EVENT]


def test_a_listener_that_raises_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    def listen(_event: Event) -> None:
        raise ValueError("broken listener")

    subscription = Subscription(listen, lambda _: None)
    subscription.deliver(EVENT)
    subscription.close()
    assert "broken listener" in caplog.text
