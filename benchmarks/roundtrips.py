"""What a node asks the catalog of a lake for each statement: python -m benchmarks.roundtrips.

Counts the statements that PostgreSQL gets, each of which is a way there and back, and takes the
time: with the server beside the node, and a millisecond away in each direction.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.lakes import POSTGRES, Lake, Log, far_away, lake, nodes
from flightkeeper.client import Connection, connect
from flightkeeper.client.statements import Statements

_MADE = (
    "CREATE TABLE kept AS SELECT range AS id, range * 2 AS n FROM range(100000)",
    "CREATE TABLE small (id BIGINT, n BIGINT)",
    "CREATE TABLE other (id BIGINT, name VARCHAR)",
    "INSERT INTO small VALUES (1, 1)",
    "INSERT INTO other VALUES (1, 'one')",
)
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "SELECT without a table": ("SELECT 1 + 1",),
    "SELECT, a table of one file": ("SELECT n FROM kept WHERE id = 7",),
    "SELECT, a table of a row": ("SELECT n FROM small",),
    "SELECT, two tables": ("SELECT n, name FROM small JOIN other USING (id)",),
    "INSERT of a row": ("INSERT INTO small VALUES (2, 2)",),
    "INSERT of a row, with its catalog": ("INSERT INTO lake.main.small VALUES (2, 2)",),
    "UPDATE of a row": ("UPDATE small SET n = n + 1 WHERE id = 1",),
    "DELETE of a row": ("DELETE FROM small WHERE id = 2",),
    "CREATE TABLE": ("CREATE OR REPLACE TABLE new (id BIGINT)",),
    "transaction: SELECT, INSERT": (
        "BEGIN",
        "SELECT n FROM kept WHERE id = 7",
        "INSERT INTO small VALUES (3, 3)",
        "COMMIT",
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """What one operation came to.

    Attributes:
        statements: that the catalog got for it, in the mean.
        near_ms: the median, with the catalog beside the node.
        far_ms: the same, with it far away.
    """

    operation: str
    statements: float
    near_ms: float
    far_ms: float


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Count what a node asks the lake's catalog.")
    parser.add_argument("--times", type=int, default=40, help="that each operation is run")
    parser.add_argument("--delay-ms", type=float, default=0.5, help="one way, of the far catalog")
    parser.add_argument("--show", help="an operation whose statements are listed")
    parser.add_argument("--json", type=Path, help="where to write the results")
    arguments = parser.parse_args()
    lines = measure(arguments.times, arguments.delay_ms / 1000, arguments.show or "nothing")
    Console().print(_table(lines, 2 * arguments.delay_ms))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


def measure(times: int, delay_s: float, show: str) -> list[Line]:
    """Each operation by a node beside the catalog, and by one that is far away from it."""
    with tempfile.TemporaryDirectory() as folder, lake(POSTGRES, Path(folder)) as near:
        assert near.server is not None
        log = Log(near.server)
        counts, near_ms = _run(near, Path(folder) / "near", times, log, show)
        with far_away(near, Path(folder), delay_s) as far:
            _, far_ms = _run(far, Path(folder) / "far", times, log, "nothing")
    return [Line(name, counts[name], near_ms[name], far_ms[name]) for name in OPERATIONS]


def _run(
    of: Lake, home: Path, times: int, log: Log, show: str
) -> tuple[dict[str, float], dict[str, float]]:
    counts: dict[str, float] = {}
    medians_ms: dict[str, float] = {}
    with nodes(of, 1, home) as (url, _), connect(url, cache_dir=home) as connection:
        for statement in _MADE:
            connection.execute(statement.replace("CREATE TABLE", "CREATE OR REPLACE TABLE"))
        for name, statements in OPERATIONS.items():
            _do(connection, statements)
            log.since()
            taken = [_timed(connection, statements) for _ in range(times)]
            sent = log.since()
            counts[name], medians_ms[name] = len(sent) / times, statistics.median(taken) * 1000
            if show in name:
                for text, count in Counter(sent).most_common():
                    print(f"{count / times:6.2f} {text[:150]}", file=sys.stderr)
    return counts, medians_ms


def _timed(connection: Connection, statements: tuple[str, ...]) -> float:
    began_s = time.perf_counter()
    _do(connection, statements)
    return time.perf_counter() - began_s


def _do(connection: Connection, statements: tuple[str, ...]) -> None:
    if statements[0] != "BEGIN":
        (statement,) = statements
        _one(connection, statement)
        return
    with connection.transaction() as transaction:
        for statement in statements[1:-1]:
            _one(transaction, statement)


def _one(connection: Statements, statement: str) -> None:
    if statement.startswith("SELECT"):
        with connection.query(statement) as result:
            result.read_all()
    else:
        connection.execute(statement)


def _table(lines: list[Line], delay_ms: float) -> Table:
    table = Table(title="statements that the catalog gets", title_justify="left")
    for heading in ("", "statements", "ms, beside", f"ms, {delay_ms:g} ms away"):
        table.add_column(heading, justify="right" if heading else "left")
    for line in lines:
        table.add_row(
            line.operation, f"{line.statements:.1f}", f"{line.near_ms:.1f}", f"{line.far_ms:.1f}"
        )
    return table


if __name__ == "__main__":
    main()
