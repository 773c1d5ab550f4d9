"""The real command as a process, for tests: started, read line by line, always ended."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

NODE_PYTHON = os.environ.get("NODE_PYTHON", sys.executable)
"""What runs the command: an environment made for clients need not have what a node needs."""
START_TIMEOUT_S = 60.0
"""Of a busy machine; the tests say in how many seconds a node is there when that is promised."""
END_TIMEOUT_S = 20.0


class Running:
    """A running `flightkeeper`; stdout and stderr are read on threads of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._said: SimpleQueue[str] = SimpleQueue()
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read_stdout, name="read-stdout", daemon=True),
            threading.Thread(target=self._read_stderr, name="read-stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def line(self) -> dict[str, Any]:
        """The next line of stdout, as JSON."""
        try:
            text = self._lines.get(timeout=START_TIMEOUT_S)
        except Empty:
            raise AssertionError(f"it says nothing: {self.errors[-20:]}") from None
        assert text is not None, f"it ended: {self.stderr}"
        document: dict[str, Any] = json.loads(text)
        return document

    def line_within(self, timeout_s: float) -> str:
        """The next line of stdout; empty if there is none in time."""
        try:
            return self._lines.get(timeout=timeout_s) or ""
        except Empty:
            return ""

    def said(self) -> str:
        """The next line of stderr."""
        return self._said.get(timeout=END_TIMEOUT_S)

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(END_TIMEOUT_S)
        for thread in self._threads:
            thread.join(END_TIMEOUT_S)
        return code

    def rest(self) -> list[str]:
        """What was left on stdout of an ended process."""
        lines = []
        while (text := self._lines.get(timeout=END_TIMEOUT_S)) is not None:
            lines.append(text)
        return lines

    @property
    def stderr(self) -> str:
        """What it said on stderr so far."""
        return "".join(self.errors)

    def _read_stdout(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def _read_stderr(self) -> None:
        for line in self.process.stderr or ():
            self.errors.append(line)
            self._said.put(line)


@contextmanager
def running(
    *args: str, env: Mapping[str, str] | None = None, inside: Sequence[str] = ()
) -> Iterator[Running]:
    """`flightkeeper ARGS` as a process; killed at the end of the block if it still runs.

    Args:
        inside: what to put before the command: what gives it a network or signals of its own.
    """
    process = subprocess.Popen(
        [*inside, NODE_PYTHON, "-m", "flightkeeper.cli", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
        start_new_session=True,
    )
    started = Running(process)
    try:
        yield started
    finally:
        if process.poll() is None:
            process.kill()
        started.ended()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
