"""From signals to an orderly end."""

import os
import queue
import signal
import threading
from collections.abc import Iterator

import pytest

from flightkeeper.cli.shutdown import Shutdown, next_event

TIMEOUT_S = 5.0


@pytest.fixture
def steps() -> "queue.SimpleQueue[str]":
    return queue.SimpleQueue()


@pytest.fixture
def shutdown(steps: "queue.SimpleQueue[str]") -> Iterator[Shutdown]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made = Shutdown(lambda: steps.put("drain"), lambda: steps.put("stop"))
    made.install()
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)
    made.request()
    made.request()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_the_second_stops(
    shutdown: Shutdown, steps: "queue.SimpleQueue[str]", number: signal.Signals
) -> None:
    signal.raise_signal(number)
    assert steps.get(timeout=TIMEOUT_S) == "drain"
    assert steps.empty()
    signal.raise_signal(number)
    assert steps.get(timeout=TIMEOUT_S) == "stop"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    shutdown.request()
    assert steps.empty()


def test_a_request_is_like_a_signal(shutdown: Shutdown, steps: "queue.SimpleQueue[str]") -> None:
    shutdown.request()
    assert steps.get(timeout=TIMEOUT_S) == "drain"
    signal.raise_signal(signal.SIGTERM)
    assert steps.get(timeout=TIMEOUT_S) == "stop"


@pytest.mark.timeout(20)
@pytest.mark.usefixtures("shutdown")
def test_a_signal_that_another_thread_received_is_heard(steps: "queue.SimpleQueue[str]") -> None:
    # The other threads, that of `shutdown` among them, take it: only this one refuses it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        # Late enough for this thread to wait; early costs the test its point, not its outcome.
        killer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        killer.start()
        assert next_event(steps) == "drain"
        killer.join(TIMEOUT_S)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def test_the_end_of_stdin_drains(
    shutdown: Shutdown, steps: "queue.SimpleQueue[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        shutdown.watch_stdin()
        os.write(write, b"not the end\n")
        assert steps.empty()
        os.close(write)
        assert steps.get(timeout=TIMEOUT_S) == "drain"
