"""What is shown again and again, as it changes, until somebody presses q or Ctrl-C.

Owns the terminal meanwhile. What does not go to a terminal is shown once.
"""

import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import RenderableType
from rich.live import Live

from flightkeeper.cli.consoles import console_for

EVERY_S = 1.0
_QUIT = "q"


def keep_shown(look: Callable[[], RenderableType]) -> None:
    """Show what `look` returns, and once a second what it returns then."""
    console = console_for(sys.stdout)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.print(look(), soft_wrap=True)
        return
    with _keys(), Live(look(), console=console, screen=True, auto_refresh=False) as live:
        try:
            while not _quits(EVERY_S):
                live.update(look(), refresh=True)
        except KeyboardInterrupt:
            return


@contextmanager
def _keys() -> Iterator[None]:
    """Let keys be read one by one, unseen."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _quits(within_s: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], within_s)
    return bool(readable) and sys.stdin.read(1) == _QUIT
