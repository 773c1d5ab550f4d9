"""The watcher: a caller that went away is noticed, and stays noticed until its call ended."""

import threading
from collections.abc import Iterator

import pytest

from flightkeeper.flightsql.cancellation import CancelWatcher
from tests.flight_server.wire_client import eventually


@pytest.fixture
def watcher() -> Iterator[CancelWatcher]:
    made = CancelWatcher()
    yield made
    made.close()
    assert not made._thread.is_alive()


def test_a_cancelled_call_is_stopped_soon(watcher: CancelWatcher) -> None:
    cancelled, stopped = threading.Event(), threading.Event()
    watcher.watch(cancelled.is_set, stopped.set)
    assert not stopped.wait(0.15)
    cancelled.set()
    assert eventually(stopped.is_set) < 0.25


def test_it_is_stopped_again_until_it_is_forgotten(watcher: CancelWatcher) -> None:
    stops: list[int] = []
    key = watcher.watch(lambda: True, lambda: stops.append(1))
    eventually(lambda: len(stops) > 2)
    watcher.forget(key)
    watcher.forget(key)
    eventually(lambda: not watcher._busy.is_set())
    assert watcher._calls == {}


def test_only_what_was_cancelled_is_stopped(watcher: CancelWatcher) -> None:
    stopped: list[str] = []
    watcher.watch(lambda: False, lambda: stopped.append("other"))
    watcher.watch(lambda: True, lambda: stopped.append("this"))
    eventually(lambda: len(stopped) > 2)
    assert set(stopped) == {"this"}


def test_a_call_is_not_asked_once_it_is_forgotten(watcher: CancelWatcher) -> None:
    asked: list[bool] = []
    over = threading.Event()

    def is_cancelled() -> bool:
        asked.append(over.is_set())
        return False

    key = watcher.watch(is_cancelled, lambda: None)
    eventually(lambda: len(asked) > 1)
    watcher.forget(key)
    over.set()
    eventually(lambda: not watcher._busy.is_set())
    assert not any(asked)


def test_everything_can_be_stopped_at_once(watcher: CancelWatcher) -> None:
    stopped = [threading.Event(), threading.Event()]
    for event in stopped:
        watcher.watch(lambda: False, event.set)
    watcher.stop_all()
    eventually(lambda: all(event.is_set() for event in stopped))


def test_it_sleeps_while_nothing_runs_and_wakes_again(watcher: CancelWatcher) -> None:
    watcher.forget(watcher.watch(lambda: False, lambda: None))
    eventually(lambda: not watcher._busy.is_set())
    stopped = threading.Event()
    watcher.watch(lambda: True, stopped.set)
    eventually(stopped.is_set)


def test_closing_twice_is_harmless() -> None:
    made = CancelWatcher()
    made.close()
    made.close()
    assert made._thread.name == "flightkeeper-cancel"
    assert not made._thread.is_alive()
