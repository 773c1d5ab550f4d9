"""Real nodes on a real ZooKeeper, for tests that hurt them: started, killed, started again."""

import os
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from tests.support.processes import Running, running

SERVICE = "survival"
ROWS = 100_000
MODULUS = 65_521


def make_database(path: Path) -> None:
    """A file all nodes can share: `number`, whose every slice has a known sum."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE TABLE number AS SELECT i, (i * 31) % {MODULUS} AS v FROM range({ROWS}) t(i)"
        )


class Cluster:
    """Nodes by their ids. A context manager: all of them end with it."""

    def __init__(self, registry: str, database: Path, **environment: str) -> None:
        self._flags = (
            "serve",
            "--insecure",
            "--registry",
            registry,
            "--service",
            SERVICE,
            "--database",
            str(database),
            "--read-only",
            "--registry-session-timeout-s",
            "4",
        )
        self._environment: Mapping[str, str] = environment
        self._lives: dict[str, tuple[AbstractContextManager[Running], Running]] = {}
        self.url = f"flightsql+{registry}?service={SERVICE}"

    def start(self, node_id: str) -> dict[str, Any]:
        """Start a node and wait until it is ready; its ready line."""
        life = running(*self._flags, "--node-id", node_id, env=self._environment)
        node = life.__enter__()
        self._lives[node_id] = (life, node)
        return node.line()

    def kill(self, node_id: str) -> None:
        """SIGKILL."""
        self._signal(node_id, signal.SIGKILL)
        self._lives[node_id][1].ended()

    def freeze(self, node_id: str) -> None:
        """SIGSTOP: the kernel still accepts connections for it."""
        self._signal(node_id, signal.SIGSTOP)

    def thaw(self, node_id: str) -> None:
        """SIGCONT."""
        self._signal(node_id, signal.SIGCONT)

    def terminate(self, node_id: str) -> int:
        """SIGTERM, and the exit code of the drained node."""
        self._signal(node_id, signal.SIGTERM)
        return self._lives[node_id][1].ended()

    def said(self, node_id: str) -> str:
        """What the node wrote to its log."""
        return self._lives[node_id][1].stderr

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for life, _ in self._lives.values():
            life.__exit__(kind, error, trace)

    def _signal(self, node_id: str, number: signal.Signals) -> None:
        os.kill(self._lives[node_id][1].process.pid, number)
