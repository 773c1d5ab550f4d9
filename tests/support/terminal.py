"""A program on a terminal that exists in memory: type, and look at the screen.

A pseudo-terminal and an emulator in Python, so that a test needs nothing of the machine.
"""

import os
import pty
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import pyte

LINES, COLUMNS = 40, 100
PATIENCE_S = 20.0
_STARTED = (
    "import fcntl, runpy, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "signal.signal(signal.SIGINT, signal.default_int_handler);"
    "sys.argv[0] = 'flightkeeper'; runpy.run_module('flightkeeper.cli', run_name='__main__')"
)
"""The terminal becomes the controlling one of the program's session: Ctrl-C is a signal then, heard
also where the tests were started in the background, which ignores it."""


class Screen(pyte.HistoryScreen):
    """What is on the terminal; it answers a program that asks where the cursor is.

    The answer counts all that was written before the question, also in the same piece: a prompt
    that believes itself higher up takes the lines below for free, and scrolls the rest away.
    """

    def __init__(self, answer: Callable[[bytes], object]) -> None:
        super().__init__(COLUMNS, LINES, history=1000)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())


class Terminal:
    """`flightkeeper` on a terminal of its own; a context manager that ends it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._screen = Screen(lambda answer: os.write(self._master, answer))
        self._stream = pyte.ByteStream(self._screen)
        size = {"LINES": str(LINES), "COLUMNS": str(COLUMNS), "TERM": "xterm", "PAGER": "cat"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _STARTED, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, **size, **environment},
            start_new_session=True,
        )
        os.close(slave)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._master, selectors.EVENT_READ)

    def type(self, text: str) -> None:
        r"""Press keys; "\r" is Enter."""
        os.write(self._master, text.encode())

    def lines(self) -> list[str]:
        """What is on the screen, without empty lines."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def wait_for(self, *words: str, prompt: str = "sql>") -> list[str]:
        """The screen when lines end with the words, and the prompt waits on the last one."""
        assert self.comes_to_show(*words, prompt=prompt), "\n".join(self.lines())
        return self.lines()

    def comes_to_show(
        self, *words: str, prompt: str = "sql>", within_s: float = PATIENCE_S
    ) -> bool:
        """Whether lines end with the words, and the prompt waits on the last one, in time."""
        deadline_s = time.monotonic() + within_s
        while not self._shows(words, prompt):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            self._read(left_s)
        return True

    def _shows(self, words: Sequence[str], prompt: str) -> bool:
        lines = self.lines()
        ends = all(any(line.endswith(word) for line in lines) for word in words)
        return ends and bool(lines) and lines[-1].endswith(prompt)

    def ended(self) -> int:
        """Wait for the end of the program; its exit code."""
        while self._read(PATIENCE_S):
            pass
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """End the program, if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._selector.close()
        os.close(self._master)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _read(self, timeout_s: float) -> bool:
        if not self._selector.select(timeout_s):
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # Nobody has the other end open any more.
            return False
        self._stream.feed(data)
        return bool(data)
