r"""Where results go: the terminal, a pager when they are larger than it, or a file.

Owns the file of `\o` and how results are printed now.
"""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TextIO

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from flightkeeper.cli.consoles import console_for
from flightkeeper.cli.formats import Format
from flightkeeper.cli.outcomes import outcome, write_answer
from flightkeeper.cli.shell.excerpt import Excerpt, as_records, as_table, excerpt
from flightkeeper.client import FlightkeeperError

_UNBOUNDED = 100_000


@dataclass(slots=True)
class Screen:
    """How results are printed; from one thread at a time.

    Attributes:
        output: the form of results.
        expanded: show each column on a line of its own, in the form of a table.
    """

    output: Format = Format.TABLE
    expanded: bool = False
    _file: TextIO | None = None

    @property
    def streams_to_terminal(self) -> bool:
        """Rows are printed as they come, so that nothing else may be."""
        return self._file is None and self.output is not Format.TABLE

    def redirect(self, path: Path | None) -> None:
        """Write results into a new file from now on; None = to the terminal again.

        Raises:
            OSError: it cannot be written.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        if path is not None:
            self._file = path.open("w", encoding="utf-8")

    def check(self) -> None:
        """Refuse to begin what could not be printed."""
        if self.output.binary and self._file is None:
            raise FlightkeeperError(
                f"{self.output} is binary: name a file for it with \\o FILE; nothing was run"
            )

    def take(self, statement: str, reader: pa.RecordBatchReader) -> Excerpt | str | None:
        """Read a result, print it if it goes out as it comes, else return what to show."""
        if self._file is None and self.output is Format.TABLE:
            return outcome(statement, reader) or excerpt(reader)
        write_answer(statement, reader, self.output, self._file or sys.stdout)
        if self.output.binary:
            # A file holds one result of these.
            self.redirect(None)
        return None

    def show(self, shown: Excerpt | str) -> None:
        """Print the edges of a result, through the pager if they do not fit, or what was done."""
        if isinstance(shown, str):
            print(shown, flush=True)  # noqa: T201  what was asked for
            return
        table = as_records(shown) if self.expanded else as_table(shown)
        self.page(table, shown.count())

    def page(self, table: Table, last: str) -> None:
        """Print a table and a line below it, through the pager if they do not fit."""
        text = StringIO()
        console = Console(file=text, width=_UNBOUNDED, highlight=False)
        console.print(table)
        lines = [*(line.rstrip() for line in text.getvalue().splitlines()), last]
        size = shutil.get_terminal_size()
        fits = len(lines) < size.lines and max(map(len, lines)) <= size.columns
        pager = [] if fits else _pager()
        if not pager:
            console_for(sys.stdout).print(table)
            print(last, flush=True)  # noqa: T201  what was asked for
            return
        subprocess.run(pager, input="\n".join(lines) + "\n", text=True, check=False)  # noqa: S603  the user's own

    def close(self) -> None:
        """Close the file. Idempotent."""
        self.redirect(None)


def _pager() -> list[str]:
    named = shlex.split(os.environ.get("PAGER", ""))
    if named:
        return named
    found = shutil.which("less")
    return [found, "-S"] if found else []
