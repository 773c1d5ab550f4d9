"""Upkeep that runs hard, on a lake whose files are kept as shortly as can be, takes nothing away.

Somebody reads slowly and others write, while the node that does the upkeep is killed.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flightkeeper import client
from flightkeeper.client.errors import FlightkeeperError
from tests.support.postgres_server import postgres_server
from tests.support.processes import Running, running
from tests.support.stub_process import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.lake, pytest.mark.slow, pytest.mark.timeout(180)]

KEPT_S = 20
PARTS, PART_ROWS = 12, 250_000
ROWS = PARTS * PART_ROWS
SETTINGS = {
    "FLIGHTKEEPER_LAKE_UPKEEP_S": "0.5",
    "FLIGHTKEEPER_LAKE_FILES_KEPT_S": str(KEPT_S),
    "FLIGHTKEEPER_LAKE_SNAPSHOTS_KEPT_S": "10",
    "FLIGHTKEEPER_BATCH_BYTES": "1048576",
}


@dataclass
class Cluster:
    """Three nodes with a lake in PostgreSQL, and a client of all."""

    connection: client.Connection
    nodes: dict[str, Running]

    def one(self, sql: str) -> object:
        return self.connection.query(sql).fetchall()[0][0]

    def leader(self) -> str:
        """The node that does the upkeep, or nothing while there is none."""
        asked = "SELECT node_id FROM system.leaders WHERE duty LIKE 'lake-%' AND held"
        rows = self.connection.query(asked).fetchall()
        return str(rows[0][0]) if rows and rows[0][0] else ""

    def did(self, step: str, node_id: str) -> bool:
        asked = f"SELECT node_id, outcome FROM system.lake WHERE step = '{step}'"
        return self.connection.query(asked).fetchall() == [(node_id, "done")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    registry = f"dir://{tmp_path}/registry"
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        stored = ("--lake", server.lake, "--lake-data", str(tmp_path / "files"))
        nodes = {}
        for name in ("n1", "n2", "n3"):
            flags = ("serve", "--insecure", "--registry", registry, "--node-id", name, *stored)
            nodes[name] = stack.enter_context(running(*flags, env=SETTINGS))
        for node in nodes.values():
            node.line()
        connection = client.connect(f"flightsql+{registry}", cache_dir=tmp_path)
        yield Cluster(stack.enter_context(connection), nodes)


@dataclass
class Writer:
    """Inserts, updates and deletes until told to stop; what it was told of each."""

    connection: client.Connection
    acknowledged: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    added: int = 0

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write, name="write")
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _write(self) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            try:
                self.connection.execute("INSERT INTO entry SELECT ? FROM range(20)", [number])
                self.acknowledged.append(number)
                self.connection.execute("UPDATE counter SET n = n + 1")
                self.added += 1
                self.connection.execute("DELETE FROM entry WHERE id = ? - 5", [number])
            except FlightkeeperError as exc:
                self.refused.append(repr(exc))


def read(connection: client.Connection, seconds: float) -> int:
    """How many rows a slow reader gets."""
    rows = 0
    for batch in connection.query("SELECT i, hash(i) AS h FROM big"):
        rows += batch.num_rows
        time.sleep(seconds * batch.num_rows / ROWS)
    return rows


def test_who_reads_and_writes_beside_hard_upkeep_loses_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    connection = cluster.connection
    connection.execute("CREATE TABLE entry (id BIGINT)")
    connection.execute("CREATE TABLE counter AS SELECT 0::BIGINT AS n")
    connection.execute("CREATE TABLE big (i BIGINT)")
    for part in range(PARTS):
        begin = part * PART_ROWS
        connection.execute(f"INSERT INTO big FROM range({begin}, {begin + PART_ROWS})")
    # As it is before the upkeep makes other files of these.
    before = {file.name for file in (tmp_path / "files").rglob("ducklake-*.parquet")}
    writer = Writer(connection)
    try:
        assert read(connection, KEPT_S * 0.4) == ROWS

        first = cluster.leader()
        cluster.nodes[first].process.kill()
        eventually(lambda: cluster.leader() not in {"", first}, 30)
        second = cluster.leader()
        eventually(lambda: cluster.did("expire", second), 30)

        try:
            rows = read(connection, KEPT_S * 0.8)
        except FlightkeeperError:
            rows = ROWS  # it is an error, and no short result
        assert rows == ROWS
        eventually(lambda: cluster.did("clean", second), 60)
    finally:
        writer.stop()
    left = {file.name for file in (tmp_path / "files").rglob("ducklake-*.parquet")}
    assert before - left, "nothing was taken away"
    assert cluster.one("SELECT count(*) FROM big") == ROWS
    assert cluster.one("SELECT sum(i)::BIGINT FROM big") == ROWS * (ROWS - 1) // 2
    assert cluster.one("SELECT n FROM counter") == writer.added
    stored = Counter(number for (number,) in connection.query("SELECT id FROM entry").fetchall())
    assert set(stored.values()) == {20}
    assert set(writer.acknowledged[-5:]) == set(stored)
    assert not writer.refused, writer.refused[:3]
