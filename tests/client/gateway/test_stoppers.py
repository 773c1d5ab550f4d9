"""Telling nodes to stop: each in its own line, and to an end."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.gateway.stoppers import AT_ONCE_MAX, THREADS_MAX, Stoppers

PATIENCE_S = 20


@pytest.fixture
def stoppers() -> Iterator[Stoppers]:
    made = Stoppers()
    yield made
    made.close()


def test_a_node_that_does_not_answer_keeps_no_other_from_being_told(stoppers: Stoppers) -> None:
    answers = threading.Event()
    mute = [stoppers.soon("mute", lambda: answers.wait(PATIENCE_S)) for _ in range(2 * THREADS_MAX)]
    try:
        assert stoppers.soon("well", lambda: "told").result(PATIENCE_S) == "told"
        assert not any(told.done() for told in mute)
    finally:
        answers.set()
    assert all(told.result(PATIENCE_S) for told in mute)


def test_what_a_node_answers_reaches_who_asked(stoppers: Stoppers) -> None:
    def refused() -> None:
        raise CallFailed(Failure(Kind.REFUSED, "no"))

    with pytest.raises(CallFailed, match="no"):
        stoppers.soon("a", refused).result(PATIENCE_S)
    # Who failed has not kept the line.
    found = [stoppers.soon("a", lambda n=n: n) for n in range(10)]  # type: ignore[misc]
    assert [told.result(PATIENCE_S) for told in found] == list(range(10))


def test_what_is_cancelled_in_time_is_not_told(stoppers: Stoppers) -> None:
    answers, heard = threading.Event(), list[str]()
    for _ in range(AT_ONCE_MAX):
        stoppers.soon("slow", lambda: answers.wait(PATIENCE_S))
    needless = stoppers.soon("slow", lambda: heard.append("needless"))
    assert needless.cancel()
    last = stoppers.soon("slow", lambda: heard.append("last"))
    answers.set()
    last.result(PATIENCE_S)
    stoppers.close()
    assert heard == ["last"]


def test_closing_waits_for_who_is_being_told_and_for_nobody_else(stoppers: Stoppers) -> None:
    begun, answers = threading.Semaphore(0), threading.Event()

    def tell() -> bool:
        begun.release()
        return answers.wait(PATIENCE_S)

    telling = [stoppers.soon("mute", tell) for _ in range(AT_ONCE_MAX)]
    for _ in telling:
        assert begun.acquire(timeout=PATIENCE_S)
    waiting = [stoppers.soon("mute", tell) for _ in range(100)]
    closing = threading.Thread(target=stoppers.close)
    closing.start()
    _, unfinished = wait(waiting, PATIENCE_S)
    assert not unfinished
    assert all(told.cancelled() for told in waiting)
    assert closing.is_alive()
    answers.set()
    closing.join(PATIENCE_S)
    assert [told.result(0) for told in telling] == [True] * AT_ONCE_MAX
    late = stoppers.soon("mute", tell)
    assert wait([late], PATIENCE_S).done == {late}
    assert late.cancelled()
