"""Real nodes on a real ZooKeeper, for tests that hurt them: started, killed, started again."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from tests.support.hosts import Host
from tests.support.processes import Running, running

SERVICE = "survival"
ROWS = 100_000
MODULUS = 65_521


def make_database(path: Path) -> None:
    """`number`, whose every slice has a known sum, and `entry` for what clients write."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"CREATE TABLE number AS SELECT i, (i * 31) % {MODULUS} AS v FROM range({ROWS}) t(i)"
        )
        connection.execute("CREATE TABLE entry (id VARCHAR)")


class Cluster:
    """Nodes by their ids. A context manager: all of them end with it."""

    def __init__(
        self,
        registry: str,
        database: Path | None,
        *,
        hosts: Mapping[str, Host] | None = None,
        **environment: str,
    ) -> None:
        """Prepare a cluster without nodes.

        Args:
            database: one file that all serve, read-only; or a folder with a file for each; or
                None, for one in memory each.
            hosts: by node id, the machine each is on; by default all on this one.
        """
        self._registry = registry
        self._database = database
        self._hosts = hosts or {}
        self._environment: Mapping[str, str] = environment
        self._lives: dict[str, tuple[AbstractContextManager[Running], Running]] = {}
        self.locations: dict[str, str] = {}
        self.url = f"flightsql+{registry}?service={SERVICE}"

    def start(self, node_id: str, listen: str = "") -> dict[str, Any]:
        """Start a node and wait until it is ready; its ready line.

        Args:
            listen: where, if not on a port of its machine that is free.
        """
        host = self._hosts.get(node_id)
        flags = f"serve --insecure --registry {self._registry} --service {SERVICE}"
        flags += f" --registry-session-timeout-s 4 --node-id {node_id} {self._data(node_id)}"
        inside: Sequence[str] = ()
        if listen:
            flags += f" --listen {listen}"
        if host is not None:
            flags, inside = f"{flags} {host.flags}", host.inside
        life = running(*flags.split(), env=self._environment, inside=inside)
        node = life.__enter__()
        self._lives[node_id] = (life, node)
        ready = node.line()
        self.locations[node_id] = ready["location"]
        return ready

    def _data(self, node_id: str) -> str:
        if self._database is None:
            return ""
        if self._database.is_dir():
            return f"--database {self.file(node_id)}"
        return f"--database {self._database} --read-only"

    def file(self, node_id: str) -> Path:
        """The database of a node that has its own."""
        assert self._database is not None
        return self._database / f"{node_id}.duckdb"

    def cut(self, node_id: str) -> None:
        """Let nothing in or out of a node's machine."""
        self._hosts[node_id].cut()

    def heal(self, node_id: str) -> None:
        """Let everything in and out of a node's machine."""
        self._hosts[node_id].heal()

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
