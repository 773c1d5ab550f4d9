"""Whose turn it is to write to the lake, among the nodes that share it.

Theory. The lake itself lets no two commits undo each other: the second one fails, and is tried
again. Under load that is slow and unfair, so writers stand in line first. Nothing rests on the
line: who has waited long enough goes without a turn.

Owns the line within the process; the one between processes is a `Gate`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX
from pathlib import Path
from typing import Protocol

from flightkeeper.flight_server.file_locks import taken

PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.05
_AT_GATE_S = 0.25
"""So long is waited at the gate until it is looked whether who waits is still wanted."""


class Gate(Protocol):
    """A lock between processes, which the death of who has it opens."""

    def try_enter(self, within_s: float = 0.0) -> bool:
        """Take it; whether it was free in time.

        Raises:
            GateBroken: it cannot be asked.
        """

    def leave(self) -> None:
        """Give it back. Never raises."""


class GateBroken(Exception):
    """Nobody can say whose turn it is; writers go without."""


class FileGate:
    """A lock on a file, for processes of one machine. The kernel opens it at their death."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = ExitStack()

    def try_enter(self, within_s: float = 0.0) -> bool:
        """Take it; whether it was free in time."""
        with ExitStack() as held:
            try:
                entered = taken(held, self._path, LOCK_EX, time.monotonic() + within_s)
            except OSError as exc:
                raise GateBroken(str(exc)) from exc
            if entered:
                self._held = held.pop_all()
        return entered

    def leave(self) -> None:
        """Give it back."""
        self._held.close()


class Line:
    """The line of one process. Thread-safe."""

    def __init__(self, gate: Gate, patience_s: float = PATIENCE_S) -> None:
        self._gate = gate
        self._patience_s = patience_s
        self._first = threading.Lock()

    @contextmanager
    def turn(self, check: Callable[[], None]) -> Iterator[None]:
        """Write in here, alone unless others took too long.

        Args:
            check: called now and then while it waits; what it raises ends the wait.
        """
        deadline_s = time.monotonic() + self._patience_s
        while not self._first.acquire(timeout=_LOOK_AGAIN_S):
            check()
            if time.monotonic() > deadline_s:
                yield
                return
        try:
            entered = self._entered(check, deadline_s)
            try:
                yield
            finally:
                if entered:
                    self._gate.leave()
        finally:
            self._first.release()

    def _entered(self, check: Callable[[], None], deadline_s: float) -> bool:
        try:
            while not self._gate.try_enter(_AT_GATE_S):
                check()
                if time.monotonic() > deadline_s:
                    return False
        except GateBroken:
            return False
        return True
