"""Rich consoles of the command: as wide as the terminal, unbounded away from one.

Owns how wide output is. Programs and files take lines of any length, so nothing is cut for them.
"""

from typing import TextIO

from rich.console import Console

_UNBOUNDED = 1_000_000


def console_for(out: TextIO) -> Console:
    """A console that writes to `out`, with colours and control codes on a terminal only."""
    return Console(file=out, width=None if out.isatty() else _UNBOUNDED, highlight=False)
