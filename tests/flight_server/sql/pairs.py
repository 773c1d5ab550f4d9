"""Golden files: statements of a dialect, what they become, and what that answers.

A file `golden/<dialect>.sql-pairs` has blocks with an empty line between them. The first says what
the file is about and may set up tables; each other is a pair:

    ## what it shows
    SELECT the client's statement
    --> SELECT what it becomes
    with> values of parameters, as Python writes them
    check> SELECT what shows that it worked, when it answers nothing itself
    ==> a row of the answer; (none) = no row, ... = any rows
    !!> part of the message, when it is refused
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"
ANY_ROWS = ("...",)


@dataclass(frozen=True, slots=True)
class Pair:
    """One block of a file."""

    dialect: str
    title: str
    setup: tuple[str, ...]
    source: str
    sql: str
    parameters: str
    check: str
    rows: tuple[str, ...]
    refused: str


def pairs() -> list[Pair]:
    """All pairs of all files."""
    return [pair for path in sorted(GOLDEN.glob("*.sql-pairs")) for pair in _of_file(path)]


def _of_file(path: Path) -> Iterator[Pair]:
    head, *blocks = path.read_text().strip().split("\n\n")
    setup = _marked(head.split("\n"), "setup> ")
    for block in blocks:
        title, *lines = block.split("\n")
        marks = ("--> ", "with> ", "check> ", "==> ", "!!> ")
        yield Pair(
            dialect=path.stem,
            title=title.removeprefix("## "),
            setup=setup,
            source="\n".join(line for line in lines if not line.startswith(marks)),
            sql="\n".join(_marked(lines, "--> ")),
            parameters="".join(_marked(lines, "with> ")),
            check="".join(_marked(lines, "check> ")),
            rows=_marked(lines, "==> "),
            refused="".join(_marked(lines, "!!> ")),
        )


def _marked(lines: Sequence[str], mark: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(mark) for line in lines if line.startswith(mark))


def shown(rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
    """Rows as the files have them."""
    return tuple(", ".join(_shown(value) for value in row) for row in rows) or ("(none)",)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case str():
            quoted = value.replace("'", "''").replace("\t", "\\t")
            return f"'{quoted}'"
        case list():
            return "[" + ", ".join(_shown(item) for item in value) + "]"
    return str(value)
