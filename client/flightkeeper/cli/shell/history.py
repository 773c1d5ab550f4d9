"""What was typed before, kept in a file for the next time.

Owns the file, which only its owner may read, and what is never written to it.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from prompt_toolkit.history import FileHistory

_SECRET = re.compile(r"password|secret|://\S*:\S*@", re.IGNORECASE)
"""Also a password in a URL: none is taken from there, but it may have been typed."""


def history_file(environment: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/flightkeeper/history`, by default below `~/.local/state`."""
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(state) / "flightkeeper" / "history"


class StatementHistory(FileHistory):
    """Statements of earlier shells; those that name a password or a secret are not kept."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # It may be older than we are.
        path.chmod(0o600)
        super().__init__(str(path))

    def store_string(self, string: str) -> None:
        """Write one statement, unless it may hold what nobody should read."""
        if not _SECRET.search(string):
            super().store_string(string)
