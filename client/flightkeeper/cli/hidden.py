"""A line that is typed on the terminal without being shown.

As `getpass` does it, but Ctrl-C is heard whenever it comes. Python looks for signals before it
calls the system, and one that comes after that look and before the call waits there until the line
ends. So this waits for the line and for signals at once, and reads when there is something to read.
"""

import os
import re
import select
import signal
import socket
import termios
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getpass

TERMINAL = "/dev/tty"
_LINE_BYTES = 4096
_REPORT = re.compile(rb"\x1b\[\d+;\d+R")
"""Where the cursor is: what a terminal far away answers late to the shell's question."""


def ask(prompt: str) -> str:
    """What a person answers. For the main thread, as signals are.

    Raises:
        KeyboardInterrupt, EOFError: the person does not want to.
    """
    try:
        terminal = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return getpass(prompt)
    with os.fdopen(terminal, "r+b", buffering=0), _unseen(terminal), _signals() as woken:
        os.write(terminal, prompt.encode())
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([terminal, woken.fileno()], [], [])
            # What a signal means has happened by now, or is nothing to this.
            if woken.fileno() in ready:
                woken.recv(_LINE_BYTES)
            else:
                line = _REPORT.sub(b"", line + os.read(terminal, _LINE_BYTES))
                if not line:
                    raise EOFError
        os.write(terminal, b"\n")
    return line.rstrip(b"\r\n").decode(errors="surrogateescape")


@contextmanager
def _unseen(terminal: int) -> Iterator[None]:
    """Show nothing of what is typed, and forget what was typed before."""
    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Something that can be read from once a signal has come."""
    woken, wakes = socket.socketpair()
    with closing(woken), closing(wakes):
        wakes.settimeout(0)
        before = signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(before)
