"""A stub node in a process of its own, so that it can really be killed or stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

READY_TIMEOUT_S = 20.0


class StubProcess:
    """One process; a context manager that ends it."""

    def __init__(self, directory: Path, *, port: int = 0, refuse: str = "", user: str = "") -> None:
        self.journal = directory / f"journal-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "tests.support.flight_stub", f"--port={port}"]
        command += [f"--refuse={refuse}", f"--user={user}", f"--journal={self.journal}"]
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.address = f"127.0.0.1:{self.port}"

    def lines(self, beginning: str = "") -> list[str]:
        """What the node noted so far."""
        text = self.journal.read_text() if self.journal.exists() else ""
        return [line for line in text.splitlines() if line.startswith(beginning)]

    def wait_for(self, beginning: str) -> None:
        """Wait until the node has noted something."""
        eventually(lambda: self.lines(beginning))

    def kill(self) -> None:
        """SIGKILL; returns when it is dead. Idempotent."""
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """SIGSTOP: sockets stay open, nothing answers."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()
        assert self._process.stdout is not None
        self._process.stdout.close()


def eventually(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait until something is true."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.02)


def url_of(*nodes: StubProcess, user: str = "") -> str:
    """The URL of a static list."""
    login = f"{user}@" if user else ""
    return f"flightsql://{login}{','.join(node.address for node in nodes)}?transport=tcp"
