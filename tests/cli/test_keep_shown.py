"""What is shown until somebody presses q, in a terminal of its own."""

import os
import pty
import select
import subprocess
import sys
import time

_SHOWS = """
import itertools
from rich.text import Text
from flightkeeper.cli import keep_shown
keep_shown.EVERY_S = 0.05
numbers = itertools.count()
keep_shown.keep_shown(lambda: Text(f"look {next(numbers)}."))
"""
_WITHIN_S = 20.0


def test_it_is_shown_again_and_again_until_q() -> None:
    ours, theirs = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", _SHOWS], stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        deadline = time.monotonic() + _WITHIN_S
        while b"look 3." not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 4096)
        os.write(ours, b"q")
        assert process.wait(_WITHIN_S) == 0
    os.close(ours)


def test_without_a_terminal_it_is_shown_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SHOWS], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert done.stdout == b"look 0.\n"
