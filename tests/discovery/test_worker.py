"""The registry's thread."""

import threading
from collections.abc import Iterator

import pytest

from flightkeeper.discovery.worker import Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker("test-worker", lambda: 60.0)
    made.start()
    yield made
    assert made.stop(5)


def test_calls_run_in_order_on_the_named_thread(worker: Worker) -> None:
    seen: list[object] = []
    worker.post(lambda: seen.append(1))
    worker.post(lambda: seen.append(worker.is_current))
    assert worker.run(lambda: threading.current_thread().name, 5) == "test-worker"
    assert seen == [1, True]
    assert not worker.is_current


def test_it_ticks_after_every_call_and_when_time_is_up() -> None:
    ticks = threading.Semaphore(0)

    def tick() -> float:
        ticks.release()
        return 0.0

    worker = Worker("test-worker", tick)
    worker.start()
    for _ in range(5):
        assert ticks.acquire(timeout=5)
    assert worker.stop(5)


def test_run_raises_what_the_call_raised(worker: Worker) -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        worker.run(fail, 5)


def test_run_from_within(worker: Worker) -> None:
    assert worker.run(lambda: worker.run(lambda: 7, 5), 5) == 7


def test_run_gives_up(worker: Worker) -> None:
    release = threading.Event()

    def block() -> None:
        release.wait(10)

    worker.post(block)
    with pytest.raises(TimeoutError):
        worker.run(lambda: None, 0.01)
    release.set()


def test_a_defect_does_not_end_it(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    worker.post(fail)
    assert worker.run(lambda: 7, 5) == 7
    assert "ZeroDivisionError" in caplog.text


def test_stop_runs_what_was_posted_before(worker: Worker) -> None:
    seen: list[int] = []
    worker.post(lambda: seen.append(1))
    assert worker.stop(5)
    assert worker.stop(5)
    assert seen == [1]
    with pytest.raises(TimeoutError, match="closed"):
        worker.run(lambda: 7, 5)
    worker.post(lambda: seen.append(2))
    assert seen == [1]


def test_it_may_stop_itself() -> None:
    worker = Worker("test-worker", lambda: 60.0)
    worker.start()

    def stop() -> None:
        worker.stop(5)

    worker.post(stop)
    assert worker.stop(5)
