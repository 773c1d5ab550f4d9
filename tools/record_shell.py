"""Record a session of the shell for the documentation: `python -m tools.record_shell [--check]`.

Types into the real shell on a terminal in memory, against a real node, and writes what the screen
shows. Needs nothing of the machine but Python. With --check it says whether the recording still
is what the shell shows, but for what differs each time.
"""

import re
import sys
import tempfile
from pathlib import Path

from tests.support.processes import running
from tests.support.terminal import Terminal

RECORDING = Path(__file__).parents[1] / "docs/shell-session.txt"
STEPS = (
    (
        "CREATE TABLE planes AS\rSELECT 'N' || i AS tail, i % 7 AS seats FROM range(100000) t(i);",
        "CREATE TABLE (100000 rows)",
    ),
    ("SELECT seats, count(*) AS planes\rFROM planes GROUP BY ALL ORDER BY ALL;", "(7 rows)"),
    ("\\d planes", "(2 rows)"),
    ("BEGIN;", ""),
    ("DELETE FROM planes WHERE seats = 0;", "DELETE (14286 rows)"),
    ("ROLLBACK;", ""),
    ("SELECT count(*) AS planes FROM planes;", "100000"),
    ("SELECT nonsense;", ""),
    ("SELECT regexp_matchs(tail, '9') FROM planes;", ""),
    ("\\c", "in memory.main"),
    ("\\timing", "timing is on"),
    ("SELECT max(tail) AS last FROM planes;", " s"),
    ("\\format jsonl", ""),
    ("SELECT tail, seats FROM planes WHERE tail IN ('N7', 'N8') ORDER BY ALL;", " s"),
)
"""What is typed, and how a line ends that shows it was done."""


def record() -> str:
    """The screen after each step, one below the other."""
    shown: list[str] = []
    with running("serve", "--insecure") as node, tempfile.TemporaryDirectory() as state:
        address = node.line()["location"].removeprefix("grpc://")
        url = f"flightsql://{address}?transport=tcp"
        with Terminal(["sql", url], {"XDG_STATE_HOME": state}) as terminal:
            shown += terminal.wait_for()[:-1]
            for typed, done in STEPS:
                terminal.type("\x0c")
                shown += _step(terminal, typed, done)
    return "\n".join(shown) + "\n"


def _step(terminal: Terminal, typed: str, done: str) -> list[str]:
    terminal.type(f"{typed}\r")
    echo = typed.rpartition("\r")[2][-20:]
    lines = terminal.wait_for(*filter(None, (echo, done)), prompt=">")
    return lines[:-1]


def lasting(text: str) -> str:
    """A recording without what differs each time: how long something took, and the port."""
    timeless = re.sub(r"took \d+\.\d+ s", "took … s", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", timeless)


def main() -> int:
    """Write the recording, or compare it; the exit code."""
    text = record()
    if "--check" not in sys.argv:
        RECORDING.write_text(text, encoding="utf-8")
        return 0
    same = lasting(text) == lasting(RECORDING.read_text(encoding="utf-8"))
    print("true" if same else "the shell shows something else: run tools.record_shell")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
