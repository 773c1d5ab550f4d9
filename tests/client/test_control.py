"""A statement seen and stopped by another thread."""

import threading

from flightkeeper.client.control import Control


def test_before_anything_runs_cancelling_only_notes_it() -> None:
    control = Control()
    assert (control.statement_id, control.node, control.attempts) == ("", None, 0)
    assert not control.cancelled
    control.cancel()
    assert control.cancelled


def test_a_call_is_told_to_stop_until_it_has_ended() -> None:
    control, told = Control(), threading.Event()
    times: list[int] = []

    def stop() -> None:
        times.append(1)
        # The node does not hear of it at first.
        if len(times) == 2:
            told.set()

    control.asks("n1", stop)

    def call() -> None:
        assert told.wait(10)
        control.answered()

    thread = threading.Thread(target=call, name="call")
    thread.start()
    control.cancel()
    thread.join(10)
    assert len(times) >= 2
    assert (control.node, control.attempts) == ("n1", 1)
    control.cancel()


def test_a_result_is_stopped_also_when_it_comes_late() -> None:
    control, stopped = Control(), []
    control.delivers(lambda: stopped.append("first"))
    assert stopped == []
    control.cancel()
    assert stopped == ["first"]
    late = Control()
    late.cancel()
    late.delivers(lambda: stopped.append("second"))
    assert stopped == ["first", "second"]


def test_counting() -> None:
    control = Control()
    control.counts(3, 24)
    control.counts(2, 16)
    assert (control.rows, control.nbytes) == (5, 40)
