"""The story `make demo` tells, and its verdict as the exit code.

Owns the order of events and the promises that are checked: 0 when all held, 1 when one did not.
"""

import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from examples.demo import connect_strings
from examples.demo.data import build
from examples.demo.display import Display
from examples.demo.questions import QUESTIONS, Question, Rows, expected
from examples.demo.survival import PromiseBroken, Scene, ready, survive
from flightkeeper.cli.cluster import Cluster
from flightkeeper.cli.up import client_url
from flightkeeper.client import Connection, FlightkeeperError, connect
from flightkeeper.flight_server.auth.passwords import hash_password

SERVICE = "flights"
USER = "demo"
NODES = ("node-1", "node-2", "node-3")
STOP_TIMEOUT_S = 20.0


def main() -> int:
    """Tell the story; the exit code."""
    display = Display()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flightkeeper-demo-") as scratch:
        try:
            tell(display, Path(scratch))
        except (PromiseBroken, FlightkeeperError) as exc:
            print(f"the demo failed: {exc}", file=sys.stderr)
            log = Path(scratch) / "nodes.log"
            print("".join(log.open().readlines()[-20:]) if log.exists() else "", file=sys.stderr)
            return 1
    display.heading(f"Everything is stopped again. {time.monotonic() - began_s:.0f} s in all.")
    return 0


def tell(display: Display, scratch: Path) -> None:
    """Build, start, ask, kill, restart, compare."""
    display.heading("Flights out of New York in 2013, in one DuckDB file")
    counts = build(scratch / "flights.duckdb")
    display.say(", ".join(f"{count:,} {table}" for table, count in counts.items()))
    answers = expected(scratch / "flights.duckdb")

    display.heading("Three nodes that read it, found through a directory")
    password = secrets.token_urlsafe(12)
    registry = f"dir://{scratch}/registry"
    with started(scratch, registry, password) as (cluster, pids):
        locations = ready(cluster, display, len(NODES))
        url = client_url(registry, SERVICE)
        with connect(url, user=USER, password=password) as connection:
            show_answers(display, connection, answers)
            survive(display, Scene(connection, cluster, pids), answers)
        display.heading("Connect to such a cluster")
        for line in connect_strings.lines(url, locations, USER, password):
            display.say(line)


@contextmanager
def started(
    scratch: Path, registry: str, password: str
) -> Iterator[tuple[Cluster, dict[str, int]]]:
    """Three `flightkeeper serve` processes, gone at the end of the block."""
    users = scratch / "users"
    users.write_text(f"{USER}:{hash_password(password)}\n")
    flags = ["--registry", registry, "--service", SERVICE, "--users", str(users)]
    flags += ["--database", str(scratch / "flights.duckdb"), "--read-only", "--threads", "1"]
    with (scratch / "nodes.log").open("w") as log:
        cluster = Cluster(flags, log)
        try:
            yield cluster, {node_id: cluster.start(node_id) for node_id in NODES}
        finally:
            cluster.close(STOP_TIMEOUT_S)


def show_answers(
    display: Display, connection: Connection, answers: Mapping[Question, Rows]
) -> None:
    """Every question once, with its answer; a wrong one ends the story."""
    display.heading("Questions, asked through the router")
    for question in QUESTIONS:
        reader = connection.query(question.sql)
        names = reader.schema.names
        rows = [tuple(row.values()) for row in reader.read_all().to_pylist()]
        if rows != answers[question]:
            raise PromiseBroken(f"the cluster answers differently from DuckDB: {question.title}")
        display.rows(question.title, names, rows)


if __name__ == "__main__":
    sys.exit(main())
