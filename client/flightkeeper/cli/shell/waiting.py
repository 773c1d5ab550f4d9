"""Waiting for a statement: Ctrl-C cancels it on its node, and a long one shows how far it is.

Owns the thread that the statement runs on, so that the main thread is free to hear of Ctrl-C.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TextIO, TypeVar

from flightkeeper.client.control import Control

REFRESH_S = 0.05
"""How soon Ctrl-C is heard, and how often progress is shown."""
QUIET_S = 1.0
"""A statement that ends sooner shows no progress."""

_Answer = TypeVar("_Answer")


def interruptible(work: Callable[[Control], _Answer], progress: TextIO | None) -> _Answer:
    """Do the work on a thread of its own. For the main thread, as signals are.

    Args:
        progress: the terminal to show progress on; None = show none.

    Raises:
        whatever the work raises; StatementCancelled after Ctrl-C.
    """
    control = Control()
    with (
        _interrupts() as interrupts,
        ThreadPoolExecutor(1, thread_name_prefix="flightkeeper-statement") as thread,
    ):
        future = thread.submit(work, control)
        waited_s = 0.0
        while not wait([future], timeout=REFRESH_S).done:
            waited_s += REFRESH_S
            if interrupts and not control.cancelled:
                control.cancel()
            if progress is not None and waited_s > QUIET_S:
                _show(progress, f"{state(control)}, {waited_s:.0f} s")
        if progress is not None and waited_s > QUIET_S:
            _show(progress, "")
        return future.result()


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Signals of Ctrl-C since the block began; they are no KeyboardInterrupt within it.

    One that is raised could be raised anywhere, also where nobody would cancel the statement.
    """
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def state(control: Control) -> str:
    """How far a statement is, in words."""
    words = [f"{control.rows} rows", f"{control.nbytes / 1e6:.1f} MB"]
    words += [f"from {control.node}"] if control.node else []
    words += [f"{control.attempts} nodes asked"] if control.attempts > 1 else []
    return ", ".join(words)


def terminal() -> TextIO | None:
    """Where progress can be shown."""
    return sys.stderr if sys.stderr.isatty() else None


def _show(progress: TextIO, text: str) -> None:
    print(f"\r\x1b[K{text}", end="", file=progress, flush=True)
