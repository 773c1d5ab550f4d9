"""What the demo shows: live on a terminal, plain lines elsewhere.

Owns the screen. Gets texts and numbers; decides nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from examples.demo.workload import Statement

_REFRESH_S = 0.25
_PLAIN_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of the run.

    Attributes:
        phase: what is going on, for a person.
        nodes: (node, what the client knows of it).
    """

    phase: str
    nodes: Sequence[tuple[str, str]]
    statements: Sequence[Statement]

    def numbers(self) -> dict[str, str]:
        """The counters, by label."""
        now = time.monotonic()
        recent = [s for s in self.statements if s.began_s + s.took_s > now - 1]
        slowest = max((s.took_s for s in self.statements), default=0.0)
        return {
            "statements": f"{len(self.statements)}",
            "per second": f"{len(recent)}",
            "failed": f"{sum(bool(s.problem) for s in self.statements)}",
            "slowest": f"{slowest * 1000:.0f} ms",
        }

    def line(self) -> str:
        """The moment in one line."""
        nodes = ", ".join(f"{name} {state}" for name, state in self.nodes)
        numbers = ", ".join(f"{name} {value}" for name, value in self.numbers().items())
        return f"  {self.phase}: {numbers} | {nodes}"


class Display:
    """Prints headings, tables, and the progress of what runs."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def heading(self, text: str) -> None:
        """Begin a part of the story."""
        self.console.print(Text(text, style="bold"))

    def say(self, text: str) -> None:
        """One indented line, wrapped by the terminal only, so that it can be copied."""
        self.console.print(Text(f"  {text}"), soft_wrap=True)

    def rows(self, title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A small result under its question."""
        self.say(title)
        table = Table(*names, box=None, padding=(0, 2), header_style="dim")
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)

    @contextmanager
    def following(self, moment: Callable[[], Progress]) -> Iterator[Callable[[], None]]:
        """Show moments while the block runs; the block calls what it is given to refresh."""
        if self.console.is_terminal:
            with Live(console=self.console, auto_refresh=False, transient=True) as live:
                yield lambda: live.update(_panel(moment()), refresh=True)
        else:
            yield _Plain(self.console, moment)
        self.console.print(Text(moment().line()), soft_wrap=True)


class _Plain:
    """A line a second for logs: no control codes, nothing overwritten."""

    def __init__(self, console: Console, moment: Callable[[], Progress]) -> None:
        self._console = console
        self._moment = moment
        self._next_s = 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _PLAIN_EVERY_S
            self._console.print(Text(self._moment().line()), soft_wrap=True)


def _panel(progress: Progress) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_row(Text(progress.phase, style="bold"))
    table.add_row("   ".join(f"{name} [b]{text}[/b]" for name, text in progress.numbers().items()))
    for name, state in progress.nodes:
        table.add_row(f"{name}  {state}")
    return table


def follow(refresh: Callable[[], None], until: Callable[[], bool], timeout_s: float) -> bool:
    """Keep the display fresh until something holds; False when time ran out first."""
    deadline = time.monotonic() + timeout_s
    while not until():
        if time.monotonic() >= deadline:
            return False
        refresh()
        time.sleep(_REFRESH_S)
    return True
