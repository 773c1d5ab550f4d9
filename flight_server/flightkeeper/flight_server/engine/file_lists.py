"""Who reads which files the tables of a lake in SQLite have, and who takes files out of them.

Theory. A merge takes the rows of small files out of SQLite, and puts one of the merged file in.
DuckDB does not see one state of SQLite: which rows there are it asks in its transaction, and reads
them on another connection. So who began before a merge and looks for files after it finds neither.
Reads therefore share a lock until they know their files, transactions until they end, and a merge
has it alone while it is committed. Other changes only mark rows as gone, which hurts nobody.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_SH
from pathlib import Path

from flightkeeper.flight_server.errors import EngineFailed
from flightkeeper.flight_server.file_locks import taken
from flightkeeper.flightsql.headers import Reason

_PATIENCE_S = 10.0
"""How long who reads waits for a merge, which may have been stopped in the middle by SIGSTOP."""
_REPLACING_S = 0.25
"""How long a merge waits, and those who come to read with it."""


class FileLists:
    """The lock of one lake. Thread-safe."""

    def __init__(self, home: Path) -> None:
        """`home` is SQLite's file; the lock's are beside it."""
        self._files = Path(f"{home}.reads")
        # Who waits to be alone holds it, so that others who keep coming do not pass.
        self._door = Path(f"{home}.door")

    @contextmanager
    def read(self) -> Iterator[None]:
        """Nobody takes files away meanwhile.

        Raises:
            EngineFailed: the lock cannot be opened.
        """
        until_s = time.monotonic() + _PATIENCE_S
        with ExitStack() as held:
            with _opening(), ExitStack() as door:
                taken(door, self._door, LOCK_SH, until_s)
                taken(held, self._files, LOCK_SH, until_s)
            yield

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Nobody reads meanwhile. Not by who reads.

        Raises:
            EngineFailed: somebody reads for longer.
        """
        until_s = time.monotonic() + _REPLACING_S
        with ExitStack() as held:
            with _opening():
                alone = all(
                    taken(held, file, LOCK_EX, until_s) for file in (self._door, self._files)
                )
            if not alone:
                raise EngineFailed(
                    "somebody reads the lake, whose files stay as they are meanwhile",
                    reason=Reason.CONFLICT,
                )
            yield


@contextmanager
def _opening() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise EngineFailed(
            f"the lock of the lake's files cannot be opened ({exc.strerror}); nothing was run"
        ) from exc
