"""Waiting for work that can be interrupted."""

import io
import signal
import threading

import pytest

from flightkeeper.cli.shell.waiting import interruptible, state, terminal
from flightkeeper.client.control import Control


def test_what_the_work_returns() -> None:
    assert interruptible(lambda _: 42, None) == 42


def test_what_the_work_raises() -> None:
    def fail(_: Control) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        interruptible(fail, None)


def test_ctrl_c_cancels_and_the_work_still_ends() -> None:
    stopped = threading.Event()

    def work(control: Control) -> bool:
        control.asks("node-1", stopped.set)
        signal.raise_signal(signal.SIGINT)
        assert stopped.wait(10)
        control.answered()
        return control.cancelled

    assert interruptible(work, None)


def test_long_work_shows_how_far_it_is_and_clears_the_line() -> None:
    shown = io.StringIO()
    seen = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            shown.write(text)
            seen.set()
            return len(text)

    interruptible(lambda _: seen.wait(20), Watched())
    assert "0 rows, 0.0 MB" in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")


def test_the_state_in_words() -> None:
    control = Control()
    control.rows, control.nbytes, control.node, control.attempts = 7, 2_500_000, "node-2", 2
    assert state(control) == "7 rows, 2.5 MB, from node-2, 2 nodes asked"


def test_there_is_no_progress_away_from_a_terminal() -> None:
    assert terminal() is None
